// The theme lets wide tables scroll; here the keyboard reaches them, too.

import { say } from "./words.js";

if (document.readyState !== "complete") await new Promise((loaded) => addEventListener("load", loaded));

for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) {
  if (table.scrollWidth <= table.clientWidth) continue;
  table.setAttribute("tabindex", 0);
  table.setAttribute("role", "group");
  table.setAttribute("aria-label", say("Table that scrolls sideways"));
}

// The theme lets wide tables scroll; here the keyboard reaches them, too.

import { say } from "./words.js";

if (document.readyState !== "complete") await new Promise((loaded) => addEventListener("load", loaded));

const reached = { tabindex: 0, role: "group", "aria-label": say("Table that scrolls sideways") };
const watcher = new ResizeObserver((entries) => entries.forEach(({ target }) => mark(target)));

function mark(table) {
  const scrolls = table.scrollWidth > table.clientWidth;
  for (const [name, value] of Object.entries(reached))
    scrolls ? table.setAttribute(name, value) : table.removeAttribute(name);
}

for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) {
  mark(table); // at once
  watcher.observe(table); // a phone may be turned, a page enlarged
}

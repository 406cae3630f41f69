// The theme lets wide tables scroll; here the keyboard reaches them, too.

import { say } from "./words.js";

if (document.readyState !== "complete") await new Promise((loaded) => addEventListener("load", loaded));

const reached = { tabindex: 0, role: "group", "aria-label": say("Table that scrolls sideways") };
const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const scrolls = target.scrollWidth > target.clientWidth;
    for (const [name, value] of Object.entries(reached))
      scrolls ? target.setAttribute(name, value) : target.removeAttribute(name);
  }
});

for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) watcher.observe(table);

// The theme lets wide tables scroll; here the keyboard reaches them, too.
addEventListener("load", () => {
  for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) {
    if (table.scrollWidth <= table.clientWidth) continue;
    table.setAttribute("tabindex", 0);
    table.setAttribute("role", "group");
    table.setAttribute("aria-label", "Table that scrolls sideways");
  }
});

// The switch of languages leads to the heading that is read.

for (const link of document.querySelectorAll("a[hreflang]"))
  link.addEventListener("click", () => {
    const active = [...document.querySelectorAll(".md-nav--secondary .md-nav__link--active")].at(-1);
    link.hash = active?.hash ?? location.hash;
  });

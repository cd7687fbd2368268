// The theme adds copy buttons and wraps wide tables after the page has loaded. The bars of the
// buttons are no landmarks, and what scrolls can be scrolled by keyboard.
const complete = () => {
  for (const nav of document.querySelectorAll(".md-code__nav:not([role])")) {
    nav.setAttribute("role", "none");
  }
  for (const table of document.querySelectorAll(".md-typeset__scrollwrap:not([role])")) {
    table.tabIndex = 0;
    table.setAttribute("role", "group");
    table.setAttribute("aria-label", "Table");
  }
};

complete();
new MutationObserver(complete).observe(document.body, { childList: true, subtree: true });

// Teachers: `t` tests the one that is looked at, `j` and `k` look at the next and the one before; the sheet at the side
// is a dialog: it takes the focus when it opens, and Escape closes it.
(() => {
  const sheet = () => document.querySelector("#teachers-sheet");
  const shown = (element) => !!element && element.offsetParent !== null;
  const press = (id) => {
    const found = document.getElementById(id);
    (found?.matches("button") ? found : found?.querySelector("button"))?.click();
  };
  function move(step) {
    const rows = [...document.querySelectorAll("#teachers-list tbody tr")];
    const at = rows.findIndex((row) => row.getAttribute("aria-selected"));
    rows[at < 0 ? 0 : at + step]?.querySelector("a")?.click();
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && sheet() && !document.querySelector("dialog[open], ul[role=listbox]")) return press("teachers-close");
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (window.understudy.typing(event) || document.querySelector("dialog[open]") || sheet()) return;
    if (event.key === "t" && shown(document.querySelector("#teachers-test"))) press("teachers-test");
    else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
  });

  // Ctrl+Enter is the main button of what is in front: while the sheet is open, its own.
  addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing || !open) return;
    event.stopImmediatePropagation();
    press("teachers-add");
  }, true);

  let open = false;
  let before = null;
  new MutationObserver(() => {
    const now = shown(sheet()?.querySelector(".sheet-head"));
    if (now === open) return;
    open = now;
    if (open) {
      before = document.activeElement;
      sheet().setAttribute("role", "dialog");
      sheet().setAttribute("aria-labelledby", "teachers-sheet-title");
      sheet().scrollTop = 0;
      sheet().querySelector("input:not([disabled]), textarea:not([disabled])")?.focus({ preventScroll: true });
    } else before?.focus?.({ preventScroll: true });
  }).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["class", "style"] });
})();

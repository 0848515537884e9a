// Teachers: `t` tests the one that is looked at, `j` and `k` look at the next and the one before; the sheet at the side
// is a dialog: it takes the focus when it opens and keeps it, and Escape closes it, after a question when something was
// typed.
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
  // --- what is typed in the sheet is given up only when the person says so
  let dirty = false;
  async function close() {
    const words = document.querySelector("#us-words").dataset;
    if (dirty && !(await window.understudy.confirm(words.unsaved, words.discard, words.stay))) return;
    dirty = false;
    press("teachers-close");
  }
  for (const kind of ["input", "change"])
    document.addEventListener(kind, (event) => {
      if (event.isTrusted && event.target.closest?.("#teachers-sheet")) dirty = true;
    });
  document.addEventListener("click", (event) => {
    if (!dirty || !event.target.closest?.("#teachers-close")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    close();
  }, true);

  // --- the sheet keeps the focus
  const FOCUSABLE = "a[href], button:not([disabled]), input:not([disabled]):not([type=hidden]), textarea:not([disabled]), [tabindex='0']";
  const stops = () => [...sheet().querySelectorAll(FOCUSABLE)].filter((one) => shown(one) && one.tabIndex >= 0);
  function turn(event) {
    const all = stops();
    const edge = event.shiftKey ? all[0] : all.at(-1);
    if (document.activeElement !== edge && sheet().contains(document.activeElement)) return;
    event.preventDefault();
    (event.shiftKey ? all.at(-1) : all[0])?.focus();
  }
  // Its first field that is written into: a dropdown would open its menu. What fills the form may take the focus away again.
  function enter(times) {
    if (!open || !times || document.querySelector("dialog[open]")) return;
    if (!sheet().contains(document.activeElement))
      sheet().querySelector(":is(input, textarea):not([disabled], [role=combobox])")?.focus({ preventScroll: true });
    setTimeout(() => enter(times - 1), 80);
  }
  document.addEventListener("focusin", (event) => {
    if (open && !event.target.closest?.("#teachers-sheet, dialog, .fault-corner, .toast-wrap")) stops()[0]?.focus();
  });
  // In capture: a dropdown does not let the keys that leave it through.
  addEventListener("keydown", (event) => {
    if (event.key === "Tab" && open && !document.querySelector("dialog[open]")) turn(event);
  }, true);

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && open && !document.querySelector("dialog[open], ul[role=listbox]")) {
      event.preventDefault(); // Or the same key would close the question that it brings up.
      return close();
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (window.understudy.typing(event) || document.querySelector("dialog[open]") || open) return;
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
      dirty = false;
      sheet().setAttribute("role", "dialog");
      sheet().setAttribute("aria-modal", "true");
      sheet().setAttribute("aria-labelledby", "teachers-sheet-title");
      sheet().scrollTop = 0;
      enter(10);
    } else before?.focus?.({ preventScroll: true });
  }).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["class", "style"] });
})();

// What is wrong with a form, beside the field that it is about. The server puts one sentence into the form's place with the
// id of a field; here it is brought there, the field is marked and takes the focus, and typing into it takes the words away.
// In the corner, where no form was asked, a sentence stays until it is closed or something works.
(() => {
  const WRITES = "input:not([type=hidden]):not([type=file]), textarea, [contenteditable=true], button";
  const told = new Map(); // a sentence in its place -> what was put beside the field

  function forget(fault) {
    const { words, input } = told.get(fault);
    words.remove();
    if (input?.getAttribute("aria-describedby") === words.id) {
      input.removeAttribute("aria-describedby");
      input.removeAttribute("aria-invalid");
    }
    told.delete(fault);
  }

  function unfold(field) {
    for (let box = field.parentElement; box; box = box.parentElement) {
      const label = box.querySelector(":scope > button.label-wrap:not(.open)");
      if (label) label.click();
    }
  }

  function bring(fault) {
    const field = fault.dataset.field && document.getElementById(fault.dataset.field);
    if (!field) return;
    unfold(field);
    const words = document.createElement("p");
    words.className = "field-fault";
    words.id = `${field.id}-fault`;
    words.textContent = fault.querySelector("p").textContent;
    field.append(words);
    const input = field.querySelector(WRITES);
    input?.setAttribute("aria-invalid", "true");
    input?.setAttribute("aria-describedby", words.id);
    told.set(fault, { words, input, field });
    requestAnimationFrame(() => {
      if (!words.getClientRects().length) return; // The field is not shown: the words stay at the form's foot.
      fault.classList.add("beside");
      input?.focus({ preventScroll: true });
      field.scrollIntoView({ block: "center" });
    });
  }

  function look() {
    for (const fault of [...told.keys()]) if (!fault.isConnected) forget(fault);
    for (const fault of document.querySelectorAll(".fault")) {
      if (fault.dataset.seen === fault.dataset.at) continue;
      fault.dataset.seen = fault.dataset.at;
      if (told.has(fault)) forget(fault); // Gradio gives a place that stays other words and attributes.
      fault.hidden = false;
      fault.classList.remove("beside");
      for (const [other, { field }] of [...told]) if (field.id === fault.dataset.field) forget(other);
      bring(fault);
    }
  }

  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (event) => {
      for (const [fault, { field }] of [...told]) {
        if (!field.contains(event.target)) continue;
        fault.hidden = true;
        forget(fault);
      }
    });
  }
  document.addEventListener("click", (event) => {
    const fault = event.target instanceof Element && event.target.closest("[data-close-fault]")?.closest(".fault");
    if (!fault) return;
    fault.hidden = true;
    if (told.has(fault)) forget(fault);
  });
  new MutationObserver(look).observe(document.body, {
    childList: true, subtree: true, attributeFilter: ["data-seen", "data-at", "data-field"],
  });
  look();
})();

// The log of a job: stays at its end while "follow" is on, else where the reader left it; and its copy button.
(() => {
  let left = 0;
  const log = () => document.querySelector("pre.log");
  const following = () => document.querySelector("#jobs-follow")?.checked ?? true;
  function place() {
    const shown = log();
    if (shown) shown.scrollTop = following() ? shown.scrollHeight : left;
  }
  document.addEventListener(
    "scroll",
    (event) => {
      if (event.target === log()) left = event.target.scrollTop;
    },
    true,
  );
  document.addEventListener("change", (event) => {
    if (event.target.id === "jobs-follow") place();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-jobs-copy]") && log()) window.understudy.copy(log().textContent);
    const stop = event.target.closest("[data-jobs-stop]");
    if (stop) askToStop(stop);
  });
  // The list is read again every two seconds and then says what became of it.
  async function askToStop(button) {
    const words = button.textContent;
    button.disabled = true;
    button.textContent = button.dataset.stopping;
    const said = await fetch(button.dataset.jobsStop, { method: "POST" }).then((reply) => reply.json(), () => ({}));
    if (said.said) return;
    button.disabled = false;
    button.textContent = words;
    if (said.error) window.understudy.toast(said.error);
  }
  let shown = null;
  new MutationObserver(() => {
    const now = log();
    if (now && (now !== shown?.node || now.textContent.length !== shown.length)) {
      shown = { node: now, length: now.textContent.length };
      place();
    }
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
})();

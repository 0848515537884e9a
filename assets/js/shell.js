// The frame around every page: look, menu, project, job count, dialogs, notices and keys. No page depends on its internals;
// pages may use window.understudy.{confirm, toast, copy, typing}.
(() => {
  const root = document.documentElement;
  const $ = (selector, from = document) => from.querySelector(selector);
  const words = $("#us-words").dataset;
  const LOOKS = ["system", "light", "dark"];

  // --- look
  const system = matchMedia("(prefers-color-scheme: dark)");
  function paint() {
    const chosen = localStorage.getItem("understudy-look") || "system";
    const dark = chosen === "dark" || (chosen === "system" && system.matches);
    root.classList.toggle("dark", dark);
    document.body.classList.toggle("dark", dark);
    root.dataset.look = chosen;
    for (const button of document.querySelectorAll("[data-look-button]")) {
      const label = `${words.look}: ${words[`look${chosen[0].toUpperCase()}${chosen.slice(1)}`]}`;
      button.setAttribute("aria-label", label);
      button.title = label;
    }
    document.dispatchEvent(new CustomEvent("understudy:look", { detail: { dark } }));
  }
  function setLook(look) {
    localStorage.setItem("understudy-look", look);
    paint();
  }
  system.addEventListener("change", paint);
  addEventListener("storage", paint);
  // Gradio sets its own theme class and language when it starts; ours stay.
  new MutationObserver(() => {
    if (document.body.classList.contains("dark") !== root.classList.contains("dark")) paint();
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  new MutationObserver(() => {
    if (root.lang !== words.lang) root.lang = words.lang;
  }).observe(root, { attributes: true, attributeFilter: ["lang"] });
  new MutationObserver(() => {
    if (document.title !== words.title) document.title = words.title;
  }).observe(document.head, { childList: true, subtree: true, characterData: true });

  // --- notices and dialogs
  function toast(text) {
    const line = document.createElement("div");
    line.textContent = text;
    $("#us-toasts").append(line);
    setTimeout(() => line.remove(), 5000);
  }
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    toast(words.copied);
  }
  function confirm(question, yes, no = words.cancel) {
    return new Promise((resolve) => {
      const dialog = document.createElement("dialog");
      dialog.className = "us-dialog";
      dialog.innerHTML = '<p></p><div class="row"><button class="btn no" autofocus></button><button class="btn danger yes"></button></div>';
      $("p", dialog).textContent = question;
      $(".no", dialog).textContent = no;
      $(".yes", dialog).textContent = yes;
      $(".no", dialog).addEventListener("click", () => dialog.close());
      $(".yes", dialog).addEventListener("click", () => dialog.close("yes"));
      dialog.addEventListener("close", () => {
        resolve(dialog.returnValue === "yes");
        dialog.remove();
      });
      document.body.append(dialog);
      dialog.showModal();
    });
  }
  async function confirmThen(question, yes, no, id) {
    if (!(await confirm(question, yes, no))) return;
    const target = document.getElementById(id);
    (target.matches("button") ? target : $("button", target)).click();
  }
  const typing = (event) =>
    event.isComposing || !!event.target.closest?.("input:not([type=checkbox]):not([type=radio]),textarea,select,[contenteditable]");
  window.understudy = { confirm, confirmThen, toast, copy, typing, setLook };

  // --- side bar
  const menu = $("#us-menu");
  $("#us-project").addEventListener("change", (event) => {
    if (event.target.value === "") {
      event.target.value = words.project;
      $("#us-new-project").showModal();
      return;
    }
    location.href = `/?project=${encodeURIComponent(event.target.value)}`;
  });
  const form = $("#us-new-project form");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (event.submitter?.value === "cancel") return $("#us-new-project").close();
    const reply = await fetch("/shell/projects", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ name: form.elements.name.value }),
    });
    const said = await reply.json();
    if (reply.ok) location.href = `/?project=${encodeURIComponent(said.name)}`;
    else $("[role=alert]", form).textContent = said.error;
  });
  document.addEventListener("click", (event) => {
    const target = event.target;
    if (!(target instanceof Element)) return;
    const copied = target.closest("[data-copy]");
    if (copied) copy(copied.dataset.copy);
    if (target.closest("[data-look-button]")) setLook(LOOKS[(LOOKS.indexOf(root.dataset.look) + 1) % LOOKS.length]);
    const look = target.closest("[data-set-look]");
    if (look) setLook(look.dataset.setLook);
    if (target.closest("[data-close]")) target.closest("dialog").close();
    if (target.closest(".us-shade")) menu.checked = false;
  });

  // --- running jobs: asked for while the page is looked at, often only while something runs
  let wait = 4000;
  async function count() {
    if (!document.hidden) {
      try {
        const reply = await fetch(`/shell/jobs?project=${encodeURIComponent(words.project)}`);
        if (reply.status === 401) location.reload();
        const { running, label } = await reply.json();
        $("#us-lost").hidden = true;
        for (const badge of document.querySelectorAll(".us-count")) {
          badge.hidden = !running;
          badge.title = label;
          $("b", badge).textContent = running;
        }
        wait = running ? 4000 : 20000;
      } catch {
        $("#us-lost").hidden = false;
        wait = 3000;
      }
    }
    setTimeout(count, wait);
  }
  setTimeout(count, wait);

  // --- keys
  const GO = { h: "home", e: "teachers", p: "prompts", c: "collect", t: "traces", d: "datasets", r: "train", m: "models", o: "compare", j: "jobs", s: "settings" };
  let chord = 0;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") menu.checked = false;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      const main = [...document.querySelectorAll("button.primary, a.btn.primary")].find((one) => one.offsetParent && !one.disabled);
      if (main) main.click();
      return;
    }
    if (typing(event) || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    if (Date.now() - chord < 1200 && GO[event.key]) {
      chord = 0;
      event.preventDefault();
      event.stopImmediatePropagation();
      $(`.us-nav a[data-page=${GO[event.key]}]`)?.click();
    } else if (event.key === "g") {
      chord = Date.now();
    } else if (event.key === "?") {
      $("#us-help").showModal();
    } else if (event.key === "/") {
      const box = $("main .search input, main .search textarea, main input[type=search]");
      if (box) {
        event.preventDefault();
        box.focus();
      }
    }
  }, true);
  paint();
})();

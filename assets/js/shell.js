// The frame around every page: look, menu, project, job count, dialogs, notices and keys. No page depends on its internals;
// pages may use window.understudy.{confirm, toast, copy, typing, leave, leaveSaying, mayLeave, guard}.
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
  const READ = 5000;
  const UNDONE = 20000; // Long enough to think better of it; a line that is pointed at or has the focus stays.
  function toast(text, undo) {
    const line = document.createElement("div");
    line.textContent = text;
    if (undo) line.append(button(words.undo, () => undo(line)));
    $("#us-toasts").append(line);
    const fade = () => (line.matches(":hover, :focus-within") ? setTimeout(fade, READ) : line.remove());
    setTimeout(fade, undo ? UNDONE : READ);
  }
  function button(word, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "btn";
    made.textContent = word;
    made.addEventListener("click", act);
    return made;
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
  // What was done to a thing is said on the page that shows what is left, with a way to take it back: {said, to, undo}.
  // It is lost where nothing may be stored, and nothing else with it.
  const SAID = "understudy-said";
  function leaveSaying(told) {
    try {
      sessionStorage.setItem(SAID, JSON.stringify(told));
    } catch {
      /* No storage. */
    }
    window.understudy.leave(told.to);
  }
  function sayWhatWasDone() {
    try {
      const told = JSON.parse(sessionStorage.getItem(SAID));
      sessionStorage.removeItem(SAID);
      if (told) toast(told.said, told.undo && ((line) => takeBack(told.undo, line)));
    } catch {
      /* No storage. */
    }
  }
  async function takeBack({ kind, name, number, to }, line) {
    $("button", line).disabled = true;
    try {
      const reply = await fetch(`/shell/restore?project=${encodeURIComponent(words.project)}`, {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ kind, name, number }),
      });
      const said = await reply.json();
      if (reply.ok) return leaveSaying({ said: said.said, to });
      toast(said.error);
      line.remove();
    } catch {
      toast($("#us-lost").textContent);
      $("button", line).disabled = false; // The offer stays until the app is heard again.
    }
  }
  const typing = (event) =>
    event.isComposing || !!event.target.closest?.("input:not([type=checkbox]):not([type=radio]),textarea,select,[contenteditable]");
  // --- what was typed and is not saved is given up only when the person says so: asked before a link is followed or one of
  // `buttons` is pressed; a reload or a closed window brings up the browser's own question. `giveUp` makes it not dirty.
  const mayLeave = () => confirm(words.unsaved, words.discard, words.stay);
  function guard(isDirty, giveUp, buttons = ":not(*)") {
    addEventListener("beforeunload", (event) => {
      if (isDirty()) event.preventDefault();
    });
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("a[href]:not([target=_blank])");
      const button = event.target.closest?.(buttons);
      if (!isDirty() || !(link || button) || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      mayLeave().then((yes) => {
        if (!yes) return;
        giveUp();
        if (link) location.href = link.href;
        else (button.matches("button") ? button : $("button", button)).click();
      });
    }, true);
  }
  const leave = (url) => (location.href = url);
  window.understudy = { confirm, confirmThen, toast, copy, typing, setLook, leave, leaveSaying, mayLeave, guard };

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
    const other = target.closest("[data-language]");
    if (other) {
      const here = new URL(location.href); // With what is chosen and filtered on the page.
      here.searchParams.set("lang", other.hreflang);
      other.search = here.search;
    }
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

  // --- what the other pages need is fetched once this one is quiet
  function fetched(file) {
    return new Promise((resolve) => {
      const link = document.createElement("link");
      const what = { rel: "prefetch", as: file.includes(".js") ? "script" : "style", crossOrigin: "", href: file };
      document.head.append(Object.assign(link, what, { onload: () => resolve(true), onerror: () => resolve(false) }));
    });
  }
  async function fetchLater() {
    const came = await Promise.all(words.later.split(" ").filter(Boolean).map(fetched));
    if (came.every(Boolean)) document.cookie = `${words.fetched}; Path=/; SameSite=Lax; Max-Age=31536000`;
  }
  if (words.fetched) addEventListener("load", () => setTimeout(fetchLater, 1000));

  // --- keys
  const GO = { h: "home", e: "teachers", p: "prompts", c: "collect", t: "traces", d: "datasets", r: "train", m: "models", o: "compare", j: "jobs", s: "settings" };
  let chord = 0;
  // Gradio's dropdown opens its menu for every key that it hears of, a moment later: also for the Tab that leaves it, and
  // then the menu stays open and nobody can close it. So it does not hear of keys that write and choose nothing.
  const SILENT = ["Tab", "Shift", "Control", "Alt", "Meta"];
  addEventListener("keydown", (event) => {
    if (SILENT.includes(event.key) && event.target instanceof Element && event.target.matches("input[role=combobox]")) event.stopPropagation();
  }, true);
  // A key pressed just before is still on its way to it then, and opens the menu behind the one who has left: it is told
  // once more that it was left, which closes the menu.
  const FADED = [80, 250, 600];
  document.addEventListener("focusout", (event) => {
    const input = event.target;
    if (!(input instanceof Element) || !input.matches("input[role=combobox]")) return;
    for (const wait of FADED)
      setTimeout(() => {
        if (document.activeElement === input || !input.closest(".block")?.querySelector("ul[role=listbox]")) return;
        input.dispatchEvent(new FocusEvent("blur"));
      }, wait);
  });
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
  sayWhatWasDone();
})();

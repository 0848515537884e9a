// Reading and labelling traces with the keyboard. What is decided is painted first and saved at once; what could not be
// saved is taken back. Answers come from the server functions of the page's one component (studio/ui/pages/traces_actions.py).
window.understudyTraces = (element, server, watch) => {
  const $ = (selector) => element.querySelector(selector);
  const rows = () => [...element.querySelectorAll(".trace-row")];
  const place = () => $(".traces")?.dataset ?? {};
  const chosen = () => $(".trace-row[aria-selected=true]");
  const phone = matchMedia("(max-width: 760px)");
  let drawn = new Map(); // readers by id, so that the neighbours appear at once
  let asking = 0;

  const ask = async (name, given, tell = window.understudy.toast) => {
    let said = null;
    try {
      said = await server[name]({ project: place().project, query: place().query, ...given });
    } catch {
      /* A lost connection is told like a refusal. */
    }
    if (!said?.ok) tell(said?.error ?? place().lost);
    return said?.ok ? said : null;
  };

  // --- choosing
  function select(row, { open = true, scroll = true } = {}) {
    if (!row) return;
    for (const one of rows()) one.setAttribute("aria-selected", one === row);
    $("#traces-list").setAttribute("aria-activedescendant", row.id);
    if (scroll) row.scrollIntoView({ block: "nearest" });
    const url = new URL(location);
    url.searchParams.set("trace", row.dataset.id);
    history.replaceState(history.state, "", url);
    if (open) show(row.dataset.id);
  }
  async function show(id) {
    const mine = ++asking;
    const html = drawn.get(id) ?? (await fetched(id));
    if (mine !== asking || html == null) return;
    $("#traces-reader").innerHTML = html;
    $("#traces-reader").scrollTop = 0;
    const at = rows().findIndex((row) => row.dataset.id === id);
    for (const near of [rows()[at + 1], rows()[at - 1]]) if (near && !drawn.has(near.dataset.id)) fetched(near.dataset.id);
  }
  async function fetched(id) {
    const said = await ask("open_trace", { id });
    if (said) drawn.set(id, said.reader);
    return said?.reader;
  }
  function move(step) {
    const all = rows();
    const next = all[all.indexOf(chosen()) + step];
    if (next) return select(next);
    if (chosen()) element.querySelector(step > 0 ? ".pager a:last-child" : ".pager a:first-child")?.focus({ preventScroll: true });
  }

  // --- deciding
  async function mark(given) {
    const row = chosen();
    if (!row) return;
    const was = { html: row.innerHTML, label: row.className };
    if (given.verdict) {
      row.className = `trace-row ${given.verdict}`;
      row.querySelector(".verdict").textContent = place()[given.verdict];
      if (!phone.matches || !document.body.classList.contains("trace-open")) move(1);
    }
    const id = row.dataset.id;
    drawn.delete(id);
    const said = await ask("mark_trace", { id, ...given });
    if (said) return redraw(said);
    row.innerHTML = was.html;
    row.className = was.label;
  }
  function redraw({ rows: changed, last }) {
    const id = chosen()?.dataset.id;
    for (const [one, html] of Object.entries(changed ?? {})) {
      const row = element.querySelector(`.trace-row[data-id="${one}"]`);
      if (row) row.outerHTML = html;
      drawn.delete(one);
    }
    const again = id && element.querySelector(`.trace-row[data-id="${id}"]`);
    if (again) again.setAttribute("aria-selected", true);
    if (last !== undefined && $("#traces-last")) $("#traces-last").innerHTML = last;
    if (id && changed?.[id] && !editing()) show(id);
  }
  async function undo() {
    const said = await ask("undo_last", { ids: rows().map((row) => row.dataset.id) });
    if (!said) return;
    drawn.clear();
    redraw(said);
    window.understudy.toast(said.said);
    follow();
  }

  // --- a change of many that is under way: its note is kept true until it ends, then the rows are drawn as they are
  const EVERY = 2000;
  let following = null;
  function follow() {
    clearTimeout(following);
    if (!$("#traces-under-way")) return;
    following = setTimeout(async () => {
      if (document.hidden) return follow();
      const said = await ask("follow_changes", { ids: rows().map((row) => row.dataset.id) });
      if (!$("#traces-under-way")) return;
      if (said) $("#traces-under-way").innerHTML = said.note;
      if (!said || said.busy) return follow();
      drawn.clear();
      redraw(said);
    }, EVERY);
  }

  // --- repairing: what was typed is given up by Cancel, and otherwise only when the person says so
  let dirty = false;
  const mayLeave = async () => !dirty || (await window.understudy.mayLeave());
  const leaving = async (act) => (await mayLeave()) && (giveUp(), act());
  const giveUp = () => editing() && edit(false);
  window.understudy.guard(() => dirty, giveUp);
  element.addEventListener("input", (event) => {
    if (event.target.matches(".trace-edit textarea")) dirty = true;
  });
  const editing = () => $(".trace-edit") && !$(".trace-edit").hidden;
  function edit(on) {
    const form = $(".trace-edit");
    if (!form) return;
    form.hidden = !on;
    if (!on) {
      dirty = false;
      form.reset(); // What was not saved is gone: opened again, it shows the answer as it is kept.
    }
    refuse(form, "");
    $(".trace-read").hidden = on;
    if (on) form.elements.response.focus();
    else $("#traces-list")?.focus({ preventScroll: true });
  }
  function refuse(form, text) {
    const words = form.querySelector(".field-fault");
    words.hidden = !text;
    words.textContent = text;
    form.elements.response.setAttribute("aria-invalid", !!text);
    if (text) form.elements.response.focus();
  }
  async function repair(form) {
    const id = $(".trace-read").dataset.id;
    const said = await ask("repair_trace", { id, response: form.elements.response.value }, (text) => refuse(form, text));
    if (!said) return;
    edit(false);
    redraw(said);
    drawn.set(id, said.reader);
    $("#traces-reader").innerHTML = said.reader;
  }

  // --- all that match
  let wanted = "";
  async function ask_all(verdict) {
    const said = await ask("preview_all", {});
    if (!said) return;
    wanted = verdict;
    const dialog = $("#traces-all");
    dialog.querySelector(".preview").innerHTML = said.preview;
    dialog.querySelector(".tag-field").hidden = verdict !== "tag";
    const word = place()[`yes${verdict[0].toUpperCase()}${verdict.slice(1)}`];
    dialog.querySelector("[data-act=all]").textContent = word.replace("{count}", said.count.toLocaleString("en-US"));
    dialog.showModal();
    if (verdict === "tag") dialog.querySelector("input").focus();
  }
  async function change_all() {
    const dialog = $("#traces-all");
    const tag = dialog.querySelector("input").value.trim();
    if (wanted === "tag" && !tag) return dialog.querySelector("input").focus();
    const button = dialog.querySelector("[data-act=all]");
    button.disabled = true;
    const said = await ask("change_all", { ...(wanted === "tag" ? { tag } : { verdict: wanted }) });
    button.disabled = false;
    dialog.close();
    if (said) reload_saying(said.said); // The list, the counts and the undo line all follow from the database.
  }

  async function grade() {
    const button = $("[data-act=grade]");
    button.disabled = true;
    const said = await ask("grade_all", {});
    button.disabled = false;
    if (said?.graded) reload_saying(said.said);
    else if (said) window.understudy.toast(said.said);
  }
  // A sentence for after the reload. It is lost where nothing may be stored, and nothing else with it.
  function reload_saying(text) {
    try {
      sessionStorage.setItem("traces-said", text);
    } catch {
      /* No storage. */
    }
    location.reload();
  }
  function say_what_was_done() {
    try {
      const text = sessionStorage.getItem("traces-said");
      sessionStorage.removeItem("traces-said");
      if (text) window.understudy.toast(text);
    } catch {
      /* No storage. */
    }
  }

  // --- the reader on a phone lies over the page; Back closes it
  function cover(on) {
    if (on && phone.matches && !document.body.classList.contains("trace-open")) history.pushState({ reader: true }, "");
    document.body.classList.toggle("trace-open", on);
  }
  addEventListener("popstate", () => document.body.classList.remove("trace-open"));

  const acts = {
    keep: () => mark({ verdict: "keep" }),
    reject: () => mark({ verdict: "reject" }),
    edit: () => edit(true),
    cancel: () => edit(false),
    undo,
    up: () => move(-1),
    down: () => move(1),
    close: () => (history.state?.reader ? history.back() : cover(false)),
    all: change_all,
    grade,
    plain: () => {
      for (const part of [$(".as-md"), $(".as-plain")]) part.hidden = !part.hidden;
    },
  };
  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act], [data-all]");
    if (button) return button.dataset.all ? ask_all(button.dataset.all) : acts[button.dataset.act]();
    const row = event.target.closest(".trace-row");
    if (!row) return;
    leaving(() => {
      select(row, { scroll: false });
      if (phone.matches) cover(true);
    });
  });
  element.addEventListener("submit", (event) => {
    if (!event.target.matches(".trace-edit")) return;
    event.preventDefault();
    repair(event.target);
  });
  const MOVES = /^(a|x|j|k|Arrow\w+)$/; // They lead to another answer.
  const keys = {
    a: acts.keep, x: acts.reject, e: acts.edit, u: undo, f: () => mark({ tag: "review" }),
    j: acts.down, k: acts.up, ArrowDown: acts.down, ArrowUp: acts.up, ArrowRight: acts.down, ArrowLeft: acts.up,
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && editing() && !document.querySelector("dialog[open]")) {
      event.preventDefault(); // Or the same key would close the question that it brings up.
      return leaving(acts.cancel);
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || window.understudy.typing(event)) return;
    if (document.querySelector("dialog[open]") || !$("#traces-list")) return;
    if (event.key.startsWith("Arrow") && event.target.closest?.("summary, .traces-reader, .pager")) return;
    const act = /^[1-5]$/.test(event.key) ? () => mark({ rating: Number(event.key) }) : keys[event.key];
    if (!act || (event.repeat && !/^(Arrow|j$|k$)/.test(event.key))) return;
    event.preventDefault();
    if (dirty && MOVES.test(event.key)) leaving(act);
    else act();
  });

  // --- a page was drawn
  function begin() {
    drawn = new Map();
    if ($("#traces-under-way")?.children.length) follow();
    const list = $("#traces-list");
    if (!list) return;
    const asked = list.dataset.asked;
    const row = rows().find((one) => one.dataset.id === list.dataset.chosen);
    if (row) {
      row.setAttribute("aria-selected", true);
      drawn.set(row.dataset.id, $("#traces-reader").innerHTML);
      if (asked) row.scrollIntoView({ block: "nearest" });
      show(row.dataset.id);
    }
    if (phone.matches) {
      if (asked) cover(true);
    } else list.focus({ preventScroll: true });
  }
  // The facets come by themselves, a little later; on a phone they begin folded.
  const facets = new MutationObserver(() => {
    const box = document.querySelector(".traces-facets");
    if (!box) return;
    facets.disconnect();
    if (phone.matches) box.removeAttribute("open");
  });
  facets.observe(document.querySelector("#traces-side") ?? document.body, { childList: true, subtree: true });
  watch("value", begin);
  begin();
  say_what_was_done();
};

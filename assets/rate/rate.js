// The raters' page: shows a pair, sends the vote, shows the pair that the answer brings. Keys: 1 A, 2 B, 0 tie, 9 both bad, s, u.
(() => {
  const root = document.documentElement;
  const $ = (selector) => document.querySelector(selector);

  // --- look
  const LOOKS = ["system", "light", "dark"];
  const system = matchMedia("(prefers-color-scheme: dark)");
  function paint() {
    const chosen = localStorage.getItem("understudy-look") || "system";
    root.classList.toggle("dark", chosen === "dark" || (chosen === "system" && system.matches));
    root.dataset.look = chosen;
  }
  system.addEventListener("change", paint);
  $("#look").addEventListener("click", () => {
    localStorage.setItem("understudy-look", LOOKS[(LOOKS.indexOf(root.dataset.look) + 1) % LOOKS.length]);
    paint();
  });
  paint();

  const main = $("#rate");
  const held = $("[data-again]"); // Held back at the door: the page comes back by itself.
  if (held) setTimeout(() => location.reload(), 1000 * held.dataset.again);
  if (!main) return;
  const words = main.dataset;
  const at = (path) => `/r/${encodeURIComponent(words.token)}/${path}`;
  const buttons = [...document.querySelectorAll("[data-choice]")];
  const KEYS = { 1: "left", 2: "right", 0: "tie", 9: "both_bad", s: "skip", u: "undo" };
  let pair = null;
  let done = 0;
  let busy = false;
  let began = 0;
  let looked = 0; // milliseconds of this pair while the page was visible
  const SIDES = ["left", "right"];
  const ENOUGH = 100; // Pixels of an answer between the bars, or half of it where it is shorter, that count as seen.
  const JUDGES = ["left", "right", "tie", "both_bad"];
  let seen = new Set();

  function show(next, isLate) {
    pair = next.pair;
    done = next.done;
    const waiting = next.state === "preparing";
    lay(!!pair);
    for (const part of document.querySelectorAll(".votes .main, [data-choice=skip]")) part.hidden = !pair;
    $(".votes").hidden = !pair && !done;
    if (pair) {
      $("#prompt").innerHTML = pair.prompt; // Escaped or made safe by the server.
      $("#left .text").innerHTML = pair.left;
      $("#right .text").innerHTML = pair.right;
      seen = new Set();
      side("left");
      arrange();
      scrollTo(0, 0);
      for (const box of document.querySelectorAll("#prompt, .text")) box.scrollTop = 0;
    } else {
      $("#message h2").textContent = next.state === "open" ? words.done : "";
      const ended = isLate ? words.late : words.closed;
      $("#message p").textContent = waiting ? words.preparing : next.state === "open" ? words.thanks : ended;
    }
    count(next);
    began = performance.now();
    looked = 0;
    notice();
    enable();
    if (waiting) setTimeout(load, 4000);
  }

  // A pair with its buttons, or a message alone.
  function lay(isPair) {
    for (const part of document.querySelectorAll(".how, .prompt, .switch, .answers")) part.hidden = !isPair;
    $("#message").hidden = isPair;
  }

  // Before there is any pair, what is wrong stands where the pair would be, without buttons that do nothing.
  function refuse(text) {
    $("#message h2").textContent = "";
    $("#message p").textContent = text;
    lay(false);
    $(".votes").hidden = true;
  }

  const complain = (text) => (pair || done ? say(text) : refuse(text));

  // What a refusal says. Before there is any pair, nothing was lost, and the page tries again by itself.
  function reason(status, error) {
    const isFirst = !pair && !done;
    if (error === "too many") return isFirst ? words.busy : words.toofast;
    const known = { "no cookie": words.cookies, invitation: words.invitation };
    return known[error] || (status < 500 && error) || (isFirst ? words.offline : words.lost);
  }

  // A vote that was refused: the study has closed, or is gone, or goes on with another pair.
  async function look(text) {
    const next = await ask("next", undefined, true);
    if (next && pair) say(text);
  }

  function leave() {
    pair = null;
    done = 0;
    say("");
    refuse(words.gone);
  }

  function count(next) {
    const total = next.total || 0;
    $("#count").textContent = pair ? words.count.replace("{n}", pair.position).replace("{m}", pair.total) : "";
    $("#bar").setAttribute("aria-valuemax", total);
    $("#bar").setAttribute("aria-valuenow", done);
    $("#bar i").style.width = total ? `${(100 * done) / total}%` : "0";
  }

  function enable() {
    for (const button of buttons) {
      const choice = button.dataset.choice;
      const isBlind = JUDGES.includes(choice) && unseen() !== undefined;
      button.disabled = busy || (choice === "undo" ? done === 0 : !pair || isBlind);
    }
    const missing = pair ? unseen() : undefined;
    $("#unseen").hidden = missing === undefined;
    if (missing) $("#unseen").textContent = missing === "left" ? words.lookleft : words.lookright;
    main.toggleAttribute("aria-busy", busy);
  }

  // --- nobody judges what was not on screen
  const unseen = () => SIDES.find((name) => !seen.has(name));

  // Short answers stand under each other on a phone; of long ones one is shown at a time.
  function arrange() {
    const box = $(".answers");
    box.dataset.stacked = "";
    if (SIDES.some((name) => $(`#${name}`).offsetHeight > innerHeight / 2)) delete box.dataset.stacked;
  }

  function notice() {
    if (!pair || document.hidden) return;
    const before = seen.size;
    const top = $(".top").getBoundingClientRect().bottom;
    const bottom = $(".votes").getBoundingClientRect().top;
    for (const name of SIDES) {
      const box = $(`#${name}`).getBoundingClientRect();
      const shown = Math.min(box.bottom, bottom) - Math.max(box.top, top);
      if (box.height && shown >= Math.min(ENOUGH, box.height / 2)) seen.add(name);
    }
    if (seen.size !== before) enable();
  }

  function reveal(name) {
    side(name);
    $(`#${name}`).scrollIntoView({ block: "center" });
    notice();
  }

  function side(name) {
    $(".answers").dataset.side = name;
    for (const button of document.querySelectorAll("[data-side][aria-pressed]")) {
      button.setAttribute("aria-pressed", String(button.dataset.side === name));
    }
  }

  async function ask(path, body, isLate = false) {
    if (busy) return false;
    busy = true;
    enable();
    let status = 0;
    let error = "";
    try {
      const options = body === undefined ? {} : {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
      };
      const reply = await fetch(at(path), { ...options, signal: AbortSignal.timeout(20000) });
      const next = await reply.json();
      busy = false;
      if (reply.ok) {
        say("");
        show(next, isLate);
        return true;
      }
      status = reply.status;
      error = next.error;
    } catch {
      busy = false;
    }
    refused(path, status, error);
    enable();
    return false;
  }

  function refused(path, status, error) {
    const text = reason(status, error);
    if (path === "next" && status === 404) return leave();
    complain(text);
    if (path !== "next" && pair && [404, 409].includes(status)) look(text);
    else if (!pair && !done && (status === 429 || status >= 500 || !status)) setTimeout(enter, 10000);
  }

  function say(text, calm = false) {
    $("#alert").textContent = text;
    $("#alert").classList.toggle("calm", calm);
  }
  const load = () => ask("next");

  // An invitation makes this browser a rater and then leaves the address; who is one already just goes on.
  async function enter() {
    const invitation = new URLSearchParams(location.search).get("invitation");
    if (!invitation) await load();
    else if (await ask("enter", { invitation })) history.replaceState(null, "", location.pathname);
  }

  async function vote(choice) {
    if (busy) return;
    if (choice === "undo") {
      if (done && (await ask("undo", {}))) say(words.undone, true);
      return;
    }
    if (!pair) return;
    if (JUDGES.includes(choice) && unseen() !== undefined) return reveal(unseen());
    const seconds = Math.round(looked + (document.hidden ? 0 : performance.now() - began)) / 1000;
    await ask("vote", { id: pair.id, choice, seconds, name: $("#name").value });
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) looked += performance.now() - began;
    began = performance.now();
    notice();
  });
  addEventListener("scroll", notice, { passive: true });
  addEventListener("resize", () => {
    if (pair) arrange();
    notice();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.choice) vote(button.dataset.choice);
    else if (button.dataset.side) reveal(button.dataset.side);
    else if (button.id === "unseen") {
      const missing = unseen();
      reveal(missing);
      $(`#${missing}`).focus({ preventScroll: true });
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input,textarea,select,[contenteditable]")) return;
    const choice = KEYS[event.key.toLowerCase()];
    if (!choice) return;
    event.preventDefault();
    vote(choice);
  });

  const name = $("#name");
  name.value = localStorage.getItem("understudy-rater-name") || "";
  name.addEventListener("change", () => localStorage.setItem("understudy-rater-name", name.value));
  refuse(words.loading);
  enter();
})();

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

  function show(next) {
    pair = next.pair;
    done = next.done;
    const waiting = next.state === "preparing";
    for (const part of document.querySelectorAll(".prompt, .switch, .answers")) part.hidden = !pair;
    $("#message").hidden = !!pair;
    if (pair) {
      $("#prompt").innerHTML = pair.prompt; // Escaped or made safe by the server.
      $("#left .text").innerHTML = pair.left;
      $("#right .text").innerHTML = pair.right;
      side("left");
      scrollTo(0, 0);
      for (const box of document.querySelectorAll("#prompt, .text")) box.scrollTop = 0;
    } else {
      $("#message h2").textContent = next.state === "open" ? words.done : "";
      $("#message p").textContent = waiting ? words.preparing : next.state === "open" ? words.thanks : words.closed;
    }
    count(next);
    began = performance.now();
    looked = 0;
    enable();
    if (waiting) setTimeout(load, 4000);
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
      button.disabled = busy || (button.dataset.choice === "undo" ? done === 0 : !pair);
    }
    main.toggleAttribute("aria-busy", busy);
  }

  function side(name) {
    $(".answers").dataset.side = name;
    for (const button of document.querySelectorAll("[data-side][aria-pressed]")) {
      button.setAttribute("aria-pressed", String(button.dataset.side === name));
    }
  }

  async function ask(path, body) {
    if (busy) return false;
    busy = true;
    enable();
    try {
      const options = body === undefined ? {} : {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
      };
      const reply = await fetch(at(path), { ...options, signal: AbortSignal.timeout(20000) });
      const next = await reply.json();
      busy = false;
      if (reply.ok) {
        say("");
        show(next);
        return true;
      }
      say(next.error === "no cookie" ? words.cookies : reply.status < 500 ? next.error || words.lost : words.lost);
      if (reply.status === 409) load();
    } catch {
      busy = false;
      say(words.lost);
    }
    enable();
    return false;
  }

  function say(text, calm = false) {
    $("#alert").textContent = text;
    $("#alert").classList.toggle("calm", calm);
  }
  const load = () => ask("next");

  async function vote(choice) {
    if (busy) return;
    if (choice === "undo") {
      if (done && (await ask("undo", {}))) say(words.undone, true);
      return;
    }
    if (!pair) return;
    const seconds = Math.round(looked + (document.hidden ? 0 : performance.now() - began)) / 1000;
    await ask("vote", { id: pair.id, choice, seconds, name: $("#name").value });
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) looked += performance.now() - began;
    began = performance.now();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.choice) vote(button.dataset.choice);
    else if (button.dataset.side) side(button.dataset.side);
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
  say(words.loading, true);
  load();
})();

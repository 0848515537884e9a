// Runs before anything is painted: the look, and the language of this page in its address so that its events stay in it.
(() => {
  const root = document.documentElement;
  const chosen = localStorage.getItem("understudy-look") || "system";
  const dark = chosen === "dark" || (chosen === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.classList.toggle("dark", dark);
  root.dataset.look = chosen;
  // Gradio chooses the words of its own parts by the browser's language; on a page they should all be of one.
  if (root.dataset.tag) {
    Object.defineProperty(navigator, "language", { get: () => root.dataset.tag });
    Object.defineProperty(navigator, "languages", { get: () => [root.dataset.tag] });
  }
  const url = new URL(location.href);
  if (root.dataset.lang && url.searchParams.get("lang") !== root.dataset.lang) {
    url.searchParams.set("lang", root.dataset.lang);
    history.replaceState(history.state, "", url);
  }
})();

// Runs before the first paint and is no module: the page must not flash in the other theme.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("avemotion-theme");
  } catch {
    // Storage is off: the system's theme it is.
  }
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : system;
})();

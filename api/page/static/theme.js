// Light or dark: the system's choice until a person makes one, which is kept in this browser.

import { button, fill, icon } from "./dom.js";

const NAME = "avemotion-theme";

/**
 * Return the button that changes the theme. `theme` is said on the document when it has changed, for drawings that
 * take their colours only once.
 *
 * @returns {HTMLButtonElement}
 */
export function themeButton() {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const change = (theme) => {
    root.dataset.theme = theme;
    show();
    document.dispatchEvent(new Event("theme"));
  };
  const toggle = button("", () => {
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    localStorage.setItem(NAME, theme);
    change(theme);
  }, { bare: true, class: "quiet round" });
  const show = () => {
    const dark = root.dataset.theme === "dark";
    const label = dark ? "Light colours" : "Dark colours";
    toggle.setAttribute("aria-label", label);
    toggle.title = label;
    fill(toggle, icon(dark ? "sun" : "moon"));
  };
  system.addEventListener("change", () => {
    if (localStorage.getItem(NAME) === null) change(system.matches ? "dark" : "light");
  });
  show();
  return toggle;
}

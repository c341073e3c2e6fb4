// Plotly for what is drawn, and nothing else: it is loaded when first needed, and moving the cursor never redraws.

import { colourOf } from "../emotions.js";
import { h } from "../dom.js";

// Plotly puts its rules into a sheet of this id. The policy of the page allows no <style>, so a file stands there.
const SHEET = "plotly.js-style-global";
const STATIC = { staticPlot: true, responsive: false };
// Labels are redrawn for a change of width, not for every pixel of it.
const LEAST_CHANGE_PX = 2;
const USUAL_TEXT_PX = 16;
const AXIS_PX = 12;

/** Load Plotly and return it. */
export async function plotly(api) {
  await sheet("plotly.css", SHEET);
  await api.script("plotly.min.js");
  return window.Plotly;
}

const sheets = new Map();

/** Load a sheet of this folder once. */
export function sheet(name, id = "") {
  if (!sheets.has(name)) {
    const loaded = new Promise((resolve) => {
      const link = h("link", { rel: "stylesheet", id, href: new URL(`./${name}`, import.meta.url).href });
      // Without its looks a result can still be read.
      for (const event of ["load", "error"]) link.addEventListener(event, () => resolve());
      document.head.append(link);
    });
    sheets.set(name, loaded);
  }
  return sheets.get(name);
}

/**
 * Return today's looks of a part of the page: colours by their names, `emotion` for the colour of one, `unit` for how
 * much larger than usual its text is, and `font` for a font of a usual size in pixels.
 */
export function coloursOf(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  // What is drawn grows with the page's text.
  const unit = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / USUAL_TEXT_PX;
  return {
    unit,
    font: (size, color, more = {}) => ({
      size: size * unit,
      color,
      family: style.getPropertyValue("--text"),
      ...more,
    }),
    ink: read("ink"),
    quiet: read("quiet"),
    line: read("line"),
    strong: read("line-strong"),
    surface: read("surface"),
    accent: read("accent"),
    bad: read("bad"),
    good: read("good"),
    emotion: (label) => colourOf(label, element),
  };
}

/** Return an axis in the page's looks. */
export function axis(colours, more = {}) {
  return {
    gridcolor: colours.line,
    zerolinecolor: colours.line,
    linecolor: colours.line,
    tickcolor: colours.line,
    tickfont: colours.font(AXIS_PX, colours.quiet),
    zeroline: false,
    fixedrange: true,
    automargin: false,
    ...more,
  };
}

/** One drawing, kept in step with its width and with the theme. */
export class Plot {
  #build;
  #api;
  #seen;
  #width = 0;
  #gone = false;
  #redraw = () => this.draw();

  /**
   * @param {object} api
   * @param {(width: number, colours: object) => {data: object[], layout: object}|null} build Nothing is drawn for
   *   `null`.
   * @param {(width: number, unit: number) => void} [drawn]
   */
  constructor(api, build, drawn = () => {}) {
    this.#api = api;
    this.#build = build;
    this.drawn = drawn;
    this.element = h("div", { class: "plot", "aria-hidden": "true" });
    this.#seen = new ResizeObserver(([entry]) => {
      if (Math.abs(entry.contentRect.width - this.#width) >= LEAST_CHANGE_PX) this.draw();
    });
    this.#seen.observe(this.element);
    document.addEventListener("theme", this.#redraw);
  }

  /** Draw as things are now. */
  async draw() {
    const width = Math.floor(this.element.clientWidth);
    if (width === 0) return;
    this.#width = width;
    const Plotly = await plotly(this.#api);
    if (this.#gone) return;
    const colours = coloursOf(this.element);
    const figure = this.#build(width, colours);
    if (!figure) return;
    const layout = {
      paper_bgcolor: "transparent",
      plot_bgcolor: "transparent",
      showlegend: false,
      width,
      hovermode: false,
      ...figure.layout,
    };
    // The place is kept while Plotly works, so that nothing below jumps.
    this.element.style.height = `${layout.height}px`;
    await Plotly.react(this.element, figure.data, layout, STATIC);
    this.drawn(width, colours.unit);
  }

  destroy() {
    this.#gone = true;
    this.#seen.disconnect();
    document.removeEventListener("theme", this.#redraw);
    window.Plotly?.purge(this.element);
  }
}

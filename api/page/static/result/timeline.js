// Emotions, valence and arousal over the clip, with the moment on it: click, drag or press keys to move it.

import { button, fill, h, say } from "../dom.js";
import { nameOf, paint } from "../emotions.js";
import { clock, percent, plural } from "../formats.js";
import { Plot } from "./plots.js";
import { Scrubber } from "./scrubber.js";
import { cellsOf, indexAt, leader, ranked, thin } from "./spans.js";
import { BAND_PX, MOST_STEPS, frame, timelineFigure } from "./timeline_figure.js";
import { bands } from "./bands.js";
import { isUntrained } from "./verdict.js";

// A closer view than this would show a window or two.
const LEAST_WINDOWS = 8;
const ZOOM = 2;

/**
 * Show the timeline in `element`.
 *
 * @param {HTMLElement} element
 * @param {{api: object, playhead: import("./playhead.js").Playhead}} context
 */
export function mountTimeline(element, { api, playhead }) {
  let job = null;
  let cells = [];
  let labels = [];
  let stacked = true;
  let range = [0, playhead.duration];
  let rules = 0;

  const scrubber = new Scrubber(playhead, {
    label: "Moment of the clip",
    describe: (time) => `${clock(time)} of ${clock(playhead.duration)}: ${momentOf(time)}`,
    step: (direction) => stepFrom(playhead.time, direction),
  });
  const marks = bands(playhead);
  const plot = new Plot(
    api,
    (width, colours) => {
      const inside = cells.filter((cell) => cell.right >= range[0] && cell.left <= range[1]);
      return timelineFigure(thin(inside, MOST_STEPS), { labels, stacked, range, rules, width, colours });
    },
    place,
  );
  const legend = h("ul", { class: "legend" });
  const caption = h("figcaption", { class: "quiet" });
  const board = h("div", { class: "board" }, plot.element, marks.element, scrubber.element);
  const untrained = h("span", { class: "mark bad", hidden: true }, "untrained: means nothing");
  const modes = h(
    "div",
    { class: "choice", role: "group", "aria-label": "How emotions are drawn" },
    modeButton("Stacked", true),
    modeButton("Lines", false),
  );
  const zoom = h(
    "div",
    { class: "choice", role: "group", "aria-label": "How much of the clip is shown" },
    button("Show less of the clip", () => look(1 / ZOOM), { bare: true, icon: "plus" }),
    button("Whole clip", () => show([0, playhead.duration])),
  );
  fill(
    element,
    h("div", { class: "row" }, h("h2", {}, "Over time"), untrained, h("div", { class: "tools" }, modes, zoom)),
    h("figure", {}, legend, board, caption),
  );
  const stop = playhead.on(keepInView);

  function modeButton(label, value) {
    const made = button(label, () => {
      stacked = value;
      for (const each of modes.children) each.setAttribute("aria-pressed", String(each === made));
      plot.draw();
    });
    made.setAttribute("aria-pressed", String(value === stacked));
    return made;
  }

  function momentOf(time) {
    const cell = cells[indexAt(cells, time)];
    if (!cell) return "no window";
    const label = leader(cell.probabilities);
    return label ? `${nameOf(label)}, ${percent(cell.probabilities[label])}` : "neither face nor voice";
  }

  function stepFrom(time, direction) {
    const here = indexAt(cells, time);
    const next = cells[here + direction];
    if (here >= 0) return next?.start_s ?? (direction > 0 ? playhead.duration : 0);
    return time + direction * (job?.options.stride_s ?? 1);
  }

  function place(width, unit) {
    const size = frame(width, rules, unit);
    const box = { left: size.margin.l, top: size.margin.t, width: size.width, height: size.inner };
    scrubber.place(box, range);
    marks.place({ ...box, top: size.margin.t - rules * BAND_PX, height: rules * BAND_PX + size.inner }, range);
  }

  function show([from, to]) {
    range = [Math.max(0, from), Math.min(playhead.duration, to)];
    plot.draw();
  }

  function look(factor) {
    const least = Math.min(playhead.duration, LEAST_WINDOWS * (job?.options.stride_s ?? 1));
    const length = Math.max(least, (range[1] - range[0]) * factor);
    const from = Math.min(Math.max(0, playhead.time - length / 2), playhead.duration - length);
    show([from, from + length]);
  }

  /** Turn the page when the moment leaves what is shown. */
  function keepInView(time) {
    if (time >= range[0] && time <= range[1]) return;
    const length = range[1] - range[0];
    const from = Math.min(Math.max(0, time - length * 0.1), playhead.duration - length);
    show([from, from + length]);
  }

  function tell() {
    const scored = cells.filter((cell) => cell.probabilities);
    const leads = new Map();
    for (const cell of scored)
      leads.set(leader(cell.probabilities), (leads.get(leader(cell.probabilities)) ?? 0) + 1);
    const parts = [...leads].sort((one, other) => other[1] - one[1]).map(([label, most]) => `${label} in ${most}`);
    const unscored = cells.length - scored.length;
    say(
      caption,
      `${plural(cells.length, "window")} of ${job.options.window_s} s. ` +
        `Most probable: ${parts.join(", ") || "nothing yet"}.` +
        (unscored
          ? ` ${plural(unscored, "window")} without face and voice ${unscored === 1 ? "has" : "have"} no score.`
          : "") +
        (cells.length > MOST_STEPS
          ? " Where windows lie too close to be seen, a step is the mean of several."
          : ""),
    );
  }

  return {
    update(next) {
      job = next;
      cells = cellsOf(job.windows);
      labels = ranked(job);
      rules = job.options.rules.length;
      untrained.hidden = !isUntrained(job);
      zoom.hidden = cells.length <= 2 * LEAST_WINDOWS;
      fill(
        legend,
        labels.map((label) => paint(h("li", {}, h("i", { class: "swatch" }), nameOf(label)), label)),
        h("li", { class: "valence" }, h("i", { class: "stroke" }), "Valence"),
        h("li", { class: "arousal" }, h("i", { class: "stroke" }), "Arousal"),
      );
      marks.update(job);
      tell();
      plot.draw();
    },
    destroy() {
      stop();
      scrubber.destroy();
      plot.destroy();
    },
  };
}

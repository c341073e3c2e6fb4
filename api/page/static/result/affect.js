// Valence and arousal as a path through their plane, with the moment on it.

import { fill, h, say } from "../dom.js";
import { Plot, axis } from "./plots.js";
import { cellsOf, exactClock, indexAt, thin } from "./spans.js";

const MOST_POINTS = 400;
const TRAIL = 6;
const MARGIN = { l: 62, r: 12, t: 12, b: 50 };
const SMALL_PX = 380;
const MOST_PX = 560;
const EDGE = 1.08;
// After Russell's circumplex; in the quarter's corner, away from the path.
const QUARTERS = [
  { x: 1, y: 1, text: "excited, delighted", xanchor: "right" },
  { x: -1, y: 1, text: "angry, afraid", xanchor: "left" },
  { x: -1, y: -1, text: "sad, bored", xanchor: "left" },
  { x: 1, y: -1, text: "calm, content", xanchor: "right" },
];

/** Show the plane in `element`. */
export function mountAffect(element, { api, playhead }) {
  let cells = [];
  let size = 0;
  let margin = MARGIN;
  const dot = h("div", { class: "point", hidden: true });
  const trail = Array.from({ length: TRAIL }, () => h("div", { class: "point past", hidden: true }));
  const plot = new Plot(
    api,
    (width, colours) => {
      size = Math.min(width, MOST_PX * colours.unit);
      margin = Object.fromEntries(Object.entries(MARGIN).map(([side, room]) => [side, room * colours.unit]));
      return figure(
        thin(
          cells.filter((cell) => cell.valence !== null),
          MOST_POINTS,
        ),
        { size, margin, colours },
      );
    },
    () => show(playhead.time),
  );
  const estimated = h("p", { class: "mark care", hidden: true });
  const caption = h("figcaption", { class: "quiet" });
  const board = h("div", { class: "board plane" }, plot.element, trail, dot);
  fill(element, h("h2", {}, "Valence and arousal"), estimated, h("figure", {}, board, caption));
  const stop = playhead.on(show);

  function show(time) {
    const index = indexAt(cells, time);
    put(dot, cells[index]);
    trail.forEach((each, back) => {
      put(each, index < 0 ? undefined : cells[index - 1 - back]);
      each.style.opacity = String(0.5 * (1 - back / TRAIL));
    });
  }

  function put(point, cell) {
    point.hidden = !cell || cell.valence === null || size === 0;
    if (point.hidden) return;
    const place = (value, room) => ((value + EDGE) / (2 * EDGE)) * room;
    const x = margin.l + place(cell.valence, size - margin.l - margin.r);
    const y = margin.t + place(-cell.arousal, size - margin.t - margin.b);
    point.style.transform = `translate(${x}px, ${y}px)`;
  }

  return {
    update(job) {
      cells = cellsOf(job.windows);
      const scored = cells.filter((cell) => cell.valence !== null);
      const text = affectMark(job);
      estimated.hidden = text === null;
      say(estimated, text ?? "");
      say(caption, toldOf(scored));
      plot.draw();
    },
    destroy() {
      stop();
      plot.destroy();
    },
  };
}

/** Return in words where the path runs. */
function toldOf(scored) {
  if (scored.length === 0) return "No window has been scored.";
  if (scored.length === 1) return "There is one window: a point, and no path.";
  const edge = (name, beats) => scored.reduce((best, cell) => (beats(cell[name], best[name]) ? cell : best));
  const at = (name, beats) => {
    const cell = edge(name, beats);
    return `${signed(cell[name])} at ${exactClock(cell.start_s)}`;
  };
  const more = (one, other) => one > other;
  const less = (one, other) => one < other;
  return (
    "Each point is a window, the later the stronger its colour. " +
    `Valence runs from ${at("valence", less)} to ${at("valence", more)}, ` +
    `arousal from ${at("arousal", less)} to ${at("arousal", more)}.`
  );
}

/** Return what has to stand beside valence and arousal of a job; `null` where people's annotations were learned. */
export function affectMark(job) {
  const told = new Set(job.warnings.map((warning) => warning.code));
  if (told.has("untrained_model")) return "Untrained: these numbers mean nothing";
  if (told.has("affect_untrained")) return "Not learned: these two numbers mean nothing";
  if (told.has("affect_from_classes")) return "Estimated from the emotion classes, not measured by themselves";
  return null;
}

/** Return a level from -1 to 1 with its sign. */
export function signed(value) {
  const text = Math.abs(value).toFixed(2);
  if (Number(text) === 0) return text;
  return `${value < 0 ? "−" : "+"}${text}`;
}

function figure(cells, { size, margin, colours }) {
  const x = cells.map((cell) => cell.valence);
  const y = cells.map((cell) => cell.arousal);
  const marker = {
    size: (cells.length > 100 ? 6 : 9) * colours.unit,
    color: cells.map((_, index) => index),
    colorscale: [
      [0, colours.line],
      [1, colours.accent],
    ],
    line: { width: 1, color: colours.strong },
  };
  const ends = {
    range: [-EDGE, EDGE],
    tickvals: size < SMALL_PX * colours.unit ? [-1, 0, 1] : [-1, -0.5, 0, 0.5, 1],
    zeroline: true,
    ticktext: size < SMALL_PX * colours.unit ? ["−1", "0", "+1"] : ["−1", "−0.5", "0", "+0.5", "+1"],
    zerolinecolor: colours.strong,
    zerolinewidth: 1,
  };
  const title = (text) => ({ text, standoff: 8, font: colours.font(13, colours.ink) });
  return {
    data: [
      {
        x,
        y,
        type: "scatter",
        mode: "lines",
        line: { width: 1.5, color: colours.strong, shape: "linear" },
        opacity: 0.6,
      },
      { x, y, type: "scatter", mode: "markers", marker },
    ],
    layout: {
      width: size,
      height: size,
      margin,
      xaxis: axis(colours, { ...ends, title: title("unpleasant  ←  valence  →  pleasant") }),
      yaxis: axis(colours, { ...ends, title: title("calm  ←  arousal  →  excited") }),
      annotations: QUARTERS.map((quarter) => ({
        ...quarter,
        showarrow: false,
        yanchor: quarter.y > 0 ? "top" : "bottom",
        font: colours.font(12, colours.quiet),
      })),
    },
  };
}

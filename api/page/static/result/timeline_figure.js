// The drawing of a clip's windows over time: emotions, valence and arousal, and how much was seen and heard.

import { axis } from "./plots.js";
import { steps } from "./spans.js";
import { clock } from "../formats.js";

const NARROW_PX = 560;
const TICK_PX = 62;
const FILL_OPACITY = "d0";
// Of more steps the edges would be all that is seen.
const EDGED_STEPS = 150;
/** Steps that a screen shows well; more are drawn as means. */
export const MOST_STEPS = 600;

/** Height of the strip above the plots in which the spans of one rule are marked. */
export const BAND_PX = 12;

/** Return the room around the plots and their height, in pixels; `unit` is how much larger than usual text is. */
export function frame(width, rules, unit) {
  const narrow = width < NARROW_PX;
  const [emotion, affect, gap, lanes] = [narrow ? 190 : 230, narrow ? 90 : 110, 14, 36].map((size) =>
    Math.round(size * unit),
  );
  const margin = { l: 48 * unit, r: 10, t: 10 * unit + rules * BAND_PX, b: 26 * unit };
  const inner = emotion + affect + lanes + 2 * gap;
  const height = inner + margin.t + margin.b;
  return { narrow, emotion, affect, gap, lanes, margin, inner, height, unit, width: width - margin.l - margin.r };
}

/**
 * Return data and layout.
 *
 * @param {import("./spans.js").Cell[]} cells
 * @param {{labels: string[], stacked: boolean, range: [number, number], rules: number, width: number,
 *   colours: object}} options
 */
export function timelineFigure(cells, { labels, stacked, range, rules, width, colours }) {
  const size = frame(width, rules, colours.unit);
  const part = (from, height) =>
    [1 - (from + height) / size.inner, 1 - from / size.inner].map((share) => Math.max(0, share));
  const second = size.emotion + size.gap;
  const third = second + size.affect + size.gap;
  const y = axis(colours, {
    domain: part(0, size.emotion),
    range: [0, 1],
    tickformat: ".0%",
    dtick: size.narrow ? 0.5 : 0.25,
  });
  const y2 = axis(colours, {
    domain: part(second, size.affect),
    range: [-1.05, 1.05],
    tickvals: [-1, 0, 1],
    ticktext: ["−1", "0", "+1"],
    zeroline: true,
  });
  const lanes = { range: [0, 2.2], tickvals: [0.5, 1.7], ticktext: ["voice", "face"], showgrid: false };
  const y3 = axis(colours, { domain: part(third, size.lanes), ...lanes });
  const xaxis = axis(colours, { range, anchor: "y3", ...timeTicks(range, size), showgrid: true });
  return {
    data: [
      ...(stacked ? stack(cells, labels, colours) : lines(cells, labels, colours)),
      ...affectLines(cells, colours),
      ...coverage(cells, colours),
    ],
    layout: { height: size.height, margin: size.margin, xaxis, yaxis: y, yaxis2: y2, yaxis3: y3 },
  };
}

/** Return ticks at round times, as a clock shows them. */
export function timeTicks([from, to], { width, unit }) {
  const most = Math.max(2, Math.floor(width / (TICK_PX * unit)));
  const nice = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const step = nice.find((each) => (to - from) / each <= most) ?? 7200;
  const tickvals = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to + 1e-6; tick += step)
    tickvals.push(Number(tick.toFixed(3)));
  const ticktext = tickvals.map((tick) => (step < 1 ? `${tick.toFixed(1)} s` : clock(tick + 1e-6)));
  return { tickvals, ticktext };
}

function stack(cells, labels, colours) {
  const sums = new Map(cells.map((cell) => [cell, 0]));
  return labels.map((label, index) => {
    const raise = (cell) => {
      const sum = sums.get(cell) + (cell.probabilities?.[label] ?? 0);
      sums.set(cell, sum);
      return sum;
    };
    const colour = colours.emotion(label);
    return {
      // Where nothing was scored all of them lie at 0: the areas have no height there.
      ...steps(cells, raise, 0),
      type: "scatter",
      mode: "lines",
      name: label,
      fill: index ? "tonexty" : "tozeroy",
      fillcolor: `${colour}${FILL_OPACITY}`,
      line: { width: cells.length > EDGED_STEPS ? 0 : 0.75, color: colours.surface },
    };
  });
}

function lines(cells, labels, colours) {
  const step = (label) => steps(cells, (cell) => cell.probabilities?.[label] ?? null);
  // The most probable is drawn last, above the others.
  return [...labels].reverse().map((label) => ({
    ...step(label),
    type: "scatter",
    mode: "lines",
    name: label,
    line: { width: 2, color: colours.emotion(label) },
  }));
}

function affectLines(cells, colours) {
  const line = (name, dash, color) => ({
    ...steps(cells, (cell) => cell[name]),
    type: "scatter",
    mode: "lines",
    name,
    yaxis: "y2",
    line: { width: 2, color, dash },
  });
  return [line("valence", "solid", colours.accent), line("arousal", "3px,2px", colours.ink)];
}

function coverage(cells, colours) {
  const lane = (name, base) => ({
    ...steps(cells, (cell) => base + (cell[name] ?? 0), base),
    type: "scatter",
    mode: "lines",
    name,
    yaxis: "y3",
    fill: "tonexty",
    fillcolor: `${colours.strong}80`,
    line: { width: 0 },
  });
  const floor = (base) => ({
    x: cells.length ? [cells[0].left, cells.at(-1).right] : [],
    y: [base, base],
    type: "scatter",
    mode: "lines",
    yaxis: "y3",
    line: { width: 1, color: colours.line },
  });
  return [floor(0), lane("voice", 0), floor(1.2), lane("face", 1.2)];
}

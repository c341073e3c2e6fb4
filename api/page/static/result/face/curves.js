// Action units, head pose and gaze over time, one row each.

import { axis } from "../plots.js";
import { timeTicks } from "../timeline_figure.js";
import { pointsOf } from "./table.js";
import { GAZE, POSE, UNITS } from "./units.js";

const ROW_PX = 66;
const GAP_PX = 16;
const MOST_POINTS = 3000;
const DEGREES = 180 / Math.PI;
const NARROW_PX = 560;
const TITLE_PX = 12;
const WIDTH_OF_LETTER = 0.62;

/** Return the room around the rows, in pixels, for a width, a number of rows and a size of text. */
export function frame(width, rows, unit) {
  const margin = { l: (width < NARROW_PX ? 34 : 46) * unit, r: 10, t: 18 * unit, b: 26 * unit };
  const [row, gap] = [ROW_PX * unit, GAP_PX * unit];
  const inner = rows * row + (rows - 1) * gap;
  return { margin, row, gap, inner, height: inner + margin.t + margin.b, width: width - margin.l - margin.r, unit };
}

/**
 * Return data and layout.
 *
 * @param {import("./table.js").FaceTable} table
 * @param {{chosen: string[], range: [number, number], width: number, colours: object}} options `chosen` are action
 *   units, `pose` and `gaze`.
 */
export function curvesFigure(table, { chosen, range, width, colours }) {
  const size = frame(width, chosen.length, colours.unit);
  const data = [];
  const layout = {
    height: size.height,
    margin: size.margin,
    annotations: [],
    xaxis: axis(colours, {
      range,
      anchor: chosen.length > 1 ? `y${chosen.length}` : "y",
      ...timeTicks(range, size),
    }),
  };
  chosen.forEach((name, index) => {
    const suffix = index ? String(index + 1) : "";
    const from = index * (size.row + size.gap);
    const domain = [1 - (from + size.row) / size.inner, 1 - from / size.inner].map((share) =>
      Math.min(1, Math.max(0, share)),
    );
    const lines = linesOf(name, colours);
    for (const { column, color, dash, scale } of lines) {
      data.push({
        ...pointsOf(table, column, range, MOST_POINTS, scale),
        type: "scatter",
        mode: "lines",
        name: column,
        yaxis: `y${suffix}`,
        connectgaps: false,
        line: { width: 1.75, color, dash },
      });
    }
    layout[`yaxis${suffix}`] = axis(
      colours,
      UNITS[name]
        ? { domain, range: [-0.1, 5.1], tickvals: [0, 2.5, 5], ticktext: ["0", "", "5"] }
        : { domain, nticks: 3, ticksuffix: "°", zeroline: true },
    );
    layout.annotations.push(...titlesOf(name, lines, domain[1], colours));
  });
  return { data, layout };
}

function linesOf(name, colours) {
  const shades = [colours.accent, colours.bad, colours.good];
  const dashes = ["solid", "4px,2px", "1px,2px"];
  const group = { pose: POSE, gaze: GAZE }[name];
  if (!group) return [{ column: `${name}_r`, color: colours.accent, scale: 1 }];
  return Object.entries(group).map(([column, title], index) => ({
    column,
    title,
    color: shades[index],
    dash: dashes[index],
    scale: DEGREES,
  }));
}

/** Return the words above a row; the page's policy allows no markup with colours in them, so each has its own. */
function titlesOf(name, lines, y, colours) {
  const words = UNITS[name]
    ? [[`${name} ${UNITS[name]}`, colours.ink]]
    : [
        [name === "pose" ? "Head in degrees:" : "Gaze in degrees:", colours.ink],
        ...lines.map(({ title, color }) => [title, color]),
      ];
  let shift = 0;
  return words.map(([text, color]) => {
    const title = {
      text,
      x: 0,
      xref: "paper",
      xanchor: "left",
      xshift: shift,
      y,
      yref: "paper",
      yanchor: "bottom",
      showarrow: false,
      font: colours.font(TITLE_PX, color, { weight: 600 }),
    };
    shift += (text.length * WIDTH_OF_LETTER + 1) * TITLE_PX * colours.unit;
    return title;
  });
}

// Windows as spans of time, for drawing and for finding the one at a moment. Pure functions.

import { clock } from "../formats.js";

/**
 * A span that is drawn as one step: a window, or the mean of several.
 *
 * @typedef {object} Cell
 * @property {number} left Where the step begins, in seconds.
 * @property {number} right Where it ends.
 * @property {number} start_s Start of the window (of the first of several).
 * @property {number} end_s Its end (of the last).
 * @property {Object<string, number>|null} probabilities
 * @property {number|null} valence
 * @property {number|null} arousal
 * @property {number|null} face Share of the window's frames in which a face was found.
 * @property {number|null} voice Share of the window that holds a voice.
 * @property {string[]} modalities
 * @property {number} windows How many windows it stands for.
 */

/**
 * Return a cell for each window. Windows that overlap meet in the middle of what they share.
 *
 * @param {object[]} windows Of the job's document, in the order of time.
 * @returns {Cell[]}
 */
export function cellsOf(windows) {
  return windows.map((window, index) => {
    const before = windows[index - 1];
    const after = windows[index + 1];
    return {
      left: before?.end_s > window.start_s ? (before.end_s + window.start_s) / 2 : window.start_s,
      right: after?.start_s < window.end_s ? (window.end_s + after.start_s) / 2 : window.end_s,
      start_s: window.start_s,
      end_s: window.end_s,
      probabilities: window.probabilities,
      valence: window.valence,
      arousal: window.arousal,
      face: window.face_coverage,
      voice: window.voice_activity,
      modalities: window.modalities,
      windows: 1,
    };
  });
}

/**
 * Return the index of the cell at a time, or -1 where there is none.
 *
 * @param {Cell[]} cells
 * @param {number} time Seconds.
 */
export function indexAt(cells, time) {
  let low = 0;
  let high = cells.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (time < cells[middle].left) high = middle - 1;
    else if (time >= cells[middle].right) low = middle + 1;
    else return middle;
  }
  // The end of the clip belongs to its last window.
  return cells.length > 0 && time === cells.at(-1).right ? cells.length - 1 : -1;
}

/**
 * Return at most about `most` cells: neighbours that are alike in having scores or not become their mean.
 *
 * @param {Cell[]} cells
 * @param {number} most
 */
export function thin(cells, most) {
  const each = Math.ceil(cells.length / most);
  if (each <= 1) return cells;
  const groups = [];
  for (const cell of cells) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    const together =
      last && group.length < each && last.right === cell.left && !last.probabilities === !cell.probabilities;
    if (together) group.push(cell);
    else groups.push([cell]);
  }
  return groups.map(meanOf);
}

/** @param {Cell[]} group @returns {Cell} */
function meanOf(group) {
  const [first] = group;
  const mean = (read) => {
    const values = group.map(read).filter((value) => value !== null);
    return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
  };
  const labels = Object.keys(first.probabilities ?? {});
  return {
    ...first,
    right: group.at(-1).right,
    end_s: group.at(-1).end_s,
    probabilities:
      first.probabilities &&
      Object.fromEntries(labels.map((label) => [label, mean((cell) => cell.probabilities[label])])),
    valence: mean((cell) => cell.valence),
    arousal: mean((cell) => cell.arousal),
    face: mean((cell) => cell.face),
    voice: mean((cell) => cell.voice),
    windows: group.reduce((sum, cell) => sum + cell.windows, 0),
  };
}

/**
 * Return the outline of steps: two points a cell, and a point of `gap` where time passes between cells.
 *
 * @param {Cell[]} cells
 * @param {(cell: Cell) => number|null} read
 * @param {number|null} gap What stands where there is nothing.
 * @returns {{x: number[], y: (number|null)[]}}
 */
export function steps(cells, read, gap = null) {
  const x = [];
  const y = [];
  cells.forEach((cell, index) => {
    const before = cells[index - 1];
    if (before && before.right < cell.left) {
      x.push(before.right, cell.left);
      y.push(gap, gap);
    }
    const value = read(cell) ?? gap;
    x.push(cell.left, cell.right);
    y.push(value, value);
  });
  return { x, y };
}

/** Return a time as a clock shows it, with tenths where it has any: "0:04", "0:04.5". */
export function exactClock(seconds) {
  const tenths = Math.round(seconds * 10);
  return clock(Math.floor(tenths / 10)) + (tenths % 10 ? `.${tenths % 10}` : "");
}

/** Tell whether any window of a job has scores. */
export function hasScores(job) {
  return job.windows.some((window) => window.probabilities !== null);
}

/** Return the label with the highest probability, or `null` without scores. */
export function leader(probabilities) {
  if (!probabilities) return null;
  return Object.entries(probabilities).reduce((best, each) => (each[1] > best[1] ? each : best))[0];
}

/** Return labels, the most probable of the summary first; before there is one, in the order of the model. */
export function ranked(job) {
  const labels =
    job.model?.labels ?? Object.keys(job.windows.find((each) => each.probabilities)?.probabilities ?? {});
  const share = job.summary?.probabilities;
  return share ? [...labels].sort((one, other) => (share[other] ?? 0) - (share[one] ?? 0)) : [...labels];
}

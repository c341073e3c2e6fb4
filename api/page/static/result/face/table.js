// faces.csv as numbers: read as it comes, a row at a time, and no more of it than is drawn.

import { GAZE, POSE, UNITS } from "./units.js";

/** Rows that are kept; of more, every second, third and so on: an hour has 90,000. */
export const MOST_ROWS = 15_000;
/** Bytes after which reading stops. */
export const MOST_BYTES = 256e6;
const POINTS = 68;
const CURVES = [...Object.keys(UNITS).map((unit) => `${unit}_r`), ...Object.keys(POSE), ...Object.keys(GAZE)];

/**
 * A face table; what is not known is NaN.
 *
 * @typedef {object} FaceTable
 * @property {number} rows How many rows are kept.
 * @property {number} every Which of the file's rows: 1 is each.
 * @property {boolean} cut Whether reading stopped before the end of the file.
 * @property {Float64Array} time Seconds.
 * @property {Float32Array} confidence
 * @property {Float32Array} landmarks 136 a row: all x, then all y, in pixels of the pictures that the analyzer saw.
 * @property {Object<string, Float32Array>} curves Action units (0 to 5), pose and gaze (radians), by column.
 */

/**
 * Read a face table from a stream of bytes.
 *
 * @param {ReadableStream<Uint8Array>} stream
 * @param {number} frames How many rows there are.
 * @param {{mostRows?: number, mostBytes?: number, progress?: (bytes: number) => void}} [options]
 * @returns {Promise<FaceTable>}
 */
export async function readFaces(
  stream,
  frames,
  { mostRows = MOST_ROWS, mostBytes = MOST_BYTES, progress = () => {} } = {},
) {
  const every = Math.max(1, Math.ceil(frames / mostRows));
  const table = emptyTable(Math.ceil(frames / every), every);
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let places = null;
  let line = 0;
  let read = 0;
  const take = (text) => {
    if (places === null) places = placesIn(text);
    else if (line++ % every === 0 && text) keep(table, text.split(","), places);
  };
  for (;;) {
    const { value, done } = await reader.read();
    const text = rest + (value ?? "");
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      take(text.slice(start, end));
      start = end + 1;
    }
    rest = text.slice(start);
    read += value?.length ?? 0;
    progress(read);
    if (done) break;
    if (read > mostBytes) {
      table.cut = true;
      await reader.cancel();
      break;
    }
  }
  if (rest && !table.cut) take(rest);
  return table;
}

/** Return the index of the row that is seen at a time, or -1. */
export function rowAt(table, time) {
  let low = 0;
  let high = table.rows - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (table.time[middle] <= time + 1e-3) low = middle;
    else high = middle - 1;
  }
  const step = table.rows > 1 ? table.time[1] - table.time[0] : 1;
  return table.rows > 0 && time - table.time[low] < 2 * step ? low : -1;
}

/** Return the 136 coordinates of a row, or `null` where no usable face was seen. */
export function landmarksOf(table, row) {
  if (row < 0 || Number.isNaN(table.landmarks[row * 2 * POINTS])) return null;
  return table.landmarks.subarray(row * 2 * POINTS, (row + 1) * 2 * POINTS);
}

/** Tell whether a column has any value. */
export function isKnown(table, column) {
  return table.curves[column].subarray(0, table.rows).some((value) => !Number.isNaN(value));
}

/**
 * Return a column as points of a line, at most about `most`: the least and the greatest value of each stretch, so
 * that no peak is lost. Nothing known is `null`, which breaks the line.
 *
 * @param {FaceTable} table
 * @param {string} column
 * @param {[number, number]} range Seconds.
 * @param {number} most
 * @param {number} scale What values are multiplied by.
 */
export function pointsOf(table, column, [from, to], most, scale = 1) {
  const values = table.curves[column];
  const first = Math.max(0, table.time.subarray(0, table.rows).findIndex((time) => time >= from) - 1);
  let last = first;
  while (last < table.rows && table.time[last] <= to) last += 1;
  const stretch = Math.max(1, Math.ceil((2 * (last - first)) / most));
  const x = [];
  const y = [];
  const add = (row) => {
    x.push(table.time[row]);
    y.push(Number.isNaN(values[row]) ? null : values[row] * scale);
  };
  for (let start = first; start < last; start += stretch) {
    let least = -1;
    let greatest = -1;
    let hole = -1;
    for (let row = start; row < Math.min(start + stretch, last); row += 1) {
      if (Number.isNaN(values[row])) hole = row;
      else {
        if (least < 0 || values[row] < values[least]) least = row;
        if (greatest < 0 || values[row] > values[greatest]) greatest = row;
      }
    }
    for (const row of [...new Set([least, greatest, hole])]
      .filter((each) => each >= 0)
      .sort((one, other) => one - other))
      add(row);
  }
  return { x, y };
}

function emptyTable(rows, every) {
  return {
    rows: 0,
    every,
    cut: false,
    time: new Float64Array(rows),
    confidence: new Float32Array(rows),
    landmarks: new Float32Array(rows * 2 * POINTS),
    curves: Object.fromEntries(CURVES.map((name) => [name, new Float32Array(rows).fill(Number.NaN)])),
  };
}

function placesIn(header) {
  const names = header
    .trim()
    .split(",")
    .map((name) => name.trim());
  const place = (name) => names.indexOf(name);
  return {
    time: place("timestamp"),
    confidence: place("confidence"),
    landmark: place("x_0"),
    curves: CURVES.map((name) => [name, place(name)]).filter(([, index]) => index >= 0),
  };
}

function keep(table, cells, places) {
  const row = table.rows;
  if (row >= table.time.length) return;
  const number = (index) =>
    index < 0 || cells[index] === undefined || cells[index].trim() === "" ? Number.NaN : Number(cells[index]);
  table.time[row] = number(places.time);
  table.confidence[row] = number(places.confidence);
  for (let point = 0; point < 2 * POINTS; point += 1)
    table.landmarks[row * 2 * POINTS + point] = places.landmark < 0 ? Number.NaN : number(places.landmark + point);
  for (const [name, index] of places.curves) table.curves[name][row] = number(index);
  table.rows += 1;
}

// The face that was followed, drawn over the clip.

import { h } from "../../dom.js";
import { landmarksOf, rowAt } from "./table.js";

const POINTS = 68;
const MARGIN = 0.12;
const LINE = "#ffc93c";
// The iBUG scheme: jaw, brows, nose, eyes and lips; `true` closes the line.
const LINES = [
  [0, 16],
  [17, 21],
  [22, 26],
  [27, 30],
  [31, 35],
  [36, 41, true],
  [42, 47, true],
  [48, 59, true],
  [60, 67, true],
];

/** A canvas over a video; `size` is that of the pictures in whose pixels the table counts. */
export class FaceOverlay {
  #table = null;
  #shown = true;
  #stop;
  #seen;

  /**
   * @param {HTMLVideoElement} video
   * @param {HTMLElement} screen What holds it.
   * @param {import("../playhead.js").Playhead} playhead
   * @param {{width: number, height: number}} size
   */
  constructor(video, screen, playhead, size) {
    Object.assign(this, { video, screen, playhead, size });
    this.canvas = h("canvas", { class: "overlay", "aria-hidden": "true" });
    this.absent = h("p", { class: "absent", hidden: true }, "no usable face");
    screen.append(this.canvas, this.absent);
    this.#seen = new ResizeObserver(() => this.draw());
    this.#seen.observe(screen);
    video.addEventListener("loadedmetadata", () => this.draw());
    this.#stop = playhead.on(() => this.draw());
  }

  /** Draw on an empty screen of the clip's shape, where the browser cannot play the clip itself. */
  standAlone() {
    this.screen.style.aspectRatio = `${this.size.width} / ${this.size.height}`;
    this.screen.hidden = false;
  }

  /** Draw from a table from now on. */
  use(table) {
    this.#table = table;
    this.draw();
  }

  /** Show or hide the drawing. */
  show(shown) {
    this.#shown = shown;
    this.draw();
  }

  draw() {
    const { canvas, screen, video } = this;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [screen.clientWidth, screen.clientHeight];
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    const row = this.#table && this.#shown && width ? rowAt(this.#table, this.playhead.time) : -1;
    const marks = row < 0 ? null : landmarksOf(this.#table, row);
    this.absent.hidden = row < 0 || marks !== null;
    canvas.dataset.drawn = String(marks !== null);
    if (marks) this.#face(pen, marks, pictureIn(video, width, height, this.size), this.#table.confidence[row]);
  }

  destroy() {
    this.#stop();
    this.#seen.disconnect();
    this.canvas.remove();
    this.absent.remove();
  }

  #face(pen, marks, picture, confidence) {
    const x = (point) => picture.left + (marks[point] / this.size.width) * picture.width;
    const y = (point) => picture.top + (marks[POINTS + point] / this.size.height) * picture.height;
    const points = Array.from({ length: POINTS }, (_, point) => [x(point), y(point)]);
    const [left, right] = edges(points.map(([value]) => value));
    const [top, bottom] = edges(points.map(([, value]) => value));
    const room = (right - left) * MARGIN;
    pen.lineJoin = "round";
    // Light on dark on light: seen on any face in any light.
    for (const [color, extra] of [
      ["rgb(0 0 0 / 65%)", 2],
      [LINE, 0],
    ]) {
      pen.strokeStyle = color;
      pen.lineWidth = 1.5 + extra;
      pen.strokeRect(left - room, top - room, right - left + 2 * room, bottom - top + 2 * room);
      pen.lineWidth = 1 + extra;
      for (const [first, last, closed] of LINES) {
        pen.beginPath();
        for (let point = first; point <= last; point += 1) pen.lineTo(...points[point]);
        if (closed) pen.closePath();
        pen.stroke();
      }
    }
    pen.font = "600 0.8rem system-ui, sans-serif";
    pen.lineWidth = 3;
    pen.strokeStyle = "rgb(0 0 0 / 75%)";
    pen.fillStyle = "#fff";
    const text = `face ${confidence.toFixed(2)}`;
    const above = Math.max(12, top - room - 5);
    pen.strokeText(text, left - room, above);
    pen.fillText(text, left - room, above);
  }
}

/** Return where in its element a video's picture is: as large as fits, in the middle. */
function pictureIn(video, width, height, size) {
  const own = video.videoWidth ? video.videoWidth / video.videoHeight : size.width / size.height;
  const shown = Math.min(width, height * own);
  return { width: shown, height: shown / own, left: (width - shown) / 2, top: (height - shown / own) / 2 };
}

function edges(values) {
  return [Math.min(...values), Math.max(...values)];
}

// A layer over a plot or a picture with time running to the right: it shows the moment and moves it.

import { h } from "../dom.js";

const PAGE_SHARE = 0.1;

export class Scrubber {
  #from = 0;
  #to = 1;
  #width = 0;
  #stop;

  /**
   * @param {import("./playhead.js").Playhead} playhead
   * @param {{label?: string, describe?: (time: number) => string, step?: (direction: number) => number}} [options]
   *   With a `label` it is a slider that keys move: `describe` says a time in words, `step` returns the time that is a
   *   step on or back. Without one it is for pointers.
   */
  constructor(playhead, options = {}) {
    this.playhead = playhead;
    this.options = options;
    this.cursor = h("div", { class: "cursor" });
    this.hover = h("div", { class: "hover", hidden: true });
    this.element = h("div", { class: "scrubber" }, this.hover, this.cursor);
    if (options.label) this.#becomeSlider();
    else this.element.setAttribute("aria-hidden", "true");
    this.#listen();
    this.#stop = playhead.on((time) => this.#show(time));
  }

  /**
   * Lie over a part of the parent.
   *
   * @param {{left: number, top: number, width: number, height: number}} box Pixels.
   * @param {[number, number]} span Seconds at the left and right edge.
   */
  place({ left, top, width, height }, [from, to]) {
    Object.assign(this.element.style, {
      left: `${left}px`,
      top: `${top}px`,
      width: `${width}px`,
      height: `${height}px`,
    });
    this.span([from, to], width);
  }

  /** Change what time the edges stand for. */
  span([from, to], width = this.element.clientWidth) {
    this.#from = from;
    this.#to = Math.max(to, from + 1e-3);
    this.#width = width;
    this.#show(this.playhead.time);
  }

  destroy() {
    this.#stop();
  }

  /** Return the time under a pointer. */
  timeAt(event) {
    const box = this.element.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / Math.max(1, box.width)));
    return this.#from + share * (this.#to - this.#from);
  }

  #show(time) {
    const share = (time - this.#from) / (this.#to - this.#from);
    this.cursor.hidden = share < 0 || share > 1;
    this.cursor.style.transform = `translateX(${share * this.#width}px)`;
    if (!this.options.label) return;
    this.#say("aria-valuenow", time.toFixed(1));
    this.#say("aria-valuetext", this.options.describe?.(time) ?? "");
  }

  /** Change an attribute only where it is another one: readers of the screen listen to each change. */
  #say(name, text) {
    if (this.element.getAttribute(name) !== text) this.element.setAttribute(name, text);
  }

  #becomeSlider() {
    const attributes = {
      role: "slider",
      tabindex: "0",
      "aria-label": this.options.label,
      "aria-valuemin": "0",
      "aria-valuemax": this.playhead.duration.toFixed(1),
      "aria-orientation": "horizontal",
    };
    for (const [name, value] of Object.entries(attributes)) this.element.setAttribute(name, value);
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { playhead } = this;
    const page = playhead.duration * PAGE_SHARE;
    const places = {
      ArrowRight: () => this.options.step(1),
      ArrowUp: () => this.options.step(1),
      ArrowLeft: () => this.options.step(-1),
      ArrowDown: () => this.options.step(-1),
      PageUp: () => playhead.time + page,
      PageDown: () => playhead.time - page,
      Home: () => 0,
      End: () => playhead.duration,
    };
    if (event.key === " ") playhead.toggle();
    else if (places[event.key]) playhead.seek(places[event.key]());
    else return;
    event.preventDefault();
  }

  #listen() {
    const { element, hover, playhead } = this;
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      playhead.seek(this.timeAt(event));
    });
    element.addEventListener("pointermove", (event) => {
      const time = this.timeAt(event);
      if (element.hasPointerCapture(event.pointerId)) playhead.seek(time);
      hover.hidden = event.pointerType !== "mouse";
      hover.style.transform = `translateX(${event.clientX - element.getBoundingClientRect().left}px)`;
    });
    element.addEventListener("pointerleave", () => {
      hover.hidden = true;
    });
  }
}

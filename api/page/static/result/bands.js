// The spans in which a rule held: a strip above the timeline, and their edges through it.

import { h } from "../dom.js";
import { sentenceOfAlert } from "./alerts.js";
import { BAND_PX } from "./timeline_figure.js";

// More edges than these would hide what they stand on.
const MOST_EDGES = 12;

/** Return a layer of bands; the list of alerts says the same in words. */
export function bands(playhead) {
  const element = h("div", { class: "bands", "aria-hidden": "true" });
  let alerts = [];
  let job = null;
  let span = [0, playhead.duration];
  function draw() {
    const [from, to] = span;
    const seen = alerts.filter((alert) => alert.end_s > from && alert.start_s < to);
    element.classList.toggle("many", seen.length > MOST_EDGES);
    element.replaceChildren(
      ...seen.map((alert) => {
        const left = Math.max(0, (alert.start_s - from) / (to - from));
        const right = Math.min(1, (alert.end_s - from) / (to - from));
        const band = h(
          "div",
          { class: "band", title: sentenceOfAlert(alert, job), dataset: { rule: alert.rule } },
          h("i", {}),
        );
        band.style.left = `${left * 100}%`;
        band.style.width = `${(right - left) * 100}%`;
        band.firstChild.style.top = `${alert.rule * BAND_PX}px`;
        return band;
      }),
    );
  }
  return {
    element,
    update(next) {
      job = next;
      alerts = next.alerts;
      draw();
    },
    place({ left, top, width, height }, range) {
      Object.assign(element.style, {
        left: `${left}px`,
        top: `${top}px`,
        width: `${width}px`,
        height: `${height}px`,
      });
      span = range;
      draw();
    },
  };
}

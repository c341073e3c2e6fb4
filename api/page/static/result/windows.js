// The windows as a table: for readers of the text, and to copy.

import { button, fill, h } from "../dom.js";
import { nameOf } from "../emotions.js";
import { clock, plural } from "../formats.js";
import { ranked } from "./spans.js";

const PAGE = 50;
const DIGITS = 3;

/** Show the table of windows in `element`, closed until somebody opens it. */
export function mountWindows(element, { playhead }) {
  let job = null;
  let page = 0;
  let shown = null;
  const summary = h("summary", {});
  const body = h("div", { class: "wide", tabIndex: 0, role: "region", "aria-label": "Table of windows" });
  const turn = h("div", { class: "tools" });
  const details = h("details", { class: "windows" }, summary, turn, body);
  details.addEventListener("toggle", draw);
  fill(element, details);

  function draw() {
    if (!details.open || !job) return;
    const state = `${page} ${job.windows.length}`;
    if (state === shown) return;
    shown = state;
    const pages = Math.ceil(job.windows.length / PAGE);
    const labels = ranked(job);
    const some = job.windows.slice(page * PAGE, (page + 1) * PAGE);
    fill(
      turn,
      pages > 1 && [
        button("Earlier", () => go(-1), { icon: "back", disabled: page === 0 }),
        h("span", { role: "status" }, `Page ${page + 1} of ${pages}`),
        button("Later", () => go(1), { icon: "next", disabled: page === pages - 1 }),
      ],
    );
    fill(
      body,
      h(
        "table",
        {},
        h("caption", { class: "unseen" }, "Windows with the probability of each emotion, valence and arousal"),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ["From", "To (s)", ...labels.map(nameOf), "Valence", "Arousal", "Face", "Voice", "Used"].map((name) =>
              h("th", { scope: "col" }, name),
            ),
          ),
        ),
        h(
          "tbody",
          {},
          some.map((window) => row(window, labels)),
        ),
      ),
    );
  }

  function go(by) {
    page += by;
    draw();
    turn.querySelector("button:not(:disabled)")?.focus();
  }

  function row(window, labels) {
    const cell = (value) => h("td", {}, value === null || value === undefined ? "" : value.toFixed(DIGITS));
    const start = button(String(window.start_s), () => playhead.seek(window.start_s), {
      class: "link",
      title: `Go to ${clock(window.start_s)}`,
    });
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, start),
      h("td", {}, String(window.end_s)),
      labels.map((label) => cell(window.probabilities?.[label])),
      cell(window.valence),
      cell(window.arousal),
      cell(window.face_coverage),
      cell(window.voice_activity),
      h("td", {}, window.modalities.join(" + ")),
    );
  }

  return {
    update(next) {
      job = next;
      element.hidden = job.windows.length === 0;
      fill(summary, `All numbers: ${plural(job.windows.length, "window")} as a table`);
      draw();
    },
    destroy() {},
  };
}

// What the model said of the moment that the clip shows.

import { fill, h, say } from "../dom.js";
import { nameOf, paint } from "../emotions.js";
import { percent } from "../formats.js";
import { signed } from "./affect.js";
import { cellsOf, exactClock, hasScores, indexAt, ranked } from "./spans.js";
import { isUntrained } from "./verdict.js";

/** Show the window at the playhead in `element`. */
export function mountMoment(element, { playhead }) {
  let cells = [];
  let rows = [];
  let shown = null;
  const title = h("h2", {});
  const bars = h("ul", { class: "bars small" });
  const more = h("p", { class: "quiet" });
  const untrained = h("span", { class: "mark bad", hidden: true }, "untrained: means nothing");
  fill(element, h("div", { class: "row" }, title, untrained), bars, more);
  const stop = playhead.on(show);

  function show(time) {
    const cell = cells[indexAt(cells, time)] ?? null;
    if (cell === shown) return;
    shown = cell;
    say(title, cell ? `Window ${exactClock(cell.start_s)} to ${exactClock(cell.end_s)}` : "No window here");
    for (const { label, bar, figure } of rows) {
      const share = cell?.probabilities?.[label] ?? 0;
      bar.style.width = `${share * 100}%`;
      say(figure, cell?.probabilities ? percent(share) : "–");
    }
    say(more, cell ? seenOf(cell) : "");
  }

  return {
    update(job) {
      cells = cellsOf(job.windows);
      element.hidden = !hasScores(job);
      shown = undefined;
      untrained.hidden = !isUntrained(job);
      element.classList.toggle("untrained", isUntrained(job));
      rows = ranked(job).map((label) => ({ label, bar: h("i", {}), figure: h("span", { class: "figure" }) }));
      fill(
        bars,
        rows.map(({ label, bar, figure }) =>
          paint(
            h(
              "li",
              {},
              h("span", { class: "name" }, nameOf(label)),
              h("span", { class: "track", "aria-hidden": "true" }, bar),
              figure,
            ),
            label,
          ),
        ),
      );
      show(playhead.time);
    },
    destroy: stop,
  };
}

function seenOf(cell) {
  const share = (name, value) => (value === null ? null : `${name} in ${percent(value)}`);
  const parts = [share("face", cell.face), share("voice", cell.voice)].filter(Boolean).join(", ");
  if (!cell.probabilities) return `Neither face nor voice: no score. ${parts}`;
  return `Valence ${signed(cell.valence)}, arousal ${signed(cell.arousal)}; ${parts || "nothing measured"} of it.`;
}

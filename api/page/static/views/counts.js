// How many jobs of a batch are in each state, as a bar and in numbers.

import { h } from "../dom.js";
import { count } from "../formats.js";
import { WORDS } from "./status.js";

const ORDER = ["succeeded", "failed", "cancelled", "running", "queued"];

/** Return the bar, with its numbers below. */
export function countsBar(counts) {
  const there = ORDER.filter((status) => counts[status] > 0);
  const parts = there.map((status) => {
    const part = h("span", { dataset: { status } });
    part.style.flexGrow = counts[status];
    return part;
  });
  return h("div", { class: "counts" },
    h("div", { class: "counts-bar", "aria-hidden": "true" }, parts),
    h("ul", { class: "counts-words" }, there.map((status) =>
      h("li", { dataset: { status } }, h("i", { class: "dot" }), h("b", { class: "figures" }, count(counts[status])), ` ${WORDS[status].word.toLowerCase()}`))));
}

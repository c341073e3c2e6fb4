// Rules of alerts: "anger over 0.6 for 4 s", a row each.

import { button, fill, h } from "../dom.js";
import { nameOf } from "../emotions.js";

const USUAL = { over: "0.6", for_s: "2" };

/** Return the rows of rules. */
export function rulesOf() {
  const list = h("ul", { class: "rules" });
  const add = button("Add an alert", () => addRow().querySelector("select").focus(), { icon: "plus" });
  const element = h("fieldset", { class: "rule-set" }, h("legend", {}, "Alerts"),
    h("p", { class: "quiet" }, "The result marks where a level stays beyond a bound."), list, h("p", {}, add));
  let most = 16;
  let affect = [];
  let longestS = 86_400;
  let labels = [];

  function addRow() {
    const row = h("li", { class: "rule" },
      h("select", { class: "field", "aria-label": "Watch" }, choices()),
      h("select", { class: "field", "aria-label": "Direction" }, h("option", { value: "over" }, "over"), h("option", { value: "under" }, "under")),
      h("input", { class: "field", type: "number", step: "any", min: -1, max: 1, required: true, value: USUAL.over, "aria-label": "Bound" }),
      h("span", { class: "quiet" }, "for"),
      h("input", { class: "field", type: "number", step: "any", min: 0, max: longestS, required: true, value: USUAL.for_s, "aria-label": "Seconds" }),
      h("span", { class: "quiet" }, "s"),
      button("Remove this alert", () => { row.remove(); check(); add.focus(); }, { icon: "close", bare: true, class: "quiet round" }));
    list.append(row);
    check();
    return row;
  }

  function check() {
    add.disabled = list.children.length >= most;
  }

  function choices() {
    return [...labels, ...affect].map((label) => h("option", { value: label }, nameOf(label)));
  }

  return {
    element,
    /** Set how many rules there may be, which levels there are besides emotions, and the longest time. */
    allow(mostRules, levels, longest) {
      [most, affect, longestS] = [mostRules, levels, longest];
      check();
    },
    /** Set the emotions that the chosen model tells. */
    know(known) {
      labels = known;
      for (const select of list.querySelectorAll('[aria-label="Watch"]')) {
        const before = select.value;
        fill(select, choices());
        if (labels.includes(before) || affect.includes(before)) select.value = before;
      }
    },
    /** Return the rules as POST /predict takes them. */
    read() {
      return [...list.children].map((row) => {
        const [when, direction, bound, time] = row.querySelectorAll(".field");
        return { when: when.value, [direction.value]: bound.valueAsNumber, for_s: time.valueAsNumber };
      });
    },
  };
}

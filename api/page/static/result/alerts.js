// The spans in which a rule of the request held, with a way to each of them.

import { button, fill, h } from "../dom.js";
import { nameOf } from "../emotions.js";
import { duration, plural } from "../formats.js";
import { exactClock } from "./spans.js";

// More are shown on request.
const FIRST = 20;

/** Return what a rule of the request says, in words. */
export function sentenceOfRule(rule) {
  const bound =
    rule.over === null ? `below ${level(rule.under, rule.when)}` : `above ${level(rule.over, rule.when)}`;
  return `${nameOf(rule.when)} ${bound}${rule.for_s ? ` for ${duration(rule.for_s)} or longer` : ""}`;
}

/** Return what an alert says, in words. */
export function sentenceOfAlert(alert, job) {
  const rule = job.options.rules[alert.rule];
  const bound = rule.over === null ? "down to" : "up to";
  const span = `${exactClock(alert.start_s)} to ${exactClock(alert.end_s)}`;
  return `${span}: ${nameOf(alert.when)}, ${bound} ${level(alert.peak, alert.when)}`;
}

/** Show rules and their spans in `element`; it is hidden where the request has no rule. */
export function mountAlerts(element, { playhead }) {
  let all = false;
  let shown = null;
  function update(job) {
    element.hidden = job.options.rules.length === 0;
    const state = JSON.stringify([job.alerts, all]);
    if (element.hidden || state === shown) return;
    shown = state;
    fill(
      element,
      h("h2", {}, "Alerts"),
      job.options.rules.map((rule, index) => {
        const found = job.alerts.filter((alert) => alert.rule === index);
        return h(
          "div",
          { class: "watched", dataset: { rule: index } },
          h("h3", {}, sentenceOfRule(rule)),
          found.length
            ? spans(found, job)
            : h("p", { class: "quiet" }, job.finished_at ? "It never held." : "Not yet."),
        );
      }),
    );
  }
  function spans(found, job) {
    const some = all ? found : found.slice(0, FIRST);
    return [
      h(
        "ol",
        { class: "spans" },
        some.map((alert) =>
          h(
            "li",
            {},
            button(sentenceOfAlert(alert, job), () => playhead.seek(alert.start_s), { icon: "alert" }),
          ),
        ),
      ),
      some.length < found.length &&
        button(`Show all ${plural(found.length, "span")}`, () => {
          all = true;
          update(job);
        }),
    ];
  }
  return { update, destroy() {} };
}

function level(value, when) {
  const signed = when === "valence" || when === "arousal";
  return signed ? value.toFixed(2).replace("-", "−") : `${Math.round(value * 100)} %`;
}

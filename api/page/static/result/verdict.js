// What was found, first of all: the emotion, how sure the model is, and valence and arousal.

import { fill, h, icon } from "../dom.js";
import { nameOf, paint } from "../emotions.js";
import { percent } from "../formats.js";
import { affectMark, signed } from "./affect.js";
import { ranked } from "./spans.js";

// Of several models none is sure below this; said so in words.
const SURE = 0.5;
const USED = { "video,audio": "face and voice", video: "the face alone", audio: "the voice alone" };

/** Show the summary of a job in `element`. */
export function mountVerdict(element) {
  let shown = null;
  return {
    update(job) {
      const state = JSON.stringify([job.summary, job.status, job.warnings]);
      element.hidden = job.summary === null;
      if (state === shown || job.summary === null) return;
      shown = state;
      const untrained = isUntrained(job);
      element.classList.toggle("untrained", untrained);
      fill(
        element,
        untrained &&
          h(
            "p",
            { class: "loud", role: "note" },
            icon("alert"),
            h(
              "span",
              {},
              h("strong", {}, "Untrained model. "),
              "These numbers come from random weights and mean nothing.",
            ),
          ),
        h("div", { class: "parts" }, answer(job), distribution(job), affect(job)),
      );
    },
    destroy() {},
  };
}

/** Tell whether a job's numbers come from a model that has not been trained. */
export function isUntrained(job) {
  return job.model?.trained === false;
}

function answer(job) {
  const { emotion, confidence, probabilities } = job.summary;
  const [, second] = ranked(job);
  const close = confidence < SURE && second && !isUntrained(job);
  return paint(
    h(
      "div",
      { class: "answer" },
      h("h2", { class: "quiet" }, "The clip as a whole"),
      h("p", { class: "named" }, h("i", { class: "swatch" }), nameOf(emotion)),
      h("p", { class: "confidence" }, h("strong", {}, percent(confidence)), " probability, says the model"),
      h(
        "p",
        { class: "by" },
        h(
          "span",
          { class: "mark " + (isUntrained(job) ? "bad" : "good") },
          isUntrained(job) ? "NOT trained" : "trained",
        ),
        ` ${job.model.id}, from ${USED[job.modalities.join(",")] ?? "the clip"}`,
      ),
      close &&
        h(
          "p",
          { class: "quiet" },
          `Not sure: ${nameOf(second).toLowerCase()} has ${percent(probabilities[second])}.`,
        ),
    ),
    emotion,
  );
}

function distribution(job) {
  const { probabilities } = job.summary;
  return h(
    "ul",
    { class: "bars", "aria-label": "Probability of each emotion" },
    ranked(job).map((label) => {
      const bar = h("i", {});
      bar.style.width = `${probabilities[label] * 100}%`;
      return paint(
        h(
          "li",
          {},
          h("span", { class: "name" }, nameOf(label)),
          h("span", { class: "track", "aria-hidden": "true" }, bar),
          h("span", { class: "figure" }, percent(probabilities[label], 1)),
        ),
        label,
      );
    }),
  );
}

function affect(job) {
  const { valence, arousal } = job.summary;
  const mark = affectMark(job);
  return h(
    "div",
    { class: "affect" },
    gauge("Valence", valence, "unpleasant", "pleasant"),
    gauge("Arousal", arousal, "calm", "excited"),
    mark && h("p", { class: "mark care" }, mark),
  );
}

function gauge(name, value, low, high) {
  const needle = h("i", {});
  needle.style.left = `${(value + 1) * 50}%`;
  return h(
    "div",
    { class: "gauge" },
    h("p", {}, name, " ", h("strong", {}, signed(value)), h("span", { class: "quiet" }, " of −1 to +1")),
    h("div", { class: "scale", "aria-hidden": "true" }, needle),
    h("p", { class: "ends quiet", "aria-hidden": "true" }, h("span", {}, low), h("span", {}, high)),
  );
}

// What made the numbers: model, weights, analyzer, what was used, and how often such a model is right.

import { fill, h, say } from "../dom.js";
import { sentenceOf } from "../errors.js";
import { count, duration, percent } from "../formats.js";

const SHORT_HASH = 12;
const USED = { "video,audio": "Face and voice", video: "Face alone", audio: "Voice alone", "": "Nothing yet" };
const FUSIONS = {
  early: "early: face and voice in one sequence",
  late: "late: face and voice apart, joined at the decision",
  hybrid: "hybrid: one sequence, beside it the spectrogram and face measures",
};

/** Show what made a job's result in `element`. */
export function mountProvenance(element, { api }) {
  let shown = null;
  return {
    update(job) {
      element.hidden = job.model === null;
      const state = JSON.stringify([job.model, job.analyzer, job.modalities, job.timings, job.media]);
      if (state === shown || job.model === null) return;
      shown = state;
      fill(element, h("h2", {}, "What made this"), h("dl", { class: "made" }, facts(job)), card(job.model, api));
    },
    destroy() {},
  };
}

function facts(job) {
  const { model, analyzer, media, timings } = job;
  const row = (name, ...value) => [h("dt", {}, name), h("dd", {}, value)];
  return [
    row(
      "Model",
      h("strong", {}, model.id),
      " ",
      h("span", { class: model.trained ? "mark good" : "mark bad" }, model.trained ? "trained" : "NOT trained"),
    ),
    row("Right", accuracy(model)),
    row("Fusion", FUSIONS[model.fusion] ?? model.fusion),
    row("Used", USED[job.modalities.join(",")] ?? job.modalities.join(", ")),
    analyzer &&
      row(
        "Face seen by",
        `${analyzer.name} ${analyzer.version}`,
        analyzer.frames
          ? `; a usable face in ${percent(analyzer.usable_frames / analyzer.frames)} of ${count(analyzer.frames)} frames`
          : "",
      ),
    media && row("Clip", clipOf(media)),
    model.weights_sha256 &&
      row("Weights", h("code", { title: model.weights_sha256 }, model.weights_sha256.slice(0, SHORT_HASH))),
    timings.total_s !== null && row("Time", `${duration(timings.total_s)} from sending to result`),
  ];
}

function accuracy(model) {
  const { war, uar, samples, ece } = model.metrics ?? {};
  if (!model.trained) return "Never: its weights are random.";
  if (war === undefined) return "Not measured: its card has no figures.";
  return (
    `${percent(war)} of ${samples ? `${count(samples)} ` : ""}test samples` +
    (uar === undefined ? "" : `; ${percent(uar)} on average over the emotions`) +
    (ece === undefined ? "" : `; its probabilities are off by ${percent(ece, 1)}`) +
    ". On people it had not learned from; clips like yours may be harder."
  );
}

function clipOf(media) {
  return [
    duration(media.duration_s),
    media.width && `${media.width} × ${media.height} pixels`,
    media.fps && `${Number(media.fps.toFixed(2))} frames a second`,
    media.sample_rate ? `sound at ${media.sample_rate / 1000} kHz` : "no sound",
  ]
    .filter(Boolean)
    .join(", ");
}

function card(model, api) {
  const body = h("div", { class: "card-text" }, h("p", { class: "quiet" }, "Loading the card …"));
  const details = h(
    "details",
    { class: "model-card" },
    h("summary", {}, `The card of ${model.id}: data, figures, limits`),
    body,
  );
  details.addEventListener("toggle", async () => {
    if (!details.open || details.dataset.loaded) return;
    details.dataset.loaded = "yes";
    try {
      fill(body, cardFacts(await api.json(model.card_url)));
      const page = await api.fetch(`${model.card_url}/CARD.md`).catch(() => null);
      // The card's author wrote it: text, and never markup.
      if (page) body.append(h("pre", { tabIndex: 0, "aria-label": "Card of the model" }, await page.text()));
    } catch (error) {
      delete details.dataset.loaded;
      say(body.firstElementChild, sentenceOf(error));
    }
  });
  return details;
}

function cardFacts(found) {
  const row = (name, value) => value && [h("dt", {}, name), h("dd", {}, value)];
  const recalls = Object.entries(found.metrics).filter(([name]) => name.startsWith("recall_"));
  return h(
    "dl",
    { class: "made" },
    row("What it is", found.description),
    row("Licence", found.licence),
    row("Learned from", found.data.join(", ") || "nothing"),
    row(
      "Tested on",
      Object.entries(found.folds)
        .map(([data, split]) => `${data}: ${split}`)
        .join("; "),
    ),
    row(
      "Found of each",
      recalls.map(([name, share]) => `${name.slice("recall_".length)} ${percent(share)}`).join(", "),
    ),
    row(
      "Valence, arousal",
      { annotated: "learned from people's annotations", class_constant: "learned from one constant an emotion" }[
        found.affect_source
      ],
    ),
    row("Made", found.date),
    [
      h("dt", {}, "All of it"),
      h("dd", {}, h("a", { href: `/models/${encodeURIComponent(found.id)}` }, "the card as JSON")),
    ],
  );
}

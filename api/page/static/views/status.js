// The states of a job in words and signs; a colour never says anything alone.

import { h, icon } from "../dom.js";

export const WORDS = {
  queued: { word: "Queued", sentence: "The job waits for a worker.", icon: null },
  running: { word: "Running", sentence: "The job is being worked on.", icon: null },
  succeeded: { word: "Done", sentence: "The job is done.", icon: "check" },
  failed: { word: "Failed", sentence: "The job failed.", icon: "alert" },
  cancelled: { word: "Cancelled", sentence: "The job was cancelled.", icon: "close" },
};

/** Tell whether nothing more happens to a job by itself. */
export function hasEnded(status) {
  return status === "succeeded" || status === "failed" || status === "cancelled";
}

/** Return a job's state as a small sign. */
export function statusBadge(status) {
  const known = WORDS[status] ?? { word: status, icon: null };
  return h("span", { class: "badge", dataset: { status } }, known.icon ? icon(known.icon) : h("i", { class: "dot" }), known.word);
}

/** Return the sign that a number comes from a model which has not learned anything; `null` for a trained one. */
export function untrainedMark(model) {
  if (!model || model.trained) return null;
  return h("span", { class: "badge", dataset: { status: "untrained" }, title: "This model has not been trained: its numbers mean nothing." },
    icon("alert"), "Untrained");
}

// A job as one line of a list.

import { h, icon } from "../dom.js";
import { nameOf, paint } from "../emotions.js";
import { ago, duration, moment, percent } from "../formats.js";
import { nameOfJob } from "../names.js";
import { hasEnded, statusBadge, untrainedMark } from "./status.js";

/**
 * Return a line of a list of jobs.
 *
 * @param {object} job
 * @param {HTMLElement} [choice] A box that chooses it.
 */
export function rowOf(job, choice = null) {
  return h("li", { class: "job-row", dataset: { job: job.job_id } },
    choice,
    h("a", { class: "job-link", href: `#/jobs/${job.job_id}` },
      icon(isSeen(job) ? "film" : "sound"),
      h("span", { class: "cut job-title" }, nameOfJob(job))),
    h("span", { class: "job-answer" }, ...answerOf(job)),
    h("span", { class: "job-times quiet" },
      h("time", { dateTime: job.created_at, title: moment(job.created_at) }, ago(job.created_at)),
      job.media && h("span", {}, duration(job.media.duration_s))));
}

function isSeen(job) {
  // Once it has been looked into, its media tell; the upload itself may have expired.
  return job.media ? job.media.width !== null : job.options.video_id !== null;
}

function answerOf(job) {
  if (!hasEnded(job.status)) {
    return [statusBadge(job.status), h("progress", { max: 1, value: job.progress, "aria-label": "Progress" })];
  }
  if (job.status !== "succeeded") {
    return [statusBadge(job.status), job.error && h("span", { class: "quiet cut", title: job.error.message }, job.error.message)];
  }
  if (!job.summary) return [statusBadge(job.status)];
  const { emotion, confidence } = job.summary;
  return [
    paint(h("span", { class: "emotion" }, h("i", { class: "swatch" }), nameOf(emotion)), emotion),
    h("span", { class: "quiet figures" }, percent(confidence)),
    untrainedMark(job.model),
  ];
}

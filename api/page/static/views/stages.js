// The way of a job, stage by stage.

import { fill, h, icon, say } from "../dom.js";
import { duration, percent } from "../formats.js";
import { hasEnded } from "./status.js";

const STAGES = [
  ["queue", "Waiting", "for a worker"],
  ["ingest", "Reading", "the clip is checked and cut"],
  ["faces", "Face", "found and followed"],
  ["sound", "Voice", "heard and drawn"],
  ["fusion", "Fusion", "face and voice joined"],
  ["inference", "Model", "windows are scored"],
];

/** Return the list of stages, and how to bring it up to date. */
export function stagesOf() {
  const list = h("ol", { class: "stages" });
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Progress of the job" });
  const share = h("p", { class: "quiet figures share" });
  const element = h("section", { class: "card progress", "aria-label": "Progress" }, h("div", { class: "progress-line" }, bar, share), list);
  const items = STAGES.map(([name, word, meaning]) => {
    const state = h("span", { class: "unseen" });
    const time = h("small", {}, meaning);
    const item = h("li", {}, h("span", { class: "sign" }), h("span", {}, h("b", {}, word), state, time));
    list.append(item);
    return { name, meaning, item, state, time };
  });

  function update(job) {
    const states = statesOf(job);
    element.hidden = job.status === "succeeded";
    bar.value = job.progress;
    say(share, progressOf(job));
    for (const { name, meaning, item, state, time } of items) {
      const now = states[name];
      if (item.dataset.state !== now) {
        item.dataset.state = now;
        fill(item.firstElementChild, now === "done" && icon("check"), now === "stopped" && icon("close"));
        if (now === "now") item.setAttribute("aria-current", "step");
        else item.removeAttribute("aria-current");
      }
      say(state, { done: " (done)", now: " (now)", stopped: " (stopped here)", later: "" }[now]);
      const seconds = name === "queue" ? job.timings.queue_s : job.timings.stages[name];
      say(time, seconds === undefined || seconds === null || now === "later" ? meaning : duration(seconds));
    }
  }

  return { element, update };
}

/** Return the state of each stage: `done`, `now`, `later`, or `stopped` where a job ended before its end. */
export function statesOf(job) {
  const names = STAGES.map(([name]) => name);
  if (job.status === "succeeded") return Object.fromEntries(names.map((name) => [name, "done"]));
  const known = job.stage ?? names.findLast((name) => name in job.timings.stages);
  const at = job.status === "queued" ? 0 : Math.max(known ? names.indexOf(known) : 0, job.started_at ? 1 : 0);
  const here = hasEnded(job.status) ? "stopped" : "now";
  return Object.fromEntries(names.map((name, index) => [name, index < at ? "done" : index === at ? here : "later"]));
}

function progressOf(job) {
  if (hasEnded(job.status)) return "";
  const { done, total } = job.segments;
  return total > 1 ? `${percent(job.progress)} · ${done} of ${total} segments` : percent(job.progress);
}

// One job: where it stands, what may be done with it, and, as windows come in, its result.

import { confirm } from "../dialogs.js";
import { button, fill, h, say } from "../dom.js";
import { ApiError, sentenceOf } from "../errors.js";
import { ago, duration, moment } from "../formats.js";
import { forgetName, nameOfJob } from "../names.js";
import { poll } from "../polling.js";
import { go } from "../router.js";
import { hasEnded, statusBadge, WORDS } from "./status.js";
import { stagesOf } from "./stages.js";
import { troubleOf } from "./trouble.js";

const GONE = 404;

/** Show the job whose id the address names. */
export function mount(element, { api, sending, tell, rest }) {
  const [jobId] = rest;
  const path = `/jobs/${encodeURIComponent(jobId)}`;
  const heading = h("h1", { class: "cut" }, "Job");
  const badge = h("span", {});
  const facts = h("p", { class: "quiet facts" });
  const tools = h("div", { class: "row tools-of-job" });
  const trouble = troubleOf();
  const stages = stagesOf();
  const place = h("section", { class: "result", "aria-label": "Result" });
  element.append(
    h("header", { class: "job-head" }, h("div", { class: "job-name" }, heading, badge), facts, tools),
    trouble.element, stages.element, place,
  );

  let view = null;
  let viewing = null;
  let last = null;
  let gone = false;

  function show(job) {
    say(heading, nameOfJob(job));
    document.title = `${nameOfJob(job)} · avemotion`;
    fill(badge, statusBadge(job.status));
    fill(facts, ...factsOf(job));
    stages.update(job);
    const changed = last?.status !== job.status;
    last = job;
    showResult(job);
    if (!changed) return;
    showTools(job);
    tell(WORDS[job.status].sentence);
  }

  /** Show what is known of the result; its modules are loaded once there is anything to show. */
  async function showResult(job) {
    if (view) view.update(job);
    if (viewing || !(job.windows.length || hasEnded(job.status))) return;
    viewing = import("../result/view.js");
    try {
      const { mountResult } = await viewing;
      if (!gone) view = mountResult(place, { job: last, api, files: sending.filesOf(jobId) });
    } catch {
      viewing = null;
      trouble.complain(ApiError.unreachable());
    }
  }

  function showTools(job) {
    const ended = hasEnded(job.status);
    const retry = job.status === "failed" || job.status === "cancelled";
    fill(tools,
      !ended && button("Cancel", () => act(() => api.post(`${path}/cancel`)), { icon: "stop" }),
      retry && button("Try again", () => act(() => api.post(`${path}/retry`)), { icon: "retry" }),
      button("Delete", erase, { icon: "trash", class: "quiet" }));
  }

  async function act(work) {
    try {
      show(await work());
      follow();
    } catch (error) {
      trouble.complain(error);
    }
  }

  async function erase() {
    const sure = await confirm({
      title: "Delete this job?",
      body: ["Its result, its files and its clip are erased from the server, unless another job uses the same clip."],
      yes: "Delete",
      grave: true,
    });
    if (!sure) return;
    try {
      await api.delete(path);
      forgetName(jobId);
      tell("The job is deleted.");
      go("/history");
    } catch (error) {
      trouble.complain(error);
    }
  }

  function missing() {
    destroy();
    fill(element, h("h1", {}, "There is no such job"),
      h("p", {}, "It was deleted, its time is over, or it belongs to another key."),
      h("p", {}, h("a", { class: "button", href: "#/" }, "Score a clip"), " ", h("a", { class: "button", href: "#/history" }, "History")));
  }

  let following = null;
  function follow() {
    following?.stop();
    following = poll({
      ask: (init) => api.fetch(path, init),
      show: async (response) => {
        const job = await response.json();
        show(job);
        return hasEnded(job.status);
      },
      recover: trouble.hide,
      fail: (error, failures) => {
        if (error.status === GONE) {
          missing();
          return false;
        }
        trouble.complain(error);
        if (error.mayPass) trouble.say(`${sentenceOf(error)} The job goes on without this page; trying again${".".repeat(1 + (failures % 3))}`);
        return error.mayPass;
      },
    });
  }

  function destroy() {
    gone = true;
    following.stop();
    view?.destroy();
    view = null;
  }

  follow();
  return { destroy };
}

function factsOf(job) {
  const started = h("time", { dateTime: job.created_at, title: moment(job.created_at) }, ago(job.created_at));
  const parts = [
    started,
    job.media && `${duration(job.media.duration_s)} of media`,
    job.timings.total_s !== null && `took ${duration(job.timings.total_s)}`,
    job.options.model,
    job.batch_id && h("a", { href: `#/batches/${job.batch_id}` }, "part of a batch"),
    hasEnded(job.status) && job.expires_at && `kept until ${moment(job.expires_at)}`,
  ];
  return parts.filter(Boolean).map((part) => h("span", {}, part));
}

// One batch: how far it is, what went wrong, its jobs, and its results as a table.

import { confirm } from "../dialogs.js";
import { button, fill, h, say } from "../dom.js";
import { ago, count, duration, moment, percent } from "../formats.js";
import { poll } from "../polling.js";
import { go } from "../router.js";
import { countsBar } from "./counts.js";
import { jobListOf } from "./job-list.js";
import { WORDS } from "./status.js";
import { troubleOf } from "./trouble.js";

const FORMATS = { csv: "CSV", jsonl: "JSON lines", parquet: "Parquet" };
const GONE = 404;
// A finished batch changes only where a job is deleted or tried again.
const IDLE_S = 15;

/** Show the batch whose id the address names. */
export function mountBatch(element, { api, tell, rest, query }) {
  const [batchId] = rest;
  const path = `/batches/${encodeURIComponent(batchId)}`;
  const status = query.get("status");
  const heading = h("h1", { class: "cut" }, "Batch");
  const facts = h("p", { class: "quiet facts" });
  const tools = h("div", { class: "row" });
  const trouble = troubleOf();
  const bar = h("div");
  const figures = h("dl", { class: "figures-row" });
  const errors = h("div");
  const filter = h("select", { class: "field", id: "status", on: { change: () => go(path, { status: filter.value }) } },
    h("option", { value: "" }, "All"),
    Object.entries(WORDS).map(([name, { word }]) => h("option", { value: name, selected: name === status }, word)));
  const jobs = jobListOf({ api, tell, query, path, search: { batch: batchId, status }, empty: [h("p", {}, "No jobs here yet.")] });
  element.append(
    h("header", { class: "job-head" }, heading, facts, tools), trouble.element,
    h("section", { class: "card stack", "aria-label": "Progress" }, bar, figures, errors),
    h("section", { class: "stack", "aria-label": "Jobs" },
      h("div", { class: "list-head" }, h("h2", {}, "Jobs"), h("p", { class: "labelled inline" }, h("label", { for: "status" }, "Show"), filter)),
      jobs.element),
  );
  let drawnTools = "";
  let drawnErrors = "";
  let drawnCounts = "";

  const following = poll({
    ask: (init) => api.fetch(path, init),
    show: async (response) => {
      show(await response.json());
      return false;
    },
    fail: (error) => {
      if (error.status === GONE) missing();
      else trouble.complain(error);
      return error.mayPass;
    },
    recover: trouble.hide,
    pauseS: () => IDLE_S,
  });

  function show(batch) {
    say(heading, batch.name ?? "Batch");
    document.title = `${heading.textContent} · avemotion`;
    fill(facts, h("time", { dateTime: batch.created_at, title: moment(batch.created_at) }, ago(batch.created_at)),
      h("span", {}, batch.finished_at ? `finished ${ago(batch.finished_at)}` : batch.closed_at ? "running" : "still taking jobs"));
    fill(bar, countsBar(batch.counts));
    fill(figures,
      figure("Ended", percent(batch.progress)),
      figure("Jobs", count(batch.counts.total)),
      !batch.finished_at && figure("Rate", batch.rate_per_s ? `${batch.rate_per_s.toFixed(2)} a second` : "–"),
      !batch.finished_at && figure("Time left", batch.eta_s ? duration(batch.eta_s) : "–"));
    showErrors(batch);
    showTools(batch);
    const counted = JSON.stringify(batch.counts);
    if (counted !== drawnCounts) jobs.reload();
    drawnCounts = counted;
  }

  function showErrors(batch) {
    const now = JSON.stringify(batch.errors);
    if (now === drawnErrors) return; // Somebody may just have opened it.
    drawnErrors = now;
    const failed = Object.entries(batch.errors);
    fill(errors, failed.length > 0 && h("details", { class: "faults" },
      h("summary", {}, "Why jobs failed"),
      h("table", { class: "table" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Code"), h("th", { scope: "col" }, "Jobs"))),
        h("tbody", {}, failed.map(([code, number]) => h("tr", {},
          h("td", {}, h("a", { href: `/docs/errors#${code}` }, h("code", {}, code))), h("td", { class: "figures" }, count(number))))))));
  }

  function showTools(batch) {
    const open = batch.finished_at === null;
    const now = `${open} ${batch.closed_at} ${batch.counts.total > 0}`;
    if (now === drawnTools) return;
    drawnTools = now;
    fill(tools,
      Object.entries(FORMATS).map(([ending, name]) => button(name, () => save(ending), {
        icon: "download", title: "Save the results as a table: the jobs that have ended", disabled: batch.counts.total === 0 })),
      batch.closed_at === null && button("Close", () => change("close"), { icon: "check", title: "No more jobs will come" }),
      open && button("Cancel", cancel, { icon: "stop" }),
      button("Delete", erase, { icon: "trash", class: "quiet" }));
  }

  async function save(ending) {
    try {
      await api.save(`${path}/results.${ending}`, `results.${ending}`, { large: true });
    } catch (error) {
      trouble.complain(error);
    }
  }

  async function cancel() {
    const sure = await confirm({ title: "Cancel this batch?", body: ["Jobs that have not ended are cancelled. What has ended keeps its result."], yes: "Cancel the jobs" });
    // Closed first: else it would stay open for jobs that nobody sends.
    if (sure && await change("close")) await change("cancel");
  }

  async function change(what) {
    try {
      show(await api.post(`${path}/${what}`));
      jobs.reload();
      return true;
    } catch (error) {
      trouble.complain(error);
      return false;
    }
  }

  async function erase() {
    const sure = await confirm({
      title: "Delete this batch?",
      body: ["All its jobs are erased with their results, and their clips unless other jobs use them."],
      yes: "Delete",
      grave: true,
    });
    if (!sure) return;
    try {
      await api.delete(path);
      tell("The batch is deleted.");
      go("/batches");
    } catch (error) {
      trouble.complain(error);
    }
  }

  function missing() {
    jobs.destroy();
    fill(element, h("h1", {}, "There is no such batch"), h("p", {}, "It was deleted, its time is over, or it belongs to another key."),
      h("p", {}, h("a", { class: "button", href: "#/batches" }, "All batches")));
  }

  return {
    destroy() {
      following.stop();
      jobs.destroy();
    },
  };
}

function figure(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", { class: "figures" }, value));
}

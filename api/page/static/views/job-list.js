// A list of jobs, page by page, kept up to date while some of them still run.

import { confirm } from "../dialogs.js";
import { button, fill, h } from "../dom.js";
import { sentenceOf } from "../errors.js";
import { plural } from "../formats.js";
import { forgetName } from "../names.js";
import { address } from "../router.js";
import { followList } from "./listing.js";
import { rowOf } from "./rows.js";
import { hasEnded } from "./status.js";
import { troubleOf } from "./trouble.js";

const PAGE_JOBS = 50;
const FRESH_S = 3;
const AT_A_TIME = 4;

/**
 * Return a list of jobs.
 *
 * @param {object} what
 * @param {import("../client.js").Client} what.api
 * @param {(text: string) => void} what.tell
 * @param {URLSearchParams} what.query The page's own; `cursor` says where the shown part begins.
 * @param {string} what.path Where the page is.
 * @param {Object<string, string|null>} what.search Which jobs: the query of GET /jobs.
 * @param {boolean} [what.choose] Whether jobs can be chosen and deleted.
 * @param {Node[]} what.empty Shown where there are none.
 */
export function jobListOf({ api, tell, query, path, search, choose = false, empty }) {
  const cursor = query.get("cursor");
  const chosen = new Set();
  const list = h("ul", { class: "jobs card" });
  const trouble = troubleOf();
  const tools = h("div", { class: "row list-tools" });
  const pages = h("nav", { class: "row pages", "aria-label": "Pages" });
  const element = h("div", { class: "stack" }, trouble.element, tools, list, pages);
  const own = { status: search.status };
  let jobs = [];

  const following = followList({
    api,
    path: "/jobs",
    search: { ...search, limit: PAGE_JOBS, cursor },
    trouble,
    show,
    pauseS: () => (jobs.every((job) => hasEnded(job.status)) ? 10 * FRESH_S : FRESH_S),
  });

  function show(page) {
    jobs = page.jobs;
    for (const id of chosen) if (!jobs.some((job) => job.job_id === id)) chosen.delete(id);
    const focused = document.activeElement?.closest?.("[data-job]")?.dataset.job;
    const focusedBox = document.activeElement?.type === "checkbox";
    if (jobs.length) fill(list, jobs.map((job) => rowOf(job, choose ? boxOf(job) : null)));
    else fill(list, h("li", { class: "nothing" }, empty));
    if (focused) list.querySelector(`[data-job="${focused}"] ${focusedBox ? "input" : "a"}`)?.focus();
    fill(pages,
      cursor && h("a", { class: "button", href: address(path, own) }, "Newest"),
      page.next_cursor && h("a", { class: "button", href: address(path, { ...own, cursor: page.next_cursor }) }, "Older"));
    showTools();
  }

  function boxOf(job) {
    const box = h("input", { type: "checkbox", class: "box", checked: chosen.has(job.job_id), "aria-label": "Choose this job",
      on: { change: () => {
        if (box.checked) chosen.add(job.job_id);
        else chosen.delete(job.job_id);
        showTools();
      } } });
    return box;
  }

  function showTools() {
    if (!choose || !jobs.length) {
      fill(tools);
      return;
    }
    const all = chosen.size === jobs.length;
    fill(tools,
      button(all ? "Choose none" : "Choose all on this page", () => {
        for (const job of jobs) {
          if (all) chosen.delete(job.job_id);
          else chosen.add(job.job_id);
        }
        for (const box of list.querySelectorAll(".box")) box.checked = !all;
        showTools();
      }, { class: "quiet" }),
      chosen.size > 0 && button(`Delete ${plural(chosen.size, "job")}`, erase, { icon: "trash" }));
  }

  async function erase() {
    const ids = [...chosen];
    const sure = await confirm({
      title: `Delete ${plural(ids.length, "job")}?`,
      body: ["Their results and files are erased from the server, and their clips unless other jobs use them."],
      yes: "Delete",
      grave: true,
    });
    if (!sure) return;
    const failures = [];
    const next = ids.values();
    const work = async () => {
      for (const id of next) {
        try {
          await api.delete(`/jobs/${id}`);
          forgetName(id);
          chosen.delete(id);
        } catch (error) {
          if (error.status !== 404) failures.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    tell(`${plural(ids.length - failures.length, "job")} deleted.`);
    following.wake();
    if (failures.length) trouble.say(`${plural(failures.length, "job")} could not be deleted. ${sentenceOf(failures[0])}`);
  }

  return { element, reload: following.wake, destroy: following.stop };
}

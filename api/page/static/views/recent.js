// The newest jobs, beside the start.

import { fill, h } from "../dom.js";
import { poll } from "../polling.js";
import { rowOf } from "./rows.js";
import { hasEnded } from "./status.js";

const SHOWN = 6;
const FRESH_S = 3;

/** Return the list of the newest jobs; it is not there while there are none. */
export function recentOf(api) {
  const list = h("ul", { class: "jobs" });
  const element = h("aside", { class: "recent", "aria-label": "Newest jobs", hidden: true },
    h("h2", {}, "Newest"), list, h("p", {}, h("a", { href: "#/history" }, "All jobs")));
  const following = poll({
    ask: (init) => api.fetch(`/jobs?limit=${SHOWN}`, init),
    show: async (response) => {
      const { jobs } = await response.json();
      element.hidden = jobs.length === 0;
      fill(list, jobs.map((job) => rowOf(job)));
      return jobs.every((job) => hasEnded(job.status));
    },
    fail: (error) => error.mayPass,
    pauseS: () => FRESH_S,
  });
  return { element, destroy: following.stop };
}

// Batches: all of them, or one.

import { fill, h } from "../dom.js";
import { ago, moment, percent, plural } from "../formats.js";
import { address } from "../router.js";
import { mountBatch } from "./batch.js";
import { countsBar } from "./counts.js";
import { followList } from "./listing.js";
import { troubleOf } from "./trouble.js";

const PAGE_BATCHES = 20;
const FRESH_S = 3;
const IDLE_S = 30;

/** Show the list of batches, or the batch whose id the address names. */
export function mount(element, context) {
  return context.rest.length ? mountBatch(element, context) : mountList(element, context);
}

function mountList(element, { api, query }) {
  const cursor = query.get("cursor") || null;
  const list = h("ul", { class: "batches" });
  const pages = h("nav", { class: "row pages", "aria-label": "Pages" });
  const trouble = troubleOf();
  element.append(h("header", { class: "list-head" }, h("h1", {}, "Batches")), trouble.element, list, pages);
  let open = true;

  const following = followList({
    api,
    path: "/batches",
    search: { limit: PAGE_BATCHES, cursor },
    trouble,
    show,
    pauseS: () => (open ? FRESH_S : IDLE_S),
  });

  function show({ batches, next_cursor: next }) {
    open = batches.some((batch) => batch.finished_at === null);
    if (batches.length) fill(list, batches.map(cardOf));
    else {
      fill(list, h("li", { class: "card nothing" }, h("p", { class: "lead" }, "There are no batches yet."),
        h("p", {}, "Choose several clips at once to make one, or send a folder with ", h("code", {}, "avemotion score"), "."),
        h("p", {}, h("a", { class: "button main", href: "#/" }, "Choose clips"))));
    }
    fill(pages, cursor && h("a", { class: "button", href: "#/batches" }, "Newest"),
      next && h("a", { class: "button", href: address("/batches", { cursor: next }) }, "Older"));
  }

  return { destroy: following.stop };
}

function cardOf(batch) {
  return h("li", { class: "card batch-card" },
    h("a", { class: "batch-link", href: `#/batches/${batch.batch_id}` }, h("span", { class: "cut" }, batch.name ?? "Batch without a name")),
    h("p", { class: "quiet" }, h("time", { dateTime: batch.created_at, title: moment(batch.created_at) }, ago(batch.created_at)),
      ` · ${plural(batch.counts.total, "job")} · ${percent(batch.progress)}`),
    countsBar(batch.counts));
}

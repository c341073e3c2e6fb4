// All jobs of the caller, a page at a time: however many there are, the document stays small.

import { ask, confirm } from "../dialogs.js";
import { button, fill, h } from "../dom.js";
import { sentenceOf } from "../errors.js";
import { forgetName } from "../names.js";
import { go } from "../router.js";
import { jobListOf } from "./job-list.js";
import { WORDS } from "./status.js";

const WORD = "delete everything";

/** Show the history. */
export function mount(element, { api, tell, query }) {
  const status = query.get("status");
  const filter = h("select", { class: "field", id: "status", on: { change: () => go("/history", { status: filter.value }) } },
    h("option", { value: "" }, "All"),
    Object.entries(WORDS).map(([name, { word }]) => h("option", { value: name, selected: name === status }, word)));
  const list = jobListOf({ api, tell, query, path: "/history", search: { status }, choose: true, empty: emptyOf(status) });
  const trouble = h("p", { class: "banner bad", role: "alert", hidden: true });
  element.append(
    h("header", { class: "list-head" }, h("h1", {}, "History"),
      h("p", { class: "labelled inline" }, h("label", { for: "status" }, "Show"), filter)),
    trouble,
    list.element,
    h("section", { class: "erase", "aria-label": "Delete everything" },
      button("Delete everything…", () => eraseAll(api, tell, trouble, list), { icon: "trash", class: "quiet" }),
      h("p", { class: "quiet" }, "All your jobs and batches, their clips and their results.")),
  );
  return { destroy: list.destroy };
}

function emptyOf(status) {
  return [
    h("p", { class: "lead" }, status ? "No job is in this state." : "Nothing has been scored yet."),
    h("p", {}, h("a", { class: "button main", href: "#/" }, "Score a clip")),
  ];
}

async function eraseAll(api, tell, trouble, list) {
  const sure = await confirm({
    title: "Delete everything?",
    body: ["Every job and batch of yours is erased, with all clips and results. Work that is going on is stopped. This cannot be undone."],
    yes: "Go on",
    grave: true,
  });
  if (!sure) return;
  const input = h("input", { class: "field", type: "text", id: "erase-word", autocomplete: "off", spellcheck: false });
  const typed = await ask({
    title: "Are you sure?",
    body: [h("label", { for: "erase-word" }, "Type ", h("strong", {}, WORD), " to erase all of it.")],
    yes: "Delete everything",
    grave: true,
    input,
    fits: (value) => value.trim().toLowerCase() === WORD,
  });
  if (typed === null) return;
  try {
    await api.delete("/jobs?all=true");
    forgetName();
    tell("Everything is deleted.");
    trouble.hidden = true;
    list.reload();
  } catch (error) {
    trouble.hidden = false;
    fill(trouble, `${sentenceOf(error)} Some of it may be left: try again.`);
  }
}

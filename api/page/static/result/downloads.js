// The files of a job, to save.

import { button, fill, h } from "../dom.js";
import { sentenceOf } from "../errors.js";

const NAMES = {
  "result.json": "Result (JSON)",
  "timeline.csv": "Windows (CSV)",
  "faces.csv": "Face table (CSV)",
};

/** Show what can be saved in `element`. */
export function mountDownloads(element, { api }) {
  const note = h("p", { class: "note", role: "status" });
  const row = h("div", { class: "tools" });
  fill(element, h("h2", {}, "Save"), row, note);
  return {
    /** Take the artifacts that are there. */
    list(job, artifacts) {
      const tables = artifacts.filter((artifact) => artifact.segment === null);
      element.hidden = tables.length === 0;
      fill(
        row,
        tables.map((artifact) =>
          button(
            NAMES[artifact.name] ?? artifact.name,
            async () => {
              note.textContent = "";
              try {
                await api.save(artifact.href, `${job.job_id}-${artifact.name}`);
              } catch (error) {
                note.textContent = sentenceOf(error);
              }
            },
            { icon: "download" },
          ),
        ),
      );
    },
    destroy() {},
  };
}

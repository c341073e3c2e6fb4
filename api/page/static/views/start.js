// Where it begins: choose or record clips, say how, send them.

import { h } from "../dom.js";
import { chooserOf } from "../sending/chooser.js";
import { go } from "../router.js";
import { noticeOf } from "./notice.js";
import { optionsOf } from "./options.js";
import { recentOf } from "./recent.js";

/** Show the start. */
export function mount(element, { api, facts, sending, tell }) {
  const options = optionsOf(api, facts);
  const chooser = chooserOf({ facts, tell, start });
  const recent = recentOf(api);
  element.append(
    h("header", { class: "intro" },
      h("h1", {}, "Score a clip"),
      h("p", { class: "lead" }, "Face and voice in, emotion categories, valence and arousal out.")),
    h("div", { class: "start" },
      h("div", { class: "stack" }, chooser.element, options.element, noticeOf(facts)),
      recent.element),
  );
  let left = false;

  async function start({ files, voice, batchName }) {
    const wanted = options.read();
    if (wanted === null) return; // It says itself what is wrong.
    chooser.clear();
    if (files.length > 1) {
      const { max_upload_bytes: limitBytes, chunk_jobs: chunkJobs } = await facts;
      await sending.startBatch(files.map(({ file }) => file), { name: batchName, options: wanted, limitBytes, chunkJobs },
        (batchId) => left || go(`/batches/${batchId}`));
      return;
    }
    const [{ file, kind }] = files;
    const jobId = await sending.startJob({ [kind]: file, ...(voice && { audio: voice }) }, wanted);
    if (jobId !== null && !left) go(`/jobs/${jobId}`);
  }

  return {
    destroy() {
      left = true;
      chooser.destroy();
      recent.destroy();
    },
  };
}

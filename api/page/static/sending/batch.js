// Many files as one batch: a few uploads at a time, jobs added as they come in, one bad file never stops the rest.

import { ApiError, sentenceOf } from "../errors.js";
import { faultOf, kindOf, namesOf } from "./kinds.js";
import { patiently, upload } from "./upload.js";

const AT_A_TIME = 2;
// So that workers begin while the rest is still on its way.
const CHUNK_JOBS = 20;
// A full queue or a server that is started anew may take its time.
const TRIES = 12;

/**
 * Make a batch of files, and close it.
 *
 * @param {import("../client.js").Client} api
 * @param {File[]} files
 * @param {object} more
 * @returns {Promise<string>} The batch's id.
 * @throws {Error} Cancelled, or nothing can be sent any more; what was taken until then is in the batch.
 */
export async function sendBatch(api, files, more) {
  const { name, options, limitBytes, signal, wait, begun, progress, refuse } = more;
  const patience = { signal, wait, tries: TRIES };
  const { batch_id: batchId } = await patiently(() => api.post("/batches", { name }, { signal }), patience);
  begun(batchId);
  const references = namesOf(files);
  const sent = files.map(() => 0);
  const report = () => progress(sent.reduce((total, each) => total + each, 0));
  const ready = [];
  let next = 0;

  async function flush() {
    const jobs = ready.splice(0, CHUNK_JOBS);
    if (!jobs.length) return;
    try {
      await patiently(() => api.post(`/batches/${batchId}/jobs`, { jobs }, { signal }), patience);
    } catch (error) {
      if (signal.aborted || !(error instanceof ApiError)) throw error;
      for (const job of jobs) refuse(job.reference, sentenceOf(error));
    }
  }

  async function work() {
    while (next < files.length) {
      const index = next;
      next += 1;
      const file = files[index];
      const fault = faultOf(file, limitBytes);
      const kind = kindOf(file);
      try {
        if (fault) throw new ApiError({ code: "not_sent", status: 400, detail: fault });
        const step = (share) => {
          sent[index] = share * file.size;
          report();
        };
        const { id } = await upload(api, file, kind, { signal, progress: step, wait });
        ready.push({ ...options, [`${kind}_id`]: id, reference: references[index] });
      } catch (error) {
        if (signal.aborted || error.status === 401) throw error;
        refuse(references[index], sentenceOf(error));
      }
      sent[index] = file.size;
      report();
      if (ready.length >= CHUNK_JOBS) await flush();
    }
  }

  try {
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    while (ready.length) await flush();
  } finally {
    // Without a signal: also what was cancelled half-way must be able to end.
    await patiently(() => api.post(`/batches/${batchId}/close`), { signal: new AbortController().signal });
  }
  return batchId;
}

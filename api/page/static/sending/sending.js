// All uploads of this tab. They belong to no view: a person may look at something else meanwhile.

import { sentenceOf } from "../errors.js";
import { keepName } from "../names.js";
import { sendBatch } from "./batch.js";
import { upload, patiently } from "./upload.js";

/**
 * One job or batch on its way.
 *
 * @typedef {object} Order
 * @property {string} name
 * @property {"sending"|"waiting"|"done"|"failed"|"cancelled"} state
 * @property {number} share Of the bytes, 0 to 1.
 * @property {number} sizeBytes
 * @property {string} note A sentence: what went wrong, or what is waited for.
 * @property {{name: string, note: string}[]} faults Files of a batch that could not be taken.
 * @property {string|null} target Address in the page, once the server has the job or batch.
 * @property {() => void} cancel
 */

export class Sending extends EventTarget {
  /** @type {Order[]} */
  orders = [];
  #api;
  #files = new Map();

  constructor(api) {
    super();
    this.#api = api;
    window.addEventListener("beforeunload", (event) => {
      if (this.busy) event.preventDefault();
    });
  }

  /** Whether closing the tab would break something off. */
  get busy() {
    return this.orders.some((order) => order.state === "sending" || order.state === "waiting");
  }

  /** Return the files of a job that this very tab has sent. */
  filesOf(jobId) {
    return this.#files.get(jobId) ?? {};
  }

  /**
   * Send the files of one job and start it.
   *
   * @param {{video?: File, audio?: File}} files
   * @param {object} options The other fields of POST /predict.
   * @returns {Promise<string|null>} The job's id; `null` if it came to nothing, which its order says.
   */
  async startJob(files, options) {
    const entries = Object.entries(files).filter(([, file]) => file);
    const order = this.#order((files.video ?? files.audio).name, sum(entries.map(([, file]) => file.size)));
    // The same key each time: an answer that got lost must not make a second job.
    const headers = { "Idempotency-Key": `page-${crypto.getRandomValues(new BigUint64Array(2)).join("-")}` };
    return this.#run(order, async (signal, wait) => {
      const body = { ...options };
      const shares = new Map();
      for (const [kind, file] of entries) {
        const progress = (share) => {
          shares.set(kind, share * file.size);
          this.#change(order, { share: sum([...shares.values()]) / Math.max(1, order.sizeBytes), state: "sending", note: "" });
        };
        body[`${kind}_id`] = (await upload(this.#api, file, kind, { signal, progress, wait })).id;
      }
      const post = () => this.#api.post("/predict", body, { headers, signal });
      const job = await patiently(post, { signal, wait });
      keepName(job.job_id, order.name);
      this.#files.set(job.job_id, files);
      order.target = `/jobs/${job.job_id}`;
      return job.job_id;
    });
  }

  /**
   * Send many files as the jobs of a new batch.
   *
   * @param {File[]} files
   * @param {{name: string|null, options: object, limitBytes: number, chunkJobs: number}} more
   * @param {(batchId: string) => void} begun Called once the server has the batch, which is still empty then.
   * @returns {Promise<string|null>} The batch's id; `null` if it came to nothing.
   */
  async startBatch(files, more, begun) {
    const order = this.#order(more.name || `${files.length} clips`, sum(files.map((file) => file.size)));
    return this.#run(order, (signal, wait) =>
      sendBatch(this.#api, files, {
        ...more,
        signal,
        wait,
        begun: (batchId) => {
          this.#change(order, { target: `/batches/${batchId}` });
          begun(batchId);
        },
        progress: (sentBytes) =>
          this.#change(order, { share: sentBytes / Math.max(1, order.sizeBytes), state: "sending", note: "" }),
        refuse: (name, note) => {
          order.faults.push({ name, note });
          this.#change(order, {});
        },
      }),
    );
  }

  /** Take an ended order off the list. */
  forget(order) {
    this.orders = this.orders.filter((each) => each !== order);
    this.#change(order, {});
  }

  #order(name, sizeBytes) {
    const control = new AbortController();
    const order = { name, sizeBytes, state: "sending", share: 0, note: "", faults: [], target: null, control };
    order.cancel = () => control.abort();
    this.orders = [...this.orders, order];
    this.#change(order, {});
    return order;
  }

  async #run(order, work) {
    const { signal } = order.control;
    const wait = (error) => this.#change(order, { state: "waiting", note: `${sentenceOf(error)} Trying again…` });
    try {
      const id = await work(signal, wait);
      this.#change(order, { state: "done", share: 1, note: "" });
      return id;
    } catch (error) {
      if (signal.aborted) this.#change(order, { state: "cancelled", note: "Cancelled. Nothing more was sent." });
      else this.#change(order, { state: "failed", note: sentenceOf(error), error });
      return null;
    }
  }

  #change(order, values) {
    Object.assign(order, values);
    this.dispatchEvent(new Event("change"));
  }
}

function sum(numbers) {
  return numbers.reduce((total, each) => total + each, 0);
}

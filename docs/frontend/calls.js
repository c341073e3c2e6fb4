/** The other calls of a page. What they throw has the members of the API's problem document: `code`, …. */

/** @typedef {import("./avemotion").components["schemas"]} Schemas */
/** @typedef {{ authorization?: string, signal?: AbortSignal }} More */

/**
 * Upload a file and tell how much of it has been sent, from 0 to 1: XMLHttpRequest can, fetch cannot.
 * @param {string} url `…/upload/video` or `…/upload/audio`.
 * @param {Blob} file
 * @param {More & { onProgress?: (share: number) => void }} [more]
 * @returns {Promise<Schemas["UploadDocument"]>}
 */
export function upload(url, file, { authorization, signal, onProgress } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    if (authorization) request.setRequestHeader("Authorization", authorization);
    request.upload.onprogress = (event) => onProgress?.(event.loaded / event.total);
    request.onload = () => {
      const body = JSON.parse(request.responseText);
      if (request.status < 300) resolve(body);
      else reject(Object.assign(new Error(body.detail), body));
    };
    request.onerror = () => reject(new Error("The server cannot be reached."));
    request.onabort = () => reject(signal?.reason);
    signal?.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/**
 * Start a job. Sent again with the same `key`, as after a lost answer, it is the same job.
 * @param {string} url `…/predict`.
 * @param {Schemas["JobRequest"]} body
 * @param {More & { key?: string }} [more]
 * @returns {Promise<Schemas["JobDocument"]>}
 */
export function predict(url, body, { key, ...more } = {}) {
  const type = { "Content-Type": "application/json" };
  return post(url, JSON.stringify(body), key ? { ...type, "Idempotency-Key": key } : type, more);
}

/**
 * Cancel a job; its workers notice within seconds.
 * @param {string} url `…/jobs/{id}/cancel`.
 * @param {More} [more]
 * @returns {Promise<Schemas["JobDocument"]>}
 */
export function cancel(url, more = {}) {
  return post(url, null, {}, more);
}

/** @type {(url: string, body: string | null, headers: Record<string, string>, more: More) => Promise<any>} */
async function post(url, body, headers, { authorization, signal }) {
  const sent = authorization ? { ...headers, Authorization: authorization } : headers;
  const reply = await fetch(url, { method: "POST", body, headers: sent, signal });
  const document = await reply.json();
  if (!reply.ok) throw Object.assign(new Error(document.detail), document);
  return document;
}

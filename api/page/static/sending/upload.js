// One file on its way. XMLHttpRequest, because fetch tells nothing of how far an upload is. The browser reads the file
// from the disk as it sends: its size does not matter to the page's memory.

import { ApiError, errorOf } from "../errors.js";

const TRIES = 5;
const FIRST_PAUSE_MS = 1000;

/**
 * Send a file and return the upload's document. Tried again a few times while the server is away.
 *
 * @param {import("../client.js").Client} api
 * @param {File} file
 * @param {"video"|"audio"} kind
 * @param {{signal: AbortSignal, progress: (share: number) => void, wait?: (error: ApiError) => void}} more
 * @returns {Promise<{id: string}>}
 */
export function upload(api, file, kind, { signal, progress, wait = () => {} }) {
  return patiently(() => send(api, `/upload/${kind}`, file, signal, progress), { signal, wait });
}

/**
 * Do something, and do it again after a pause while the server is away or overloaded.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @param {{signal: AbortSignal, wait?: (error: ApiError) => void, tries?: number}} more
 * @returns {Promise<T>}
 */
export async function patiently(work, { signal, wait = () => {}, tries = TRIES }) {
  for (let turn = 1; ; turn += 1) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || !(error instanceof ApiError) || !error.mayPass || turn === tries) throw error;
      wait(error);
      await pause(Math.max((error.retryAfterS ?? 0) * 1000, FIRST_PAUSE_MS * 2 ** (turn - 1)), signal);
    }
  }
}

function send(api, path, file, signal, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const done = (settle, value) => {
      signal.removeEventListener("abort", abort);
      settle(value);
    };
    request.open("POST", api.url(path));
    for (const [name, value] of Object.entries(api.headers())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => progress(event.loaded / Math.max(1, file.size)));
    request.addEventListener("load", () => {
      if (request.status === 200 || request.status === 201) {
        progress(1);
        done(resolve, JSON.parse(request.responseText));
      } else {
        const retryAfter = request.getResponseHeader("Retry-After");
        done(reject, api.refuse(errorOf(request.status, request.responseText, retryAfter)));
      }
    });
    request.addEventListener("error", () => done(reject, ApiError.unreachable()));
    request.addEventListener("abort", () => done(reject, new DOMException("cancelled", "AbortError")));
    if (signal.aborted) {
      done(reject, new DOMException("cancelled", "AbortError"));
      return;
    }
    signal.addEventListener("abort", abort);
    request.send(file);
  });
}

function pause(durationMs, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("cancelled", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, durationMs);
    signal.addEventListener("abort", stop, { once: true });
  });
}

// The API as the page calls it. The view of a result gets `api`, an object of this class:
//
//   import { mountResult } from "./result/view.js";
//   const view = mountResult(element, { job, api, files });
//   view.update(job);      // each time the document has changed, also while windows come in
//   view.destroy();        // before the element leaves the page
//
// `job` is the document of GET /jobs/{id}. `files` is {video?: File, audio?: File} if this very tab has sent them,
// or {}. `api.fetch(path, init)` adds the key and throws an ApiError for a problem; `api.json(path)` reads the body
// too; `api.blobUrl(path)` gives a `blob:` address for <img> or <video>, which cannot send a key: give it back with
// URL.revokeObjectURL; `api.save(path, name)` offers a file; `api.script("plotly.min.js")` loads a classic script of the
// page's folder once. Text goes into the page through dom.js. The policy of the page allows no inline style
// attribute and no <style>: set `element.style.x` from a script, or a class.

import { ApiError, problemOf } from "./errors.js";
import { saveResponse } from "./saving.js";

const KEY_NAME = "avemotion-key";
const UNAUTHORIZED = 401;

export class Client extends EventTarget {
  #scripts = new Map();

  /** Tell whether a key is kept in this tab. */
  get hasKey() {
    return sessionStorage.getItem(KEY_NAME) !== null;
  }

  /** Keep a key until the tab is closed; `null` forgets it. Says `key` to listeners. */
  setKey(key) {
    if (key === null) sessionStorage.removeItem(KEY_NAME);
    else sessionStorage.setItem(KEY_NAME, key);
    this.dispatchEvent(new Event("key"));
  }

  /** Return the headers that say who asks. */
  headers() {
    const key = sessionStorage.getItem(KEY_NAME);
    return key === null ? {} : { Authorization: `Bearer ${key}` };
  }

  /**
   * Return the address of a path of the API.
   *
   * @param {string} path
   */
  url(path) {
    return new URL(path, document.location.origin).href;
  }

  /**
   * Ask the API.
   *
   * @param {string} path
   * @param {RequestInit} [init]
   * @returns {Promise<Response>} A success, or 304.
   * @throws {ApiError} A problem, or no answer at all (`code` is then `unreachable`).
   */
  async fetch(path, init = {}) {
    let response;
    try {
      // Conditional requests are made by hand: the browser's cache must not answer them.
      response = await fetch(this.url(path), {
        cache: "no-store",
        credentials: "omit",
        ...init,
        headers: { ...this.headers(), ...init.headers },
      });
    } catch (error) {
      // Called off by us; one that took too long has not been answered.
      if (init.signal?.aborted && init.signal.reason?.name !== "TimeoutError") throw error;
      throw ApiError.unreachable();
    }
    if (response.ok || response.status === 304) return response;
    throw this.refuse(await problemOf(response));
  }

  /** Return the JSON of an answer. */
  async json(path, init = {}) {
    return (await this.fetch(path, init)).json();
  }

  /** Send JSON and return the JSON of the answer. */
  async post(path, body, init = {}) {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    return this.json(path, { method: "POST", ...sent, ...init, headers: { ...headers, ...init.headers } });
  }

  /** Delete what stands at a path. */
  async delete(path) {
    await this.fetch(path, { method: "DELETE" });
  }

  /** Return a `blob:` address of a file of the API. */
  async blobUrl(path, init = {}) {
    return URL.createObjectURL(await (await this.fetch(path, init)).blob());
  }

  /**
   * Let the person save a file of the API.
   *
   * @param {string} path
   * @param {string} name
   * @param {{large?: boolean}} [more] A large file is written as it comes, where the browser can do that.
   */
  async save(path, name, more = {}) {
    await saveResponse(() => this.fetch(path), name, more);
  }

  /** Load a script that is no module from the page's own folder, once. */
  script(name) {
    if (!this.#scripts.has(name)) {
      const loading = new Promise((resolve, reject) => {
        const element = document.createElement("script");
        element.src = new URL(`./${name}`, import.meta.url).href;
        element.addEventListener("load", () => resolve());
        element.addEventListener("error", () => {
          this.#scripts.delete(name);
          element.remove();
          reject(ApiError.unreachable());
        });
        document.head.append(element);
      });
      this.#scripts.set(name, loading);
    }
    return this.#scripts.get(name);
  }

  /** Tell listeners that a key is asked for, if that is what an error says; return the error. */
  refuse(error) {
    if (error.status === UNAUTHORIZED) this.dispatchEvent(new Event("unauthorized"));
    return error;
  }
}

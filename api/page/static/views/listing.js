// Following a page of a list on the server: what is shown changes only where the server's answer has.

import { poll } from "../polling.js";

/**
 * Follow a page of a list until `stop` is called.
 *
 * @param {object} what
 * @param {import("../client.js").Client} what.api
 * @param {string} what.path Of the list in the API.
 * @param {Object<string, string|number|null>} what.search Which part of it: the query; `null` is left out.
 * @param {ReturnType<import("./trouble.js").troubleOf>} what.trouble Says why there is no answer.
 * @param {(page: object) => void} what.show Called for each page that differs from the one before.
 * @param {() => number} what.pauseS Seconds until the next time.
 * @returns {{stop: () => void, wake: () => void}}
 */
export function followList({ api, path, search, trouble, show, pauseS }) {
  const query = new URLSearchParams(Object.entries(search).filter(([, value]) => value !== null));
  let drawn = "";
  return poll({
    ask: (init) => api.fetch(`${path}?${query}`, init),
    show: async (response) => {
      const text = await response.text();
      // Drawn anew only if something changed: nobody's focus or choice is lost for nothing.
      if (text !== drawn) {
        drawn = text;
        show(JSON.parse(text));
      }
      return false;
    },
    fail: (error) => {
      trouble.complain(error);
      return error.mayPass;
    },
    recover: trouble.hide,
    pauseS,
  });
}

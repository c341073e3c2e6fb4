// Following something on the server as a good client does: it asks as often as the server says, gives the ETag back,
// waits longer and longer while nothing answers, hardly asks in a tab that nobody sees, and at once when it is seen.

const DEFAULT_MS = 1000;
const LEAST_MS = 250;
const HIDDEN_MS = 30_000;
const FIRST_BACKOFF_MS = 1000;
const LONGEST_BACKOFF_MS = 30_000;
// After a sleep or a change of network a request may hang for minutes before anybody notices.
const LONGEST_REQUEST_MS = 20_000;

/**
 * Return how long to wait before asking again.
 *
 * @param {{retryAfterS?: number|null, failures?: number, hidden?: boolean}} state
 * @param {() => number} [random] 0 to 1; it keeps many clients from asking in step.
 * @returns {number} Milliseconds.
 */
export function delayMs({ retryAfterS = null, failures = 0, hidden = false }, random = Math.random) {
  let delay = retryAfterS === null ? DEFAULT_MS : Math.max(LEAST_MS, retryAfterS * 1000);
  if (failures > 0) {
    const backoff = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1));
    delay = Math.max(delay, backoff * (0.5 + random() / 2));
  }
  return hidden ? Math.max(delay, HIDDEN_MS) : delay;
}

/**
 * Follow something until it has ended or `stop` is called.
 *
 * @param {object} what
 * @param {(init: {headers: Object<string, string>, signal: AbortSignal}) => Promise<Response>} what.ask
 * @param {(response: Response) => Promise<boolean>} what.show Called for each new answer; true if it was the last.
 * @param {(error: Error, failures: number) => boolean} what.fail Called for each failure in a row; false gives up.
 * @param {(failures: number) => void} [what.recover] Called when an answer came after failures.
 * @param {() => number|null} [what.pauseS] Seconds until the next time where the server does not say; `null` leaves that to us.
 * @returns {{stop: () => void, wake: () => void}}
 */
export function poll({ ask, show, fail, recover = () => {}, pauseS = () => null }) {
  const control = new AbortController();
  let tag = null;
  let failures = 0;
  let timer = null;
  let asking = false;
  let again = false;

  async function round() {
    asking = true;
    again = false;
    let retryAfterS = null;
    try {
      const headers = tag === null ? {} : { "If-None-Match": tag };
      const signal = AbortSignal.any([control.signal, AbortSignal.timeout(LONGEST_REQUEST_MS)]);
      const response = await ask({ headers, signal });
      if (failures) recover(failures);
      failures = 0;
      const asked = Number.parseFloat(response.headers.get("Retry-After") ?? "");
      retryAfterS = Number.isNaN(asked) ? null : asked;
      if (response.status !== 304) {
        tag = response.headers.get("ETag");
        if (await show(response)) return stop();
      }
      retryAfterS ??= pauseS();
    } catch (error) {
      if (control.signal.aborted) return;
      failures += 1;
      retryAfterS = error.retryAfterS ?? null;
      if (!fail(error, failures)) return stop();
    } finally {
      asking = false;
    }
    if (control.signal.aborted) return;
    const pause = again ? 0 : delayMs({ retryAfterS, failures, hidden: document.hidden });
    timer = setTimeout(round, pause);
  }

  function wake() {
    if (control.signal.aborted) return;
    again = true;
    if (asking) return;
    clearTimeout(timer);
    round();
  }

  function seen() {
    if (!document.hidden) wake();
  }

  function stop() {
    control.abort();
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
    window.removeEventListener("online", wake);
  }

  document.addEventListener("visibilitychange", seen);
  window.addEventListener("online", wake);
  round();
  return { stop, wake };
}

import { useEffect, useState } from "react";

/** @typedef {import("./avemotion").components["schemas"]["JobDocument"]} Job */
/** @typedef {{ url: string | null, job: Job | null, error: (Error & { code?: string }) | null }} Seen */
const NOTHING = /** @type {Seen} */ ({ url: null, job: null, error: null });

/** Follow the job at `url` (null: none) until it ends: `job` as it is known, `error` if it cannot be renewed.
 * @param {string | null} url @param {string} [authorization] @returns {Seen} */
export function useJob(url, authorization) {
  const [seen, setSeen] = useState(NOTHING);
  useEffect(() => {
    const stop = new AbortController();
    if (url) follow(url, authorization, stop.signal, (news) =>
      setSeen((old) => ({ ...(old.url === url ? old : NOTHING), url, ...news })));
    return () => stop.abort();
  }, [url, authorization]);
  return seen.url === url ? seen : NOTHING;
}

/** @type {(url: string, key: any, stop: AbortSignal, tell: (it: Partial<Seen>) => void) => Promise<void>} */
const follow = async (url, key, stop, tell) => {
  const headers = new Headers(key ? { Authorization: key } : {});
  for (let failed = 0, pause = 1; !stop.aborted; await new Promise((go) => setTimeout(go, pause * 1000))) {
    if (document.hidden) await new Promise((on) => addEventListener("visibilitychange", on, { once: true }));
    try {
      const reply = await fetch(url, { headers, signal: stop });
      const body = reply.status === 304 ? null : await reply.json();
      pause = Number(reply.headers.get("Retry-After")) || 1;
      if (body && !reply.ok) throw Object.assign(new Error(body.detail), body, { final: reply.status < 500 && reply.status !== 429 });
      if (body) headers.set("If-None-Match", reply.headers.get("ETag") ?? "");
      if (body || failed) tell(body ? { job: body, error: null } : { error: null });
      if (["succeeded", "failed", "cancelled"].includes(body?.status)) return;
      failed = 0;
    } catch (/** @type {any} */ error) {
      if (!stop.aborted) tell({ error });
      if (error.final || stop.aborted) return;
      pause = Math.max(pause, Math.min(30, 2 ** ++failed) * (0.5 + Math.random() / 2));
    }
  }
};

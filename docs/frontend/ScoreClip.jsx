import { useRef, useState } from "react";
import { cancel, predict, upload } from "./calls.js";
import { useJob } from "./useJob.js";

/**
 * Pick a clip, watch it being scored, read the result.
 * @param {{ api: string, authorization?: string }} props Where the API is, and a key if no proxy adds it.
 */
export function ScoreClip({ api, authorization }) {
  const [url, setUrl] = useState(/** @type {string | null} */ (null));
  const [sent, setSent] = useState(/** @type {number | null} */ (null));
  const [refused, setRefused] = useState(/** @type {Error | null} */ (null));
  const sending = useRef(/** @type {AbortController | null} */ (null));
  const { job, error } = useJob(url, authorization);

  /** @param {File} file */
  async function score(file) {
    sending.current?.abort();
    sending.current = new AbortController();
    const more = { authorization, signal: sending.current.signal };
    setUrl(null);
    setRefused(null);
    setSent(0);
    try {
      const stored = await upload(`${api}/upload/video`, file, { ...more, onProgress: setSent });
      const made = await predict(`${api}/predict`, { video_id: stored.id }, more);
      setUrl(`${api}/jobs/${made.job_id}`);
    } catch (/** @type {any} */ problem) {
      if (problem.name !== "AbortError") setRefused(problem);
    }
    setSent(null);
  }

  function stop() {
    sending.current?.abort();
    if (url) cancel(`${url}/cancel`, { authorization }).catch(setRefused);
  }

  const busy = sent !== null || (url !== null && !job?.finished_at);
  const wrong = refused ?? error ?? job?.error;
  return (
    <section aria-busy={busy}>
      <input type="file" aria-label="Clip" accept="video/*"
        onChange={(event) => event.target.files?.[0] && score(event.target.files[0])} />
      {busy && <progress aria-label={sent === null ? "Scored" : "Uploaded"} value={sent ?? job?.progress} />}
      {busy && <button onClick={stop}>Cancel</button>}
      <p role="status">{job && (job.stage ?? job.status)}</p>
      {wrong && <p role="alert">{wrong.message}</p>}
      {job?.summary && <p>{job.summary.emotion}: {Math.round(100 * job.summary.confidence)} %</p>}
      {job?.warnings.map((each) => <p key={each.code}>{each.message}</p>)}
    </section>
  );
}

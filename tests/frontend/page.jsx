// The page that the tests open: the hook and the component of docs/frontend, in the real React.
import { StrictMode, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { ScoreClip } from "../../docs/frontend/ScoreClip.jsx";
import { useJob } from "../../docs/frontend/useJob.js";

window.seen = [];

function Watch({ url, authorization }) {
  const { job, error } = useJob(url, authorization);
  useEffect(() => {
    window.seen.push({ status: job?.status ?? null, error: error && (error.code ?? error.name), windows: job?.windows.length });
  }, [job, error]);
  return <output>{job?.status ?? "nothing"}</output>;
}

const root = createRoot(document.querySelector("main"));

/** Show `<Watch>` or `<ScoreClip>` with these properties; nothing without any. */
window.show = (what, props) => {
  const Component = { Watch, ScoreClip }[what];
  root.render(Component ? <StrictMode><Component {...props} /></StrictMode> : null);
};

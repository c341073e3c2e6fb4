// The result of a job, as far as there is one: what was found, the clip with all that moves with it, and the files.

import { fill, h } from "../dom.js";
import { mountAffect } from "./affect.js";
import { mountAlerts } from "./alerts.js";
import { mountDownloads } from "./downloads.js";
import { mountFace } from "./face/panel.js";
import { mountFailure } from "./failure.js";
import { mountMoment } from "./moment.js";
import { mountPictures } from "./pictures.js";
import { mountPlayer } from "./player.js";
import { Playhead } from "./playhead.js";
import { sheet } from "./plots.js";
import { mountProvenance } from "./provenance.js";
import { hasScores } from "./spans.js";
import { mountTimeline } from "./timeline.js";
import { mountVerdict } from "./verdict.js";
import { mountWarnings } from "./warnings.js";
import { mountWindows } from "./windows.js";

/**
 * Show a job's result in `element`.
 *
 * @param {HTMLElement} element
 * @param {{job: object, api: object, files?: {video?: File, audio?: File}}} context `job` is the document of
 *   `GET /jobs/{id}`, `files` what this tab has sent for it.
 * @returns {{update: (job: object) => void, destroy: () => void}}
 */
export function mountResult(element, { job, api, files = {} }) {
  const playhead = new Playhead(job.media?.duration_s ?? 0);
  const context = { job, api, playhead, files };
  const panel = (name, label) => h("section", { class: `panel ${name}`, "aria-label": label });
  const places = {
    failure: panel("failure", "Why there is no result"),
    verdict: panel("verdict", "Verdict"),
    warnings: panel("warnings", "Warnings"),
    player: panel("clip", "Clip"),
    moment: h("div", { class: "moment" }),
    timeline: panel("timeline", "Over time"),
    alerts: panel("alerts", "Alerts"),
    affect: panel("affect-plane", "Valence and arousal"),
    provenance: panel("provenance", "What made this"),
    face: panel("face", "Face"),
    pictures: panel("seen", "What the model was given"),
    windows: panel("numbers", "Numbers"),
    downloads: panel("downloads", "Files"),
  };
  const root = h(
    "div",
    { class: "findings", hidden: true },
    places.failure,
    places.verdict,
    places.warnings,
    h(
      "div",
      { class: "desk" },
      h("div", { class: "left" }, h("div", { class: "sticky" }, places.player)),
      h(
        "div",
        { class: "right" },
        places.timeline,
        places.alerts,
        h("div", { class: "pair" }, places.affect, places.provenance),
        places.face,
        places.pictures,
        places.windows,
        places.downloads,
      ),
    ),
  );
  fill(element, root);
  sheet("result.css").then(() => {
    root.hidden = false;
  });

  const downloads = mountDownloads(places.downloads, context);
  const pictures = mountPictures(places.pictures, context);
  const mounted = [
    mountFailure(places.failure),
    mountVerdict(places.verdict),
    mountWarnings(places.warnings),
    mountAlerts(places.alerts, context),
    mountProvenance(places.provenance, context),
    mountWindows(places.windows, context),
    pictures,
    downloads,
  ];
  let moving = null;
  let told = null;
  let gone = false;

  /** The clip and the plots need its length, which is known once it has been looked into. */
  function begin(next) {
    if (moving || !next.media) return;
    playhead.duration = next.media.duration_s;
    const player = mountPlayer(places.player, { ...context, job: next });
    places.player.append(places.moment);
    moving = [
      player,
      mountMoment(places.moment, context),
      mountTimeline(places.timeline, context),
      mountAffect(places.affect, context),
      mountFace(places.face, { ...context, job: next, player }),
    ];
  }

  /** Ask which files are there when that may have changed. */
  async function listFiles(next) {
    const state = `${next.status} ${next.segments.done} ${next.attempt}`;
    if (state === told) return;
    told = state;
    let artifacts = [];
    try {
      ({ artifacts } = await api.json(`/jobs/${next.job_id}/artifacts`));
    } catch {
      told = null; // The next change asks again; what is shown does not depend on it.
      return;
    }
    if (gone) return;
    for (const each of [...mounted, ...(moving ?? [])]) each.list?.(next, artifacts);
  }

  function update(next) {
    begin(next);
    for (const name of ["timeline", "affect"]) places[name].hidden = !hasScores(next);
    places.player.hidden = !next.media;
    for (const each of [...mounted, ...(moving ?? [])]) each.update?.(next);
    listFiles(next);
  }

  for (const name of ["pictures", "downloads", "face"]) places[name].hidden = true;
  update(job);
  return {
    update,
    destroy() {
      gone = true;
      for (const each of [...mounted, ...(moving ?? [])]) each.destroy();
      playhead.destroy();
      root.remove();
    },
  };
}

// The face: its track over the clip, and the curves of its action units, pose and gaze. The table behind it is
// large, so it is fetched when somebody looks.

import { button, fill, h, say } from "../../dom.js";
import { sentenceOf } from "../../errors.js";
import { bytes, count, percent } from "../../formats.js";
import { Plot } from "../plots.js";
import { Scrubber } from "../scrubber.js";
import { curvesFigure, frame } from "./curves.js";
import { FaceOverlay } from "./overlay.js";
import { isKnown, readFaces } from "./table.js";
import { UNITS } from "./units.js";

const ROW_BYTES = 900;
// A larger table is asked for first.
const AUTO_BYTES = 12e6;
const FIRST_CURVES = 4;
// Sides of the pictures of analyzers that did not tell them: the service's default.
const USUAL_SIDE_PX = 640;
const POOR_R = 0.5;

/** Show the face panel in `element`; it stays hidden until the table is there. */
export function mountFace(element, { api, playhead, job, player }) {
  let table = null;
  let chosen = [];
  let known = [];
  let begun = false;
  let overlay = null;
  const scrubber = new Scrubber(playhead);
  const range = () => [0, playhead.duration];
  const plot = new Plot(
    api,
    (width, colours) => table && curvesFigure(table, { chosen, range: range(), width, colours }),
    (width, unit) => {
      const size = frame(width, chosen.length, unit);
      scrubber.place({ left: size.margin.l, top: size.margin.t, width: size.width, height: size.inner }, range());
    },
  );
  const note = h("p", { class: "note", role: "status" });
  const body = h("div", {});
  fill(element, h("h2", {}, "Face"), note, body);
  const seen = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) load();
    },
    { rootMargin: "200px" },
  );

  async function load() {
    seen.disconnect();
    if (begun) return;
    begun = true;
    fill(body);
    try {
      const response = await api.fetch(`/jobs/${job.job_id}/artifacts/faces.csv`);
      table = await readFaces(response.body, job.analyzer.frames, {
        progress: (read) => say(note, `Reading the face table: ${bytes(read)}`),
      });
      show();
    } catch (error) {
      begun = false;
      say(note, sentenceOf(error));
      fill(body, button("Try again", load, { icon: "retry" }));
    }
  }

  function show() {
    known = Object.keys(UNITS).filter((unit) => isKnown(table, `${unit}_r`));
    const groups = ["pose", "gaze"].filter((name) => isKnown(table, name === "pose" ? "pose_Rx" : "gaze_angle_x"));
    say(note, told());
    if (known.length + groups.length === 0) return;
    chosen = [...strongest(), ...groups.slice(0, 1)];
    const absent = Object.keys(UNITS).filter((unit) => !known.includes(unit));
    fill(
      body,
      trackSwitch(),
      h("div", { class: "chips", role: "group", "aria-label": "Curves" }, [...known, ...groups].map(chip)),
      h(
        "figure",
        {},
        h("div", { class: "board" }, plot.element, scrubber.element),
        h(
          "figcaption",
          { class: "quiet" },
          "Action units from 0 (not seen) to 5 (as strong as can be); angles in degrees. " +
            "A gap is a time without a usable face. Pitch is positive with the nose down, yaw with the nose to the " +
            "left in the picture, gaze to the right and down." +
            (job.analyzer.reliability
              ? " r tells how well a unit follows OpenFace's on a recorded clip; 1 is perfectly."
              : ""),
        ),
      ),
      absent.length > 0 &&
        h(
          "p",
          { class: "absentees" },
          h("strong", {}, `Not estimated by ${job.analyzer.name}: `),
          absent.map((unit) => `${unit} (${UNITS[unit]})`).join(", "),
          ".",
        ),
    );
    plot.draw();
  }

  /** Return the units that rise highest. */
  function strongest() {
    const peak = (unit) => table.curves[`${unit}_r`].reduce((most, value) => (value > most ? value : most), 0);
    return [...known]
      .sort((one, other) => peak(other) - peak(one))
      .slice(0, FIRST_CURVES)
      .sort();
  }

  function chip(name) {
    const r = job.analyzer.reliability?.[`${name}_r`];
    const label = UNITS[name] ? `${name} ${UNITS[name]}` : { pose: "Head pose", gaze: "Gaze" }[name];
    const made = button(
      label,
      () => {
        const on = !chosen.includes(name);
        if (!on && chosen.length === 1) return;
        const order = [...Object.keys(UNITS), "pose", "gaze"];
        chosen = order.filter((each) => (each === name ? on : chosen.includes(each)));
        made.setAttribute("aria-pressed", String(on));
        plot.draw();
      },
      { class: "chip" },
    );
    if (r !== undefined)
      made.append(
        h(
          "small",
          { title: "Correlation with OpenFace's on a recorded clip" },
          ` r ${r.toFixed(2)}${r < POOR_R ? ", poor" : ""}`,
        ),
      );
    made.setAttribute("aria-pressed", String(chosen.includes(name)));
    return made;
  }

  function trackSwitch() {
    if (player.media.tagName !== "VIDEO") return null;
    overlay = new FaceOverlay(player.media, player.screen, playhead, pictureSize(job));
    overlay.use(table);
    const box = h("input", { type: "checkbox", checked: true, on: { change: () => overlay.show(box.checked) } });
    const text = h("span", {}, "Draw the face over the clip");
    const alone = () => {
      say(text, "Draw the face");
      overlay.standAlone();
    };
    if (player.media.hidden) alone();
    player.screen.addEventListener("refused", alone);
    return h("label", { class: "check" }, box, text);
  }

  function told() {
    const { frames, usable_frames: usable } = job.analyzer;
    const parts = [
      usable
        ? `A usable face in ${percent(usable / Math.max(1, frames))} of ${count(frames)} frames.`
        : "No usable face in any frame: there are no curves.",
    ];
    if (table.every > 1) parts.push(`Long clip: one frame in ${table.every} is shown here; the file has all.`);
    if (table.cut) parts.push("The table is very large: only its beginning was read; save the file for the rest.");
    return parts.join(" ");
  }

  return {
    list(next, artifacts) {
      job = next;
      if (!artifacts.some((each) => each.name === "faces.csv") || !job.analyzer || !element.hidden) return;
      element.hidden = false;
      const size = job.analyzer.frames * ROW_BYTES;
      if (size <= AUTO_BYTES) {
        seen.observe(element);
        return;
      }
      fill(body, button(`Load the face track (about ${bytes(size)})`, load, { icon: "film" }));
    },
    destroy() {
      seen.disconnect();
      scrubber.destroy();
      plot.destroy();
      overlay?.destroy();
    },
  };
}

/** Return the size of the pictures in whose pixels the landmarks are. */
function pictureSize({ analyzer, media }) {
  if (analyzer.width && analyzer.height) return { width: analyzer.width, height: analyzer.height };
  const scale = Math.min(1, USUAL_SIDE_PX / Math.max(media.width, media.height));
  return { width: media.width * scale, height: media.height * scale };
}

// Why a job has no result, and what may help.

import { fill, h, icon } from "../dom.js";
import { plural } from "../formats.js";

const HELP = {
  media_unreadable: "The file is damaged or unusual. Convert it, for example to MP4 with H.264, and send it again.",
  media_too_long: "Cut the clip, or ask for a longer step between windows.",
  media_missing: "The upload has expired or was deleted. Send the clip again.",
  no_video_stream: "If you want its sound scored, send it as a voice.",
  no_face_found:
    "Use a clip in which the face can be seen from the front, well lit and at least 60 pixels wide, or a voice.",
  no_sound: "Check that the recording has a voice, or send a clip with a face.",
  low_face_quality: "Use a clip in which the face is larger, brighter or seen from the front.",
  analyzer_unavailable: "Choose the other face analyzer, or none in particular.",
  model_unavailable: "Choose another model.",
  invalid_weights: "Choose another model, and tell whoever runs this service.",
  out_of_memory: "Make the picture smaller, and send the clip again.",
  timeout: "Try again. If it happens again, cut the clip into shorter ones.",
  worker_lost: "Try again. If it happens again, the clip itself may be the cause: convert it first.",
  service_unavailable: "A part of the service was away. Try again in a while.",
};
const OTHER = "Try again. If it happens again, tell whoever runs this service the id of this job.";

/** Show in `element` why a job failed, or that it was cancelled. */
export function mountFailure(element) {
  return {
    update(job) {
      const cancelled = job.status === "cancelled";
      element.hidden = !cancelled && job.error === null;
      if (element.hidden) return;
      const scored = job.windows.filter((window) => window.probabilities).length;
      const windows = scored
        ? ` ${plural(scored, "window")} had been scored by then, and ${scored === 1 ? "is" : "are"} shown below.`
        : "";
      fill(
        element,
        h("h2", {}, icon("alert"), cancelled ? "Cancelled" : "No result"),
        h(
          "p",
          { class: "reason" },
          cancelled ? `This job was cancelled before its end.${windows}` : job.error.message + windows,
        ),
        h("p", {}, cancelled ? "Try it again whenever you like." : (HELP[job.error.code] ?? OTHER)),
        job.error &&
          h(
            "p",
            { class: "quiet" },
            "Code: ",
            h("a", { href: `/docs/errors#${job.error.code}` }, h("code", {}, job.error.code)),
          ),
      );
    },
    destroy() {},
  };
}

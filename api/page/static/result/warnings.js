// What the reader of a result should know, by what it is about; always shown.

import { fill, h, icon } from "../dom.js";

const GROUPS = [
  ["About the model", ["untrained_model", "affect_from_classes", "affect_untrained"]],
  [
    "About the face",
    [
      "no_face",
      "face_partly",
      "several_faces",
      "low_face_quality",
      "faces_cut_short",
      "openface_lesser_landmarks",
      "small_picture",
    ],
  ],
  ["About the sound", ["no_sound_stream", "silent_sound", "low_sample_rate"]],
  ["About the file", []],
];

/** Show a job's warnings in `element`. */
export function mountWarnings(element) {
  let shown = null;
  return {
    update(job) {
      element.hidden = job.warnings.length === 0;
      const state = JSON.stringify(job.warnings);
      if (state === shown) return;
      shown = state;
      fill(
        element,
        h("h2", {}, icon("info"), "Mind this"),
        grouped(job.warnings).map(([name, warnings]) =>
          h(
            "div",
            {},
            h("h3", {}, name),
            h(
              "ul",
              {},
              warnings.map((warning) => h("li", { dataset: { code: warning.code } }, warning.message)),
            ),
          ),
        ),
      );
    },
    destroy() {},
  };
}

function grouped(warnings) {
  const once = [...new Map(warnings.map((warning) => [warning.code, warning])).values()];
  const known = new Set(GROUPS.flatMap(([, codes]) => codes));
  return GROUPS.map(([name, codes]) => [
    name,
    once.filter((warning) => (codes.length ? codes.includes(warning.code) : !known.has(warning.code))),
  ]).filter(([, found]) => found.length);
}

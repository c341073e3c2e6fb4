// Sound as pictures, and what the model really saw; each with the moment on it.

import { button, fill, h, say } from "../dom.js";
import { sentenceOf } from "../errors.js";
import { Scrubber } from "./scrubber.js";
import { exactClock } from "./spans.js";

const SOUND = {
  "mel.png": [
    "Loudness by pitch (log-mel)",
    "8 kHz",
    "20 Hz",
    "Bright is loud. Bows and stripes are the voice and its overtones, gaps are pauses.",
  ],
  "mfcc.png": [
    "Shape of the sound (MFCC)",
    "12",
    "0",
    "The spectrum's outline without its pitch, in 13 numbers: it changes with each speech sound.",
  ],
};
const SHEET_ROWS = 60;

/** Show the pictures of a job in `element`, one segment at a time: the one that the clip is in. */
export function mountPictures(element, { api, playhead }) {
  let job = null;
  let artifacts = [];
  let segment = -1;
  let turn = 0;
  let gone = false;
  let scrubbers = [];
  const addresses = new Map();
  const body = h("div", { class: "pictures" });
  const which = h("p", { class: "quiet" });
  fill(element, h("h2", {}, "What the model was given"), which, body);
  const stop = playhead.on(follow);

  function letGo() {
    for (const address of addresses.values()) URL.revokeObjectURL(address);
    addresses.clear();
  }

  function segments() {
    return [
      ...new Map(artifacts.filter((each) => each.segment !== null).map((each) => [each.segment, each])).values(),
    ];
  }

  function follow(time) {
    const found = segments();
    // Pictures of sound overlap a little: the one whose middle is nearest.
    const far = (each) => Math.abs((each.start_s + each.end_s) / 2 - time);
    const nearest = found.reduce((best, each) => (best === null || far(each) < far(best) ? each : best), null);
    if (nearest && nearest.segment !== segment) draw(nearest.segment);
  }

  async function draw(wanted) {
    segment = wanted;
    const mine = ++turn;
    const pictures = artifacts.filter((each) => each.segment === wanted);
    say(
      which,
      segments().length > 1 ? `Part ${wanted + 1} of ${segments().length}; the part goes with the clip.` : "",
    );
    const made = await Promise.all(pictures.map(async (picture) => ({ picture, ...(await fetched(picture)) })));
    if (mine !== turn || gone) return;
    scrubbers.forEach((each) => each.destroy());
    scrubbers = [];
    fill(
      body,
      made.map(({ picture, address, fault }) =>
        fault ? h("p", { class: "note" }, fault) : figureOf(picture, address),
      ),
    );
  }

  async function fetched({ href }) {
    try {
      if (!addresses.has(href)) addresses.set(href, await api.blobUrl(href));
      if (gone) letGo();
      return { address: addresses.get(href) };
    } catch (error) {
      return { fault: sentenceOf(error) };
    }
  }

  function figureOf(picture, address) {
    return picture.name === "sequence.png" ? sheetOf(picture, address) : soundOf(picture, address);
  }

  function soundOf(picture, address) {
    const [title, top, bottom, text] = SOUND[picture.name];
    const scrubber = new Scrubber(playhead);
    scrubbers.push(scrubber);
    const image = h("img", {
      src: address,
      alt: `${title}, ${exactClock(picture.start_s)} to ${exactClock(picture.end_s)}`,
    });
    const board = h("div", { class: "board image" }, image, scrubber.element);
    // The layer fills the picture by its class; only the span of time is told.
    const place = new ResizeObserver(() => scrubber.span([picture.start_s, picture.end_s]));
    place.observe(board);
    const edge = (seconds) => h("span", {}, exactClock(seconds));
    return h(
      "figure",
      {},
      h("h3", {}, title),
      h(
        "div",
        { class: "framed" },
        h("div", { class: "scale-y quiet", "aria-hidden": "true" }, h("span", {}, top), h("span", {}, bottom)),
        board,
      ),
      h("div", { class: "scale-x quiet", "aria-hidden": "true" }, edge(picture.start_s), edge(picture.end_s)),
      h("figcaption", { class: "quiet" }, text),
    );
  }

  function sheetOf(picture, address) {
    const windows = job.windows.filter(
      (each) => each.start_s >= picture.start_s - 1e-3 && each.end_s <= picture.end_s + 1e-3,
    );
    const rows = Math.max(1, Math.min(windows.length, SHEET_ROWS));
    const mark = h("div", { class: "row-mark" });
    mark.style.height = `${100 / rows}%`;
    const off = playhead.on((time) => {
      const index = windows.findLastIndex((each) => each.start_s <= time + 1e-3);
      mark.hidden = index < 0 || time > picture.end_s + 1e-3;
      const row =
        windows.length > SHEET_ROWS ? Math.round((index * (SHEET_ROWS - 1)) / (windows.length - 1)) : index;
      mark.style.top = `${(100 * row) / rows}%`;
    });
    scrubbers.push({ destroy: off });
    const image = h("img", { src: address, alt: "The pictures that went into the model, a row for each window" });
    return h(
      "figure",
      {},
      h("h3", {}, "What the model saw"),
      h("figcaption", { class: "quiet" }, explained(job, windows.length)),
      h(
        "div",
        { class: "sheet", tabIndex: 0, role: "region", "aria-label": "What the model saw" },
        h("div", { class: "board" }, image, mark),
      ),
    );
  }

  return {
    update(next) {
      job = next;
    },
    list(next, found) {
      job = next;
      const before = JSON.stringify(artifacts);
      artifacts = found.filter((each) => each.name.endsWith(".png"));
      element.hidden = artifacts.length === 0;
      if (before === JSON.stringify(artifacts)) return;
      segment = -1;
      follow(playhead.time);
    },
    destroy() {
      stop();
      scrubbers.forEach((each) => each.destroy());
      gone = true;
      letGo();
    },
  };
}

function explained(job, windows) {
  const missing = job.modalities.includes("video")
    ? job.modalities.includes("audio")
      ? ""
      : " Here there is no voice: its pictures are black, and the model does not look at them."
    : " Here there is no face: its pictures are black, and the model does not look at them.";
  const fusion =
    job.model?.fusion === "hybrid"
      ? " Beside these the model got the spectrogram itself and the curves of the face."
      : "";
  const rows = windows > SHEET_ROWS ? ` (of ${windows}, ${SHEET_ROWS} are shown)` : "";
  return (
    `Each row is one window${rows}, in the order in which its pictures went in: the face, cut out, turned upright and ` +
    "made small; and the sound around the same moments, loudness by pitch above, MFCC below. The model saw nothing " +
    `else of the clip: no room, no clothes, no words.${fusion}${missing}`
  );
}

// The clip. It comes from this tab's own file, or from the service as long as that keeps the upload; where there is
// none, or the browser cannot play it, a slider moves the moment in its place.

import { button, fill, h, say } from "../dom.js";
import { sentenceOf } from "../errors.js";
import { bytes, clock } from "../formats.js";

// A clip that needs a key is fetched whole: a player cannot send the key. Larger ones are asked for first.
const BLOB_BYTES = 200e6;
const SLIDER_STEP_S = 0.04;
const FAR_S = 0.15;
const GONE = 410;
const KINDS = {
  "video/x-msvideo": "AVI",
  "video/x-flv": "FLV",
  "video/x-matroska": "Matroska",
  "video/mpeg": "MPEG-1 and MPEG-2",
  "video/mp2t": "MPEG transport streams",
  "video/x-ms-asf": "Windows Media",
  "audio/amr": "AMR",
  "audio/aiff": "AIFF",
};

/**
 * Show the clip in `element`.
 *
 * @param {HTMLElement} element
 * @param {{api: object, playhead: import("./playhead.js").Playhead, job: object,
 *   files?: {video?: File, audio?: File}}} context
 */
export function mountPlayer(element, { api, playhead, files = {}, job }) {
  const { video_id: videoId, audio_id: audioId } = job.options;
  const kind = videoId ? "video" : "audio";
  const media = h(kind, { controls: true, preload: "metadata", playsInline: true, "aria-label": "The clip" });
  const voice = videoId && audioId ? h("audio", { preload: "auto" }) : null;
  const note = h("p", { class: "note", hidden: true, role: "status" });
  const ask = h("p", { hidden: true });
  const slider = sliderOf(playhead);
  const screen = h("div", { class: "screen", dataset: { kind } }, media);
  fill(element, screen, voice, ask, note, slider.element);
  const addresses = [];
  let gone = false;

  media.addEventListener("error", () => explain());
  media.addEventListener("loadedmetadata", () => {
    if (kind === "video" && media.videoWidth === 0)
      tell("This browser plays the sound of this clip, but not its picture.");
  });
  playhead.follow(media);
  if (voice) keepTogether(media, voice);
  load(media, kind);
  if (voice) load(voice, "audio");

  async function load(target, which) {
    try {
      const address = await addressOf(which);
      if (gone) letGo();
      else target.src = address;
    } catch (error) {
      if (which === kind) refuse(reasonOf(error));
      else tell(`The voice cannot be played. ${sentenceOf(error)}`);
    }
  }

  async function addressOf(which) {
    if (files[which]) return keep(URL.createObjectURL(files[which]));
    const path = `/jobs/${job.job_id}/media/${which}`;
    if (!api.hasKey) return api.url(path);
    const head = await api.fetch(path, { method: "HEAD" });
    const size = Number(head.headers.get("Content-Length"));
    if (size > BLOB_BYTES) await agreed(size);
    return keep(await api.blobUrl(path));
  }

  function letGo() {
    for (const address of addresses.splice(0)) URL.revokeObjectURL(address);
  }

  function keep(address) {
    addresses.push(address);
    return address;
  }

  /** Wait until the person wants a large clip. */
  function agreed(size) {
    return new Promise((resolve) => {
      ask.hidden = false;
      fill(
        ask,
        button(
          `Load the clip (${bytes(size)})`,
          () => {
            ask.hidden = true;
            resolve();
          },
          { icon: "film" },
        ),
      );
    });
  }

  /** Say why the clip does not play: it is gone, or this browser cannot. */
  async function explain() {
    if (gone) return;
    try {
      const type =
        files[kind]?.type ??
        (await api.fetch(`/jobs/${job.job_id}/media/${kind}`, { method: "HEAD" })).headers.get("Content-Type");
      refuse(
        `This browser cannot play ${KINDS[type] ? `${KINDS[type]} files` : "this kind of file"}. ` +
          "Everything else works: move the slider.",
      );
    } catch (error) {
      refuse(reasonOf(error));
    }
  }

  function refuse(text) {
    if (gone) return;
    playhead.follow(null);
    screen.hidden = true;
    media.hidden = true;
    screen.dispatchEvent(new Event("refused"));
    slider.element.hidden = false;
    tell(text);
  }

  function tell(text) {
    note.hidden = false;
    say(note, text);
  }

  return {
    media,
    screen,
    update() {},
    destroy() {
      gone = true;
      slider.destroy();
      for (const each of [media, voice]) {
        each?.pause();
        each?.removeAttribute("src");
        each?.load(); // Lets go of the connection.
      }
      letGo();
    },
  };
}

/** Return why there is no clip. */
function reasonOf(error) {
  return error.status === GONE
    ? "The clip is not kept any more. Its result is; move the slider."
    : `The clip cannot be shown. ${sentenceOf(error)}`;
}

/** Let a voice from a file of its own go along with the picture, whose own sound was not scored. */
function keepTogether(picture, voice) {
  picture.muted = true;
  const align = () => {
    if (Math.abs(voice.currentTime - picture.currentTime) > FAR_S) voice.currentTime = picture.currentTime;
  };
  picture.addEventListener("play", () => {
    align();
    voice.play().catch(() => {}); // A picture without its voice is still of use.
  });
  picture.addEventListener("pause", () => voice.pause());
  for (const event of ["seeked", "timeupdate"]) picture.addEventListener(event, align);
  picture.addEventListener("ratechange", () => {
    voice.playbackRate = picture.playbackRate;
  });
}

function sliderOf(playhead) {
  const time = h("output", {});
  const input = h("input", {
    type: "range",
    min: "0",
    max: String(playhead.duration),
    step: String(SLIDER_STEP_S),
    "aria-label": "Moment of the clip, in seconds",
  });
  input.addEventListener("input", () => playhead.seek(Number(input.value)));
  const stop = playhead.on((now) => {
    input.value = String(now);
    input.setAttribute("aria-valuetext", clock(now));
    say(time, `${clock(now)} / ${clock(playhead.duration)}`);
  });
  return { element: h("div", { class: "slide", hidden: true }, input, time), destroy: stop };
}

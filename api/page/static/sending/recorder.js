// Recording with the camera and the microphone, or the microphone alone.

import { button, fill, h, icon, say } from "../dom.js";
import { bytes, clock } from "../formats.js";
import { levelOf } from "./level.js";

// What the server reads; the first that the browser can write is taken.
const FORMATS = {
  video: ["video/webm;codecs=vp8,opus", "video/webm", "video/mp4"],
  audio: ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"],
};
const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25 }, facingMode: "user" };
const TICK_MS = 250;
const PIECE_MS = 1000;
const REFUSALS = {
  NotAllowedError: "The browser was not allowed to use the camera or microphone. Allow it in the address bar, then try again.",
  NotFoundError: "This device has no such camera or microphone.",
  NotReadableError: "The camera or microphone is in use by another program.",
};

/**
 * Return the recorder.
 *
 * @param {{facts: Promise<object>, tell: (text: string) => void, use: (file: File) => void, closed: () => void}} what
 */
export function recorderOf({ facts, tell, use, closed }) {
  const element = h("section", { class: "card stack recorder", "aria-label": "Record", hidden: true });
  let session = null;
  let longestS = Infinity;
  facts.then((known) => { longestS = known.max_duration_s; }, () => {});

  /** Ask what to record with. */
  function open() {
    release();
    const lacks = lackOf();
    fill(element, h("h2", {}, "Record"),
      lacks ? h("p", { class: "banner bad", role: "alert" }, lacks)
        : h("p", { class: "quiet" }, "The recording stays in this browser until you choose to score it."),
      h("div", { class: "row" },
        !lacks && button("Camera and microphone", () => begin("video"), { icon: "camera", class: "main" }),
        !lacks && button("Microphone alone", () => begin("audio"), { icon: "microphone" }),
        button("Back", leave, { class: "quiet" })));
    element.querySelector("button").focus();
  }

  async function begin(kind) {
    release();
    const mine = { kind, pieces: [] };
    session = mine;
    fill(element, h("p", { class: "quiet", role: "status" }, "Waiting for your permission…"), button("Back", leave, { class: "quiet" }));
    try {
      mine.stream = await navigator.mediaDevices.getUserMedia({ video: kind === "video" && WANTED, audio: true });
    } catch (error) {
      if (session === mine) refuse(REFUSALS[error.name] ?? "Recording did not start.");
      return;
    }
    if (session !== mine) {
      stopTracks(mine);
      return;
    }
    record(mine);
  }

  function record(mine) {
    const mimeType = FORMATS[mine.kind].find((format) => MediaRecorder.isTypeSupported(format));
    mine.recorder = new MediaRecorder(mine.stream, mimeType ? { mimeType } : {});
    mine.recorder.addEventListener("dataavailable", (event) => mine.pieces.push(event.data));
    mine.recorder.addEventListener("stop", () => session === mine && review(mine));
    mine.recorder.addEventListener("error", () => session === mine && refuse("The recording broke off."));
    // Unplugged, or taken back by the person in the browser's own bar.
    for (const track of mine.stream.getTracks()) track.addEventListener("ended", () => stop(mine));
    const time = h("p", { class: "clock figures" }, "0:00");
    const level = levelOf(mine.stream);
    mine.level = level;
    fill(element, h("div", { class: "live" }, mine.kind === "video" && preview(mine.stream),
      h("p", { class: "on-air" }, icon("record"), "Recording")), h("div", { class: "row" }, time, level.element),
    h("div", { class: "row" }, button("Stop", () => stop(mine), { icon: "stop", class: "main" }), button("Discard", open, { class: "quiet" })));
    element.querySelector("button").focus();
    mine.recorder.start(PIECE_MS);
    mine.begun = performance.now();
    mine.timer = setInterval(() => {
      const seconds = (performance.now() - mine.begun) / 1000;
      say(time, clock(seconds));
      level.update();
      if (seconds >= longestS) stop(mine);
    }, TICK_MS);
    tell("Recording.");
  }

  function stop(mine) {
    clearInterval(mine.timer);
    if (mine.recorder.state !== "inactive") mine.recorder.stop();
    stopTracks(mine);
  }

  function review(mine) {
    const type = mine.recorder.mimeType || `${mine.kind}/webm`;
    const ending = type.includes("mp4") ? "mp4" : type.includes("ogg") ? "ogg" : "webm";
    const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
    const file = new File(mine.pieces, `recording-${stamp}.${ending}`, { type: type.split(";")[0] });
    mine.address = URL.createObjectURL(file);
    const player = h(mine.kind, { src: mine.address, controls: true, "aria-label": "Your recording", class: "player", preload: "metadata" });
    fill(element, player, h("p", { class: "quiet figures" }, bytes(file.size)),
      h("div", { class: "row" },
        button("Use this recording", () => use(file), { icon: "check", class: "main" }),
        button("Record again", () => begin(mine.kind), { icon: "retry" }),
        button("Discard", leave, { class: "quiet" })));
    element.querySelector("button").focus();
    tell("The recording is ready.");
  }

  function refuse(sentence) {
    release();
    open();
    element.querySelector("p").replaceWith(h("p", { class: "banner bad", role: "alert" }, sentence));
  }

  /** Let go of camera, microphone and memory. */
  function release() {
    const old = session;
    session = null;
    if (!old) return;
    if (old.recorder) stop(old);
    stopTracks(old);
    if (old.address) URL.revokeObjectURL(old.address);
  }

  function leave() {
    close();
    closed();
  }

  function close() {
    release();
    fill(element);
    element.hidden = true;
  }

  return { element, open, close };
}

function preview(stream) {
  const video = h("video", { class: "player mirror", muted: true, playsInline: true, autoplay: true, "aria-label": "What the camera sees" });
  video.srcObject = stream;
  return video;
}

function stopTracks(session) {
  session.level?.stop();
  for (const track of session.stream?.getTracks() ?? []) track.stop();
}

function lackOf() {
  if (!window.isSecureContext) return "Browsers let a page record over HTTPS or on localhost only. Choose a file instead.";
  if (!navigator.mediaDevices?.getUserMedia || !("MediaRecorder" in window)) {
    return "This browser cannot record. Choose a file instead.";
  }
  return null;
}

// Choosing clips: dropped, picked or recorded; looked at once more before they are sent.

import { button, fill, h, icon } from "../dom.js";
import { bytes, count, duration, plural } from "../formats.js";
import { ACCEPT, faultOf, kindOf } from "./kinds.js";
import { recorderOf } from "./recorder.js";

const SHOWN = 60;

/**
 * Return the place where clips are chosen.
 *
 * @param {object} what
 * @param {Promise<object>} what.facts
 * @param {(text: string) => void} what.tell
 * @param {(order: {files: {file: File, kind: string}[], voice: File|null, batchName: string|null}) => void} what.start
 */
export function chooserOf({ facts, tell, start }) {
  /** @type {{file: File, kind: "video"|"audio"}[]} */
  let chosen = [];
  let voice = null;
  let limitBytes = Infinity;

  const picker = h("input", { type: "file", multiple: true, accept: ACCEPT, class: "unseen", id: "picker", tabIndex: -1,
    "aria-label": "Clips", on: { change: () => { add([...picker.files]); picker.value = ""; } } });
  const voicePicker = h("input", { type: "file", accept: "audio/*,video/*", class: "unseen", tabIndex: -1, "aria-label": "Voice file",
    on: { change: () => { [voice = null] = voicePicker.files; voicePicker.value = ""; draw(); } } });
  const limits = h("p", { class: "quiet" }, "Video or sound");
  const recorder = recorderOf({ facts, tell, use: (file) => add([file]), closed: () => show("zone") });
  const zone = h("section", { class: "zone", "aria-label": "Choose clips" },
    h("div", { class: "zone-sign" }, icon("upload")),
    h("p", { class: "zone-word" }, "Drop clips here"),
    limits,
    h("div", { class: "row centre" },
      button("Choose files", () => picker.click(), { class: "main", icon: "plus" }),
      button("Record", () => { show("recorder"); recorder.open(); }, { icon: "camera" })),
    picker);
  const list = h("ul", { class: "chosen" });
  const extra = h("div", { class: "stack" });
  const send = button("Score", go, { class: "main large" });
  const basket = h("section", { class: "card stack", "aria-label": "Chosen clips", hidden: true }, list, extra,
    h("div", { class: "row" }, send,
      button("Add more", () => picker.click(), { icon: "plus" }),
      button("Clear", () => { clear(); tell("Nothing is chosen."); }, { class: "quiet" })),
    voicePicker);
  const element = h("div", { class: "chooser" }, zone, recorder.element, basket);
  const batchName = h("input", { class: "field", type: "text", maxLength: 200, id: "batch-name" });

  facts.then((known) => {
    limitBytes = known.max_upload_bytes;
    fill(limits, `Video or sound, up to ${bytes(limitBytes)} and ${duration(known.max_duration_s)} each`);
    draw();
  }, () => {});

  function show(which) {
    zone.hidden = which !== "zone";
    recorder.element.hidden = which !== "recorder";
    basket.hidden = which !== "basket";
  }

  function add(files) {
    if (!files.length) return;
    chosen = [...chosen, ...files.map((file) => ({ file, kind: kindOf(file) }))];
    tell(`${plural(chosen.length, "clip")} chosen.`);
    recorder.close();
    draw();
    send.focus();
  }

  function clear() {
    chosen = [];
    voice = null;
    draw();
  }

  function draw() {
    if (!chosen.length) {
      if (basket.hidden) return;
      show("zone");
      return;
    }
    show("basket");
    fill(list, chosen.slice(0, SHOWN).map(lineOf), chosen.length > SHOWN && h("li", { class: "quiet" }, `and ${count(chosen.length - SHOWN)} more`));
    const good = chosen.filter(({ file }) => !faultOf(file, limitBytes));
    send.disabled = good.length === 0;
    send.lastElementChild.textContent = chosen.length > 1 ? `Score ${plural(chosen.length, "clip")} as a batch` : "Score";
    fill(extra, chosen.length > 1 ? batchExtra(good) : voiceExtra());
  }

  function lineOf(entry) {
    const { file, kind } = entry;
    const fault = faultOf(file, limitBytes);
    return h("li", { class: "chosen-file", dataset: { fault: fault ? "yes" : "no" } },
      icon(kind === "video" ? "film" : "sound"),
      h("span", { class: "cut" }, file.webkitRelativePath || file.name),
      h("span", { class: "quiet figures" }, bytes(file.size)),
      button(`Remove ${file.name}`, () => { chosen = chosen.filter((each) => each !== entry); draw(); }, { icon: "close", bare: true, class: "quiet round" }),
      fault && h("p", { class: "fault" }, fault));
  }

  function batchExtra(good) {
    const left = chosen.length - good.length;
    return [
      h("p", { class: "labelled" }, h("label", { for: "batch-name" }, "Name of the batch"), batchName),
      h("p", { class: "quiet" }, "The jobs of a batch wait until single clips are done."),
      left > 0 && h("p", { class: "fault" }, `${plural(left, "file")} will be left out.`),
    ];
  }

  function voiceExtra() {
    if (chosen[0].kind !== "video") return [];
    if (!voice) {
      return [h("div", { class: "row" }, button("Add a voice file", () => voicePicker.click(), { icon: "microphone" }),
        h("span", { class: "quiet" }, "in place of the video’s own sound"))];
    }
    const fault = faultOf(voice, limitBytes);
    return [h("p", { class: "chosen-file", dataset: { fault: fault ? "yes" : "no" } }, icon("microphone"), h("span", { class: "cut" }, voice.name),
      h("span", { class: "quiet figures" }, bytes(voice.size)),
      button("Remove the voice file", () => { voice = null; draw(); }, { icon: "close", bare: true, class: "quiet round" }),
      fault && h("span", { class: "fault" }, fault))];
  }

  function go() {
    const good = chosen.filter(({ file }) => !faultOf(file, limitBytes));
    if (voice && faultOf(voice, limitBytes)) return;
    if (good.length) start({ files: good, voice: chosen.length === 1 ? voice : null, batchName: batchName.value.trim() || null });
  }

  const stopDropping = takeDrops(zone, (files, folders) => {
    add(files);
    if (!files.length && folders) fill(limits, "A folder cannot be dropped here: choose or drop the files in it.");
  });
  return {
    element,
    clear,
    destroy() {
      stopDropping();
      recorder.close();
    },
  };
}

/** Take files that are dropped anywhere on the page, and count folders; return how to stop. */
function takeDrops(zone, take) {
  const over = (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    zone.dataset.over = "yes";
  };
  const leave = (event) => {
    if (event.relatedTarget === null) delete zone.dataset.over;
  };
  const drop = (event) => {
    event.preventDefault();
    delete zone.dataset.over;
    // A folder comes as a file without a type, which cannot be read.
    const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    const files = items.filter((item) => !item.webkitGetAsEntry?.()?.isDirectory);
    take(files.map((item) => item.getAsFile()).filter(Boolean), items.length - files.length);
  };
  const listeners = { dragover: over, dragleave: leave, drop };
  for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener);
  return () => {
    for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener);
  };
}

// The uploads that are on their way, above every view.

import { button, fill, h, icon, say } from "../dom.js";
import { bytes, percent, plural } from "../formats.js";

const FAULTS_SHOWN = 20;
const TOLD_EVERY = 0.25;

/**
 * Keep an element in step with what is sent.
 *
 * @param {HTMLElement} tray
 * @param {import("./sending.js").Sending} sending
 * @param {(text: string) => void} tell
 */
export function trayIn(tray, sending, tell) {
  const rows = new Map();
  const refresh = () => {
    for (const [order, row] of rows) {
      if (!sending.orders.includes(order)) {
        row.element.remove();
        rows.delete(order);
      }
    }
    for (const order of sending.orders) {
      if (!rows.has(order)) {
        rows.set(order, rowOf(order, sending, tell));
        tray.append(rows.get(order).element);
      }
      rows.get(order).update();
    }
    tray.hidden = rows.size === 0;
  };
  sending.addEventListener("change", refresh);
  window.addEventListener("hashchange", refresh);
}

function rowOf(order, sending, tell) {
  const bar = h("progress", { max: 1, value: 0, "aria-label": `Upload of ${order.name}` });
  const state = h("p", { class: "quiet figures" });
  const note = h("p", { class: "note" });
  const faults = h("div");
  const tools = h("div", { class: "row" });
  const element = h("article", { class: "order" },
    h("div", { class: "order-head" }, icon("upload"), h("p", { class: "cut" }, order.name), state, tools), bar, note, faults);
  let drawn = "";
  let told = 0;

  function update() {
    const { state: now, share, sizeBytes } = order;
    element.dataset.state = now;
    bar.value = share;
    bar.hidden = now !== "sending" && now !== "waiting";
    say(state, bar.hidden ? "" : `${percent(share)} of ${bytes(sizeBytes)}`);
    say(note, order.note);
    note.hidden = !order.note;
    if (now === "sending" && share - told >= TOLD_EVERY) {
      told = share;
      tell(`${percent(share)} of ${order.name} is uploaded.`);
    }
    showFaults();
    if (drawn !== now + order.target) {
      drawn = now + order.target;
      fill(tools, ...toolsOf(order, sending, bar.hidden));
      if (now === "done") tell(`${order.name} is uploaded.`);
      else if (order.note) tell(order.note);
    }
    // Whoever looks at something else meanwhile gets a way to it.
    const there = window.location.hash === `#${order.target}`;
    if (now === "done" && !order.faults.length && there) sending.forget(order);
  }

  function showFaults() {
    if (Number(faults.dataset.count ?? 0) === order.faults.length) return;
    faults.dataset.count = order.faults.length;
    const shown = order.faults.slice(0, FAULTS_SHOWN);
    const rest = order.faults.length - shown.length;
    fill(faults, h("details", { open: true, class: "faults" },
      h("summary", {}, `${plural(order.faults.length, "file")} could not be taken`),
      h("ul", {}, shown.map((fault) => h("li", {}, h("strong", { class: "cut" }, fault.name), ` ${fault.note}`)),
        rest > 0 && h("li", {}, `and ${rest} more`))));
  }

  return { element, update };
}

function toolsOf(order, sending, ended) {
  const open = order.target && h("a", { href: `#${order.target}`, class: "button" }, "Open");
  if (!ended) return [open, button("Cancel upload", order.cancel, { icon: "close" })];
  return [open, button("Dismiss", () => sending.forget(order), { icon: "close", bare: true, class: "quiet round" })];
}

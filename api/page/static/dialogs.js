// Questions that have to be answered before the page goes on. <dialog> keeps the focus inside and answers Escape.

import { button, h } from "./dom.js";

let number = 0;

/**
 * Ask something; resolves with the answer, or `null` if the person thought better of it.
 *
 * @param {object} what
 * @param {string} what.title
 * @param {Array<Node|string>} what.body
 * @param {string} what.yes Label of the button that answers.
 * @param {boolean} [what.grave] Whether it cannot be undone.
 * @param {HTMLInputElement} [what.input] Its value is the answer; without it the answer is an empty string.
 * @param {(value: string) => boolean} [what.fits] Whether a value may be sent.
 * @returns {Promise<string|null>}
 */
export function ask({ title, body, yes, grave = false, input = null, fits = () => true }) {
  const before = document.activeElement;
  const id = `dialog-${(number += 1)}`;
  const send = h("button", { type: "submit", class: `button ${grave ? "grave" : "main"}` }, yes);
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": id },
    h(
      "form",
      { method: "dialog", class: "stack" },
      h("h2", { id }, title),
      ...body.map((each) => (each instanceof Node ? each : h("p", {}, each))),
      input,
      h("div", { class: "row end" }, button("Cancel", () => dialog.close()), send),
    ),
  );
  const check = () => {
    send.disabled = !fits(input.value);
  };
  if (input) {
    input.addEventListener("input", check);
    check();
  }
  return new Promise((resolve) => {
    dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      if (!send.disabled) dialog.close("yes");
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      before?.focus?.();
      resolve(dialog.returnValue === "yes" ? (input?.value ?? "") : null);
    });
    document.body.append(dialog);
    dialog.showModal();
    if (input) input.focus();
  });
}

/** Ask whether to do something; resolves with true or false. */
export async function confirm(what) {
  return (await ask(what)) !== null;
}

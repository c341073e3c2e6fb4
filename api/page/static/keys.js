// The API key: asked for when the server wants one, kept for this tab, forgotten by a button.

import { ask } from "./dialogs.js";
import { button, h } from "./dom.js";

/**
 * Ask for a key whenever the server refuses a request for want of one, then show the view anew.
 *
 * @param {import("./client.js").Client} api
 * @param {() => void} again
 */
export function watchKey(api, again) {
  let asking = false;
  api.addEventListener("unauthorized", async () => {
    if (asking) return;
    asking = true;
    const wrong = api.hasKey;
    if (wrong) api.setKey(null);
    const key = await askForKey(wrong);
    asking = false;
    if (key !== null) {
      api.setKey(key.trim());
      again();
    }
  });
}

/** Return the button that forgets the key; it is there only while one is kept. */
export function keyButton(api) {
  const forget = button("Forget key", () => {
    api.setKey(null);
    window.location.reload();
  }, { icon: "key", class: "quiet" });
  const show = () => {
    forget.hidden = !api.hasKey;
  };
  api.addEventListener("key", show);
  show();
  return forget;
}

function askForKey(wrong) {
  const input = h("input", { type: "password", class: "field", autocomplete: "off", spellcheck: false, id: "key" });
  const words = wrong ? "The server does not know this key, or it is no longer valid." : "This server asks for an API key.";
  return ask({
    title: "API key",
    body: [
      words,
      h("p", { class: "quiet" }, "It is kept until this tab is closed, and sent to this server only. Whoever runs the server ",
        "makes one with ", h("code", {}, "avemotion ops keys create"), "."),
      h("label", { for: "key" }, "Key"),
    ],
    yes: "Use this key",
    input,
    fits: (value) => value.trim() !== "",
  });
}

// The frame: which view is shown, the key, the theme, and the uploads that go on behind every view.

import { Client } from "./client.js";
import { append, button, fill, h, say } from "./dom.js";
import { sentenceOf } from "./errors.js";
import { keyButton, watchKey } from "./keys.js";
import { parse } from "./router.js";
import { Sending } from "./sending/sending.js";
import { trayIn } from "./sending/tray.js";
import { themeButton } from "./theme.js";

const VIEWS = {
  "": () => import("./views/start.js"),
  jobs: () => import("./views/job.js"),
  history: () => import("./views/history.js"),
  batches: () => import("./views/batches.js"),
};

const main = document.getElementById("main");
const api = new Client();
const sending = new Sending(api);
/** The service's limits; the same for all, so that no key is needed. */
const facts = api.json("/page/facts.json");
facts.catch(() => {}); // Whoever needs them says so.

let shown = { destroy() {} };
let turn = 0;

/** Show the view of the address that stands in the browser. */
async function route() {
  const { parts, query } = parse(window.location.hash);
  const mine = ++turn;
  const load = VIEWS[parts[0] ?? ""];
  try {
    const module = await (load ?? VIEWS[""])();
    if (mine !== turn) return;
    shown.destroy();
    main.replaceChildren();
    markNavigation(parts[0] ?? "");
    shown = module.mount(main, { api, facts, sending, tell, rest: parts.slice(1), query });
    document.title = title();
  } catch (error) {
    fill(main, h("h1", {}, "This part of the page did not load"), h("p", {}, sentenceOf(error)),
      button("Load again", () => window.location.reload()));
  }
}

/** Say something to people who listen to the page. */
function tell(text) {
  say(document.getElementById("told"), text);
}

function title() {
  const heading = main.querySelector("h1")?.textContent;
  return heading ? `${heading} · avemotion` : "avemotion";
}

function markNavigation(place) {
  for (const link of document.querySelectorAll(".nav a")) {
    const mine = link.getAttribute("href") === `#/${place === "jobs" ? "history" : place}`;
    if (mine) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

async function showVersion() {
  const { version } = await facts;
  say(document.getElementById("version"), `avemotion ${version}`);
}

window.addEventListener("hashchange", async () => {
  await route();
  // As if a new page had been opened: from the top, and read from its beginning.
  window.scrollTo(0, 0);
  main.focus({ preventScroll: true });
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // `#main` is no address of ours.
  main.focus();
});
append(document.getElementById("tools"), [keyButton(api), themeButton()]);
watchKey(api, route);
trayIn(document.getElementById("tray"), sending, tell);
route();
showVersion().catch(() => {});

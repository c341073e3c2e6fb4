// What has to be known before a person is measured.

import { h } from "../dom.js";
import { duration } from "../formats.js";

const LAW = "https://eur-lex.europa.eu/eli/reg/2024/1689/oj";

/** Return the notice on consent and law. */
export function noticeOf(facts) {
  const kept = h("span", {});
  facts.then(({ upload_ttl_s: upload, job_ttl_s: job }) => {
    kept.textContent = ` Clips are kept for ${duration(upload)} and results for ${duration(job)}, unless you delete them before.`;
  }, () => {});
  return h("details", { class: "notice" },
    h("summary", {}, "Faces and voices are biometric data: ask the people in the clip, and tell them."),
    h("div", { class: "stack" },
      h("p", {}, "Clips go to this server and nowhere else.", kept),
      h("p", {}, "In the European Union the ", h("a", { href: LAW, rel: "noreferrer" }, "AI Act"),
        " forbids inferring emotions of people at work and in schools or other education, except for medical or safety",
        " reasons (Article 5(1)(f)). Elsewhere it is high-risk (Annex III), and people must be told that it is used on",
        " them (Article 50)."),
      h("p", {}, "An expression is not a feeling: do not decide about a person by these numbers.")));
}

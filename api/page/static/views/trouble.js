// The banner of a view that says what went wrong, until it goes well again.

import { h, say } from "../dom.js";
import { sentenceOf } from "../errors.js";

/**
 * Return the banner; it is not there while there is nothing to say.
 *
 * @returns {{element: HTMLElement, say: (sentence: string) => void, complain: (error: Error) => void, hide: () => void}}
 */
export function troubleOf() {
  const element = h("p", { class: "banner care", role: "status", hidden: true });
  const banner = {
    element,
    say(sentence) {
      element.hidden = false;
      say(element, sentence);
    },
    complain: (error) => banner.say(sentenceOf(error)),
    hide() {
      element.hidden = true;
    },
  };
  return banner;
}

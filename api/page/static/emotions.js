// A colour for each emotion: colours that people with any kind of colour vision can tell apart as far as so many
// colours allow. A colour never stands alone; its name is always beside it. The colours themselves are in
// styles/tokens.css, lighter in the dark.

/** Names that mean the same emotion in other data sets. */
const SAME = {
  angry: "anger",
  disgusted: "disgust",
  fearful: "fear",
  happy: "happiness",
  joy: "happiness",
  sad: "sadness",
  surprised: "surprise",
  anxious: "anxiety",
  bored: "boredom",
  calmness: "calm",
};
const KNOWN = new Set([
  "anger",
  "anxiety",
  "boredom",
  "calm",
  "contempt",
  "disappointment",
  "disgust",
  "fear",
  "happiness",
  "helplessness",
  "neutral",
  "sadness",
  "surprise",
]);
const SPARE_COLOURS = 6;

/**
 * Return the name of the CSS variable that holds an emotion's colour, such as `--emotion-anger`.
 *
 * @param {string} label
 */
export function variableOf(label) {
  const name = label.toLowerCase();
  const known = SAME[name] ?? name;
  return KNOWN.has(known) ? `--emotion-${known}` : `--emotion-other-${hash(name) % SPARE_COLOURS}`;
}

/**
 * Return an emotion's colour in today's light or dark theme, for drawings that know no CSS.
 *
 * @param {string} label
 * @param {Element} [element]
 */
export function colourOf(label, element = document.documentElement) {
  return getComputedStyle(element).getPropertyValue(variableOf(label)).trim();
}

/**
 * Give an element the colour of an emotion as `--emotion`, and return it. The colour follows the theme.
 *
 * @template {HTMLElement} E
 * @param {E} element
 * @param {string} label
 * @returns {E}
 */
export function paint(element, label) {
  element.style.setProperty("--emotion", `var(${variableOf(label)})`);
  return element;
}

/** Return an emotion's name as a person reads it: "Happiness". */
export function nameOf(label) {
  const words = label.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function hash(text) {
  let value = 0;
  for (const letter of text) value = (value * 31 + letter.codePointAt(0)) >>> 0;
  return value;
}

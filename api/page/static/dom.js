// Building elements without markup in strings: text from a server or a file name can never become HTML.

const SVG = "http://www.w3.org/2000/svg";
const ICONS = new URL("./icons.svg", import.meta.url).pathname;

/**
 * Make an element.
 *
 * @param {string} tag
 * @param {Object<string, any>} [properties] `class`, `dataset`, `on` (listeners by event); a name with a dash,
 *   `role`, `for` or `form` is an attribute, any other a property. `null` and `undefined` are left out.
 * @param {...(Node|string|number|null|undefined|false|Array)} children
 * @returns {HTMLElement}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name === "class") element.className = value;
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "on") for (const [event, call] of Object.entries(value)) element.addEventListener(event, call);
    else if (name.includes("-") || ["role", "for", "form", "list"].includes(name)) element.setAttribute(name, value);
    else element[name] = value;
  }
  append(element, children);
  return element;
}

/** Add children to an element: nodes, text, or lists of them; `null`, `undefined` and `false` are left out. */
export function append(element, children) {
  for (const child of [children].flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

/** Put children in the place of all that an element holds. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/** Show text, and touch the document only where it is another one. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Return a picture of `icons.svg`; it means nothing by itself, so it is hidden from readers of the text.
 *
 * @param {string} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${ICONS}#${name}`);
  picture.append(use);
  return picture;
}

/**
 * Return a button.
 *
 * @param {string} label
 * @param {() => void} act
 * @param {{icon?: string, class?: string, title?: string, disabled?: boolean, bare?: boolean}} [more] With `bare` the
 *   label is for readers of the text only.
 * @returns {HTMLButtonElement}
 */
export function button(label, act, more = {}) {
  const face = more.bare ? [] : [h("span", {}, label)];
  return h(
    "button",
    {
      type: "button",
      class: `button ${more.class ?? ""}`.trim(),
      title: more.title ?? (more.bare ? label : null),
      "aria-label": more.bare ? label : null,
      disabled: more.disabled ?? false,
      on: { click: act },
    },
    more.icon && icon(more.icon),
    ...face,
  );
}

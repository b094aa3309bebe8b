// Building elements. Texts go in as text nodes only, so nothing a file says can become markup.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  folder: "M2.5 4.5a1 1 0 0 1 1-1h3l1.5 1.5h4.5a1 1 0 0 1 1 1v5.5a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1z",
  link: "M7 9.5l3-3M6 7.5L4.5 9a2.1 2.1 0 0 0 3 3L9 10.5M10 8.5L11.5 7a2.1 2.1 0 0 0-3-3L7 5.5",
  up: "M8 12.5v-9M4 7.5l4-4 4 4",
  left: "M10 3L5 8l5 5",
  right: "M6 3l5 5-5 5",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  info: "M8 7.5v4M8 4.5v.3M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13z",
  search: "M10.5 10.5l3.5 3.5M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9z",
  heart: "M8 13.5S2.5 10.2 2.5 6.3A2.8 2.8 0 0 1 8 5a2.8 2.8 0 0 1 5.5 1.3C13.5 10.2 8 13.5 8 13.5z",
  star: "M8 2l1.850 3.9 4.150.55-3.050 2.950.75 4.2L8 11.550 4.3 13.6l.75-4.2L2 6.450l4.150-.55z",
  broken: "M2.5 3.5h11v9h-11zM2.5 10.5l3-3 2 2M9 8l1.5-1.5 3 3M7.5 5.5l1 2-1.5 2 1 3",
  cloud: "M2 2l12 12M5.5 5.6A3.8 3.8 0 0 0 4.5 12.5h7M13.4 11.6A2.7 2.7 0 0 0 12 7a3.9 3.9 0 0 0-4.5-2.8",
  empty: "M2.5 3.5h11v9h-11zM2.5 10.5l3-3 3 3 2-2 3 3",
  save: "M8 2.5v7.5M4.5 7L8 10.5 11.5 7M3 13.5h10",
};

/**
 * @param {string} tag @param {Record<string, any>} [given] attributes; `on` holds listeners, `text` the text
 * @param {...(Node|string|null)} children @returns {any}
 */
export function el(tag, given = {}, ...children) {
  const { on = {}, text, ...attributes } = given;
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  for (const [name, listener] of Object.entries(on)) made.addEventListener(name, listener);
  if (text !== undefined) made.textContent = text;
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** @param {keyof typeof ICONS} name @returns {SVGElement} a 16 pixel line drawing, hidden from screen readers */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of [["viewBox", "0 0 16 16"], ["class", `icon icon-${name}`], ["aria-hidden", "true"]]) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** @param {keyof typeof ICONS} name @param {string} label @param {() => void} action @param {string} [extra] class */
export function iconButton(name, label, action, extra = "") {
  return el("button", { type: "button", class: `icon-button ${extra}`, "aria-label": label, title: label,
    on: { click: action } }, icon(name));
}

/**
 * A whole-area message: nothing here, an error, no connection.
 * @param {{icon: keyof typeof ICONS, title: string, detail?: string, actions?: [string, () => void][]}} given
 */
export function notice({ icon: name, title, detail = "", actions = [] }) {
  const buttons = actions.map(([label, action]) =>
    el("button", { type: "button", class: "button", text: label, on: { click: action } }));
  return el("div", { class: "notice" }, icon(name), el("h2", { text: title }),
    detail ? el("p", { text: detail }) : null, ...buttons);
}

/** What to say of an error. @param {any} error @param {() => void} retry @param {string} what cannot be reached */
export function errorNotice(error, retry, what) {
  const titles = { 404: "There is no such folder", 403: "Not allowed", 400: "That does not work",
    415: "Not a picture", 422: what === "This folder" ? `${what} cannot be shown` : "Not readable" };
  const title = error.unreachable
    ? `${error.status === 0 ? "The server" : what} cannot be reached`
    : titles[error.status] ?? "Something went wrong";
  const actions = /** @type {[string, () => void][]} */ ([["Try again", retry]]);
  if (error.status === 404) actions.push(["All pictures", () => { location.hash = "#/"; }]);
  return notice({ icon: error.unreachable ? "cloud" : "broken", title, detail: error.message, actions });
}

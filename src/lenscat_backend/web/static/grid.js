// The grid of thumbnails: rows of equal height, more of them as the reader scrolls.

import { reasonOf, thumbUrl } from "./api.js";
import { el, icon } from "./dom.js";
import { shown } from "./folders.js";

const MAX_RETRIES = 4;

/** @typedef {import("./api.js").Item} Item */

export class Grid {
  /**
   * @param {HTMLElement} place @param {HTMLElement} end an element after the grid
   * @param {{hrefOf: (item: Item) => string, onMore: () => void}} given
   */
  constructor(place, end, { hrefOf, onMore }) {
    this.place = place;
    this.hrefOf = hrefOf;
    /** @type {Item[]} */ this.items = [];
    place.addEventListener("keydown", (event) => this.#move(event));
    place.addEventListener("focusin", (event) => this.#rove(/** @type {Element} */ (event.target).closest("a")));
    this.watcher = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && onMore(),
      { rootMargin: "1200px" });
    this.end = end;
    this.watcher.observe(end);
  }

  /** Forget all pictures. */
  clear() {
    this.items = [];
    this.place.replaceChildren();
  }

  /** Show shapes of pictures until the first page is there. */
  showLoading() {
    this.clear();
    const ratios = [1.5, 0.75, 1.33, 1.5, 1.78, 0.67, 1.33, 1.5, 1, 1.5, 0.75, 1.33];
    this.place.append(...ratios.map((ratio) => shaped(el("div", { class: "tile waiting" },
      el("div", { class: "frame" }), el("div", { class: "name", text: "\u00a0" })), ratio)));
  }

  /** @param {Item[]} items the next pictures */
  add(items) {
    if (!this.items.length) this.place.replaceChildren();
    this.place.append(...items.map((item, index) => this.#tile(item, this.items.length + index)));
    this.items.push(...items);
    this.watcher.unobserve(this.end); // look again: the end may still be in sight
    this.watcher.observe(this.end);
  }

  /** @param {string} path */
  indexOf(path) {
    return this.items.findIndex((item) => item.path === path);
  }

  /** @param {string} path put the keyboard's focus on a picture */
  focus(path) {
    const tile = this.#links()[this.indexOf(path)];
    tile?.focus({ preventScroll: true });
    tile?.scrollIntoView({ block: "nearest" });
  }

  /** @param {Item} item @param {number} index */
  #tile(item, index) {
    const frame = el("div", { class: "frame" });
    const image = el("img", { loading: "lazy", decoding: "async", alt: "", draggable: "false" });
    image.addEventListener("load", () => image.classList.add("there"));
    image.addEventListener("error", () => explain(frame, image, item, 0));
    image.src = thumbUrl(item);
    frame.append(image);
    const link = el("a", { class: "thumb", href: this.hrefOf(item), tabindex: index ? -1 : 0, title: item.path,
      "aria-label": item.name }, frame, el("div", { class: "name", text: shown(item.name) }));
    const ratio = item.w && item.h ? item.w / item.h : 4 / 3;
    return shaped(el("div", { class: "tile", role: "listitem" }, link), ratio);
  }

  #links() {
    return /** @type {HTMLElement[]} */ ([...this.place.querySelectorAll("a.thumb")]);
  }

  /** @param {Element|null} link the only one that Tab reaches */
  #rove(link) {
    if (!link) return;
    this.place.querySelector('a.thumb[tabindex="0"]')?.setAttribute("tabindex", "-1");
    link.setAttribute("tabindex", "0");
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    const links = this.#links();
    const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: links.length - 1,
      ArrowUp: beside(links, at, -1), ArrowDown: beside(links, at, 1) }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    links[Math.max(0, Math.min(links.length - 1, next))].focus();
  }
}

/** Give a tile the share of its row that its picture's shape asks for. @param {HTMLElement} tile @param {number} ratio */
function shaped(tile, ratio) {
  tile.style.setProperty("--ratio", String(Math.max(0.5, Math.min(3, ratio))));
  return tile;
}

/** The tile above (-1) or below (1). @param {HTMLElement[]} links @param {number} at @param {1|-1} step */
function beside(links, at, step) {
  const here = links[at].getBoundingClientRect();
  const center = here.left + here.width / 2;
  let best = at;
  let distance = Infinity;
  let row = null;
  for (let index = at + step; index >= 0 && index < links.length; index += step) {
    const box = links[index].getBoundingClientRect();
    if (Math.abs(box.top - here.top) < 2) continue;
    row ??= box.top;
    if (Math.abs(box.top - row) > 2) break;
    const away = Math.abs(box.left + box.width / 2 - center);
    if (away < distance) [best, distance] = [index, away];
  }
  return best;
}

/** Say why a thumbnail does not come, or try again where the server is busy.
 * @param {HTMLElement} frame @param {HTMLImageElement} image @param {Item} item @param {number} tries */
async function explain(frame, image, item, tries) {
  const reason = await reasonOf(thumbUrl(item));
  const busy = reason === null || reason.status === 429 || reason.unreachable;
  if (busy && tries < MAX_RETRIES) {
    const again = image.cloneNode();
    again.addEventListener("load", () => again.classList.add("there"));
    again.addEventListener("error", () => explain(frame, again, item, tries + 1));
    setTimeout(() => { again.src = thumbUrl(item); image.replaceWith(again); },
      1000 * Math.max(reason?.retryAfter ?? 0, 2 ** tries));
    return;
  }
  const detail = reason?.message ?? "The thumbnail could not be loaded.";
  frame.classList.add("broken");
  frame.title = detail;
  frame.closest("a")?.setAttribute("aria-label", `${item.name}: ${detail}`);
  frame.replaceChildren(icon("broken"), el("span", { text: busy ? "Not loaded" : "Cannot be shown" }));
}

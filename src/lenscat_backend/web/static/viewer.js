// One picture, as large as the window allows, with the inspector beside it.

import { originalUrl, pictureUrl, reasonOf, thumbUrl } from "./api.js";
import { el, iconButton, notice } from "./dom.js";
import { Inspector } from "./inspector.js";

/** @typedef {import("./api.js").Item} Item */

export class Viewer {
  /** @param {HTMLDialogElement} dialog @param {{onClose: () => void, onStep: (step: 1|-1) => void}} given */
  constructor(dialog, { onClose, onStep }) {
    this.dialog = dialog;
    this.onClose = onClose;
    this.onStep = onStep;
    this.stage = el("div", { class: "stage", tabindex: -1, autofocus: true });
    this.counter = el("span", { class: "counter" });
    this.side = el("aside", { class: "inspector", "aria-label": "About this picture" });
    this.inspector = new Inspector(this.side);
    this.previous = iconButton("left", "Previous picture (←)", () => onStep(-1), "step step-left");
    this.next = iconButton("right", "Next picture (→)", () => onStep(1), "step step-right");
    const tools = el("div", { class: "tools" }, this.counter,
      iconButton("info", "Show or hide the panel (i)", () => this.#togglePanel()),
      iconButton("close", "Close (Esc)", onClose));
    dialog.append(el("div", { class: "canvas" }, this.stage, this.previous, this.next, tools), this.side);
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); onClose(); });
    dialog.addEventListener("keydown", (event) => this.#key(event));
    if (localStorage.getItem("lenscat-panel") === "off") dialog.classList.add("alone");
  }

  get path() { return this.dialog.open ? this.item?.path ?? "" : ""; }

  /** @param {Item} item @param {{at: number, count: number, more: boolean, neighbours: Item[]}} place */
  open(item, place) {
    this.showPlace(place);
    if (this.path === item.path) return;
    this.item = item;
    this.dialog.setAttribute("aria-label", item.name);
    if (!this.dialog.open) this.dialog.showModal();
    this.#showPicture(item);
    this.inspector.show(item);
    for (const near of place.neighbours) new Image().src = pictureUrl(near);
  }

  /** @param {{at: number, count: number, more: boolean}} place where among its neighbours the picture is */
  showPlace({ at, count, more }) {
    this.counter.textContent = at < 0 ? "" : `${at + 1} of ${count}${more ? "+" : ""}`;
    this.previous.disabled = at <= 0;
    this.next.disabled = at < 0 || (at >= count - 1 && !more);
  }

  close() {
    if (!this.dialog.open) return;
    this.inspector.flush();
    this.dialog.close();
    this.stage.replaceChildren();
  }

  /** @param {Item} item the thumbnail first, enlarged, then the picture itself over it */
  #showPicture(item) {
    const rough = el("img", { class: "rough", alt: "", src: thumbUrl(item) });
    const sharp = el("img", { class: "sharp", alt: item.name, decoding: "async", src: pictureUrl(item) });
    if (item.w && item.h) limit([rough, sharp], item.w, item.h);
    rough.addEventListener("error", () => rough.remove());
    sharp.addEventListener("load", () => {
      if (!item.w || !item.h) limit([sharp], sharp.naturalWidth, sharp.naturalHeight);
      sharp.classList.add("there");
      rough.remove();
    });
    sharp.addEventListener("error", () => this.#explain(item));
    this.stage.replaceChildren(rough, sharp);
  }

  /** @param {Item} item */
  async #explain(item) {
    const reason = await reasonOf(pictureUrl(item)) ?? await reasonOf(thumbUrl(item));
    if (this.item !== item) return;
    const retry = /** @type {[string, () => void]} */ (["Try again", () => this.#showPicture(item)]);
    const save = /** @type {[string, () => void]} */ (["Download the file",
      () => { location.assign(`${originalUrl(item.path)}?download=true`); }]);
    this.stage.replaceChildren(notice({ icon: reason?.unreachable ? "cloud" : "broken",
      title: reason?.unreachable ? "The server cannot be reached" : "This picture cannot be shown",
      detail: reason?.message ?? "This browser cannot decode the file.", actions: reason?.unreachable ? [retry] : [save] }));
  }

  #togglePanel() {
    const alone = this.dialog.classList.toggle("alone");
    localStorage.setItem("lenscat-panel", alone ? "off" : "on");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const field = /** @type {Element} */ (event.target).closest("input, textarea");
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (field) {
      if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); this.stage.focus(); }
      return;
    }
    const actions = {
      Escape: this.onClose, ArrowLeft: () => !this.previous.disabled && this.onStep(-1),
      ArrowRight: () => !this.next.disabled && this.onStep(1), i: () => this.#togglePanel(),
      f: () => this.inspector.toggleFavorite(),
    };
    const action = /^[0-5]$/.test(event.key) ? () => this.inspector.rate(Number(event.key)) : actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
}

/** Enlarge small pictures twofold at most. @param {HTMLElement[]} images @param {number} width @param {number} height */
function limit(images, width, height) {
  for (const image of images) {
    image.style.maxWidth = `${2 * width}px`;
    image.style.maxHeight = `${2 * height}px`;
  }
}

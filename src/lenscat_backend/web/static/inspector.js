// The panel beside the opened picture: edit tags, notes, rating, label, favourite; read the facts.

import { originalUrl, suggest } from "./api.js";
import { el, errorNotice, icon, iconButton } from "./dom.js";
import { editsOf, joinNotes } from "./edits.js";
import { factsOf } from "./facts.js";
import { shown } from "./folders.js";
import { routeHash } from "./route.js";

const LABELS = ["red", "orange", "yellow", "green", "blue", "purple"];
const STATES = { loading: "Loading…", ready: "", saving: "Saving…", saved: "Saved", failed: "Not saved" };

export class Inspector {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    this.control = new AbortController();
  }

  /** @param {import("./api.js").Item} item */
  async show(item) {
    this.flush();
    this.control.abort();
    this.control = new AbortController();
    const { signal } = this.control;
    if (this.edits) this.edits.onChange = () => {};
    const edits = editsOf(item.path);
    [this.item, this.edits, this.form] = [item, edits, null];
    this.place.replaceChildren(this.#head(), el("p", { class: "quiet pad", role: "status", text: "Loading…" }));
    try {
      await edits.load(signal);
      if (signal.aborted) return;
      this.#build();
      edits.onChange = () => this.#update();
    } catch (error) {
      if (!signal.aborted) this.place.replaceChildren(this.#head(), errorNotice(error, () => this.show(item), "The library"));
    }
  }

  /** Save what stands in the fields, before they go away. */
  flush() {
    if (!this.form || this.notes.value === this.notesShown) return;
    const typed = this.notes.value;
    const stored = this.edits.draft.notes;
    const overtaken = stored !== this.notesShown && stored !== typed; // merged from elsewhere while somebody typed
    this.notesShown = typed;
    this.edits.change({ notes: overtaken ? joinNotes(stored, typed) : typed });
    this.#update();
  }

  /** @param {number} rating set by a key; the same again clears it */
  rate(rating) {
    if (this.form && !this.fields.disabled) this.edits.change({ rating: rating === this.edits.draft.rating || !rating ? null : rating });
    this.#update();
  }

  toggleFavorite() {
    if (this.form && !this.fields.disabled) this.edits.change({ favorite: !this.edits.draft.favorite });
    this.#update();
  }

  #head() {
    const { path, name } = this.item;
    const folder = path.split("/").slice(0, -1).join("/");
    this.state = el("span", { class: "state", role: "status" });
    return el("div", { class: "inspector-head" }, this.state,
      el("h2", { text: shown(name), title: name }),
      el("a", { href: routeHash({ folder }), text: folder ? shown(folder) : "All pictures", title: "Open this folder" }));
  }

  #build() {
    this.messages = el("div", { role: "status" });
    this.stars = [1, 2, 3, 4, 5].map((value) =>
      iconButton("star", `${value} of 5`, () => this.rate(value), "star"));
    this.favorite = iconButton("heart", "Favourite", () => this.toggleFavorite(), "heart");
    this.labels = LABELS.map((name) => el("button", { type: "button", class: `label label-${name}`, title: name,
      "aria-label": `Label ${name}`, on: { click: () => this.#label(name) } }));
    this.otherLabel = el("button", { type: "button", class: "token", title: "Remove this label",
      on: { click: () => this.#label(null) } });
    this.tags = el("ul", { class: "tokens", "aria-label": "Tags" });
    this.notesShown = "";
    this.notes = el("textarea", { id: "notes", rows: 4, on: { change: () => this.flush() } });
    this.facts = el("dl", { class: "facts" });
    this.fields = el("fieldset", { class: "fields", disabled: Boolean(this.edits.sidecar.problem) },
      el("div", { class: "marks" },
        el("div", { class: "stars", role: "group", "aria-label": "Rating" }, ...this.stars), this.favorite),
      el("div", { class: "labels", role: "group", "aria-label": "Label" }, ...this.labels, this.otherLabel),
      el("label", { for: "new-tag", text: "Tags" }), this.tags, ...this.#newTag(),
      el("label", { for: "notes", text: "Notes" }), this.notes);
    this.form = el("div", { class: "form" }, this.#problem(), this.messages, this.fields,
      el("h3", { text: "Facts" }), this.facts, this.#links());
    this.place.replaceChildren(this.#head(), this.form);
    this.#update();
  }

  /** Why this picture's sidecar cannot be edited now. */
  #problem() {
    const { problem } = this.edits.sidecar;
    if (!problem) return null;
    return el("div", { class: "failed problem", role: "status" }, el("p", { text: problem }),
      el("button", { type: "button", class: "button", text: "Look again", on: { click: () => this.show(this.item) } }));
  }

  #newTag() {
    const known = el("datalist", { id: "known-tags" });
    const input = el("input", { id: "new-tag", placeholder: "Add a tag, Enter", list: "known-tags", maxlength: 256,
      autocomplete: "off" });
    const add = () => {
      const wanted = input.value.split(",").map((tag) => tag.trim()).filter(Boolean);
      input.value = "";
      const tags = [...new Set([...this.edits.draft.tags, ...wanted])];
      if (tags.length > this.edits.draft.tags.length) this.edits.change({ tags });
      this.#update();
    };
    input.addEventListener("keydown", (event) => {
      if ((event.key === "Enter" || event.key === ",") && !event.isComposing) {
        event.preventDefault();
        add();
      } else if (event.key === "Backspace" && !input.value) this.#dropTag(this.edits.draft.tags.at(-1));
    });
    input.addEventListener("change", add);
    input.addEventListener("input", async () => {
      const found = input.value ? await suggest(input.value, 8, this.control.signal).catch(() => []) : [];
      known.replaceChildren(...found.map((value) => el("option", { value })));
    });
    return [input, known];
  }

  #links() {
    const url = originalUrl(this.item.path);
    return el("p", { class: "links" }, el("a", { href: url, target: "_blank", rel: "noopener", text: "Open original" }),
      el("a", { href: `${url}?download=true`, download: this.item.name, text: "Download" }));
  }

  #update() {
    if (!this.form) return;
    const { draft } = this.edits;
    this.stars.forEach((star, index) => star.setAttribute("aria-pressed", String(index < (draft.rating ?? 0))));
    this.favorite.setAttribute("aria-pressed", String(draft.favorite));
    this.labels.forEach((dot, index) => dot.setAttribute("aria-pressed", String(LABELS[index] === draft.label)));
    this.otherLabel.hidden = !draft.label || LABELS.includes(draft.label);
    this.otherLabel.textContent = `${draft.label ?? ""} ×`;
    this.tags.replaceChildren(...draft.tags.map((tag) => this.#token(tag)));
    const typing = document.activeElement === this.notes && this.notes.value !== this.notesShown;
    if (!typing && this.notesShown !== draft.notes) this.notes.value = this.notesShown = draft.notes;
    this.facts.replaceChildren(...factsOf(this.edits.sidecar, this.item).flatMap(([name, value, link]) => [
      el("dt", { text: name }), el("dd", { title: value }, link ? el("a", { href: link, text: value }) : value)]));
    this.#showStatus();
  }

  #showStatus() {
    const { state, error, merged } = this.edits;
    Object.assign(this.state, { className: `state state-${state}`, textContent: STATES[state] });
    this.messages.replaceChildren();
    if (merged) this.messages.append(el("p", { class: "merged", text: merged }));
    if (!error) return;
    this.messages.append(el("div", { class: "failed" }, el("p", { text: error.message }),
      el("button", { type: "button", class: "button", text: "Try again", on: { click: () => this.edits.save() } }),
      el("button", { type: "button", class: "button", text: "Discard", on: { click: () => this.#discard() } })));
  }

  #discard() {
    this.notes.value = this.notesShown;
    this.edits.discard();
  }

  /** @param {string} tag */
  #token(tag) {
    return el("li", { class: "token" }, el("a", { href: routeHash({ query: `tag:"${tag.replaceAll('"', "")}"` }),
      text: tag, title: "Search for this tag" }),
    el("button", { type: "button", "aria-label": `Remove tag ${tag}`, on: { click: () => this.#dropTag(tag) } },
      icon("close")));
  }

  /** @param {string|undefined} tag */
  #dropTag(tag) {
    if (tag === undefined) return;
    this.edits.change({ tags: this.edits.draft.tags.filter((other) => other !== tag) });
    this.#update();
  }

  /** @param {string|null} name the same again clears it */
  #label(name) {
    this.edits.change({ label: name === this.edits.draft.label ? null : name });
    this.#update();
  }
}

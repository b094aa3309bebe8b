// The search box with suggestions (an ARIA combobox).

import { suggest } from "./api.js";
import { el, icon } from "./dom.js";

const PAUSE_MS = 120;
const HELP = "Words, or tag:beach  name:img  rating>=4  label:red  is:favorite  path:2024/  -not";

export class SearchBox {
  /** @param {HTMLElement} place @param {(query: string) => void} onSearch */
  constructor(place, onSearch) {
    this.onSearch = onSearch;
    this.control = new AbortController();
    this.input = el("input", { type: "search", placeholder: "Search names, tags, notes", "aria-label": "Search",
      title: HELP, role: "combobox", "aria-expanded": "false", "aria-controls": "suggestions", "aria-autocomplete": "list",
      autocomplete: "off", spellcheck: "false", maxlength: 2000 });
    this.list = el("ul", { id: "suggestions", role: "listbox", "aria-label": "Suggestions", hidden: true });
    place.append(icon("search"), this.input, el("kbd", { text: "/", "aria-hidden": "true" }), this.list);
    this.input.addEventListener("input", () => this.#typed());
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.input.addEventListener("blur", () => this.#close());
    this.list.addEventListener("mousedown", (event) => this.#picked(event));
  }

  /** @param {string} query what the box holds, unless somebody is typing there */
  set(query) {
    if (document.activeElement !== this.input || !this.input.value) this.input.value = query;
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  #typed() {
    clearTimeout(this.pause);
    if (!this.input.value) {
      this.#close();
      this.onSearch("");
      return;
    }
    this.pause = setTimeout(() => this.#suggest(), PAUSE_MS);
  }

  async #suggest() {
    this.control.abort();
    this.control = new AbortController();
    const { signal } = this.control;
    const word = this.#word();
    const found = word ? await suggest(word, 8, signal).catch(() => []) : [];
    if (!signal.aborted && document.activeElement === this.input) this.#show(found);
  }

  /** The last word of the query, without a field's name. */
  #word() {
    return (this.input.value.match(/(?:^|\s)-?(?:tag:|name:)?([^\s:"<>=]+)$/i) ?? [])[1] ?? "";
  }

  /** @param {string[]} found */
  #show(found) {
    this.list.replaceChildren(...found.map((text, index) =>
      el("li", { role: "option", id: `suggestion-${index}`, "aria-selected": "false", text })));
    this.list.hidden = !found.length;
    this.input.setAttribute("aria-expanded", String(found.length > 0));
    this.input.removeAttribute("aria-activedescendant");
  }

  #close() {
    clearTimeout(this.pause);
    this.control.abort();
    this.#show([]);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing) return;
    const chosen = this.list.querySelector('[aria-selected="true"]');
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.#choose(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") {
      if (this.list.hidden) this.input.blur();
      this.#close();
    } else if (event.key === "Enter") {
      if (chosen) this.#take(chosen.textContent ?? "");
      this.#close();
      this.onSearch(this.input.value.trim());
    }
  }

  /** @param {1|-1} step */
  #choose(step) {
    const options = /** @type {HTMLElement[]} */ ([...this.list.children]);
    if (!options.length) return;
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    const next = at < 0 && step < 0 ? options.length - 1 : (at + step + options.length) % options.length;
    options.forEach((option, index) => option.setAttribute("aria-selected", String(index === next)));
    this.input.setAttribute("aria-activedescendant", options[next].id);
  }

  /** @param {MouseEvent} event */
  #picked(event) {
    event.preventDefault(); // keeps the focus in the box
    const option = /** @type {Element} */ (event.target).closest("li");
    if (!option) return;
    this.#take(option.textContent ?? "");
    this.#close();
    this.onSearch(this.input.value.trim());
  }

  /** Put a suggestion in the place of the last word. @param {string} text */
  #take(text) {
    const word = this.#word();
    const quoted = /\s/.test(text) ? `"${text}"` : text;
    this.input.value = this.input.value.slice(0, this.input.value.length - word.length) + quoted;
  }
}

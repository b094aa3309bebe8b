// One picture's sidecar being edited: what was loaded, what is wanted, and how both get to the server.

import { ApiError, getItem, putItem } from "./api.js";

/** @typedef {{tags: string[], notes: string, rating: number|null, label: string|null, favorite: boolean}} Fields */
/** @typedef {"loading"|"ready"|"saving"|"saved"|"failed"} State */

const NAMES = /** @type {const} */ (["tags", "notes", "rating", "label", "favorite"]);
const MAX_MERGES = 5;
const EDITOR = "web"; // nobody signs in yet, so the page can say no more

/** @type {Map<string, Edits>} edits that are not on the server yet, by path */
const unsaved = new Map();

/** Whether leaving the page would lose something. */
export const hasUnsaved = () => unsaved.size > 0;

/** @param {string} path @returns {Edits} the edits in hand for a picture, or fresh ones */
export const editsOf = (path) => unsaved.get(path) ?? new Edits(path);

export class Edits {
  /** @param {string} path */
  constructor(path) {
    this.path = path;
    /** @type {State} */ this.state = "loading";
    /** @type {ApiError|null} */ this.error = null;
    this.merged = "";
    this.sidecar = /** @type {Record<string, any>} */ ({});
    this.onChange = () => {};
  }

  /** Load the sidecar, unless there are edits in hand. @param {AbortSignal} [signal] */
  async load(signal) {
    if (unsaved.has(this.path)) return;
    this.#take(await getItem(this.path, signal));
    this.#become("ready");
  }

  /** @param {Partial<Fields>} changes */
  change(changes) {
    this.draft = { ...this.draft, ...changes };
    if (this.state === "saving") this.again = true;
    else if (Object.keys(this.#changes()).length) this.save();
  }

  /** Forget what is not saved. */
  discard() {
    unsaved.delete(this.path);
    this.draft = this.base;
    this.#become("ready");
  }

  /** Send what changed; somebody else's edits in the meantime are merged, never overwritten. */
  async save() {
    unsaved.set(this.path, this);
    this.#become("saving");
    try {
      do {
        this.again = false;
        await this.#send(MAX_MERGES);
      } while (this.again && Object.keys(this.#changes()).length);
      unsaved.delete(this.path);
      this.#become("saved");
    } catch (error) {
      this.#become("failed", error instanceof ApiError ? error : new ApiError(String(error), -1));
    }
  }

  /** @param {number} tries */
  async #send(tries) {
    const sent = this.draft;
    try {
      const stored = await putItem(this.path, { ...this.#changes(), updated_by: EDITOR }, this.etag);
      const later = this.#changesFrom(sent);
      this.#take(stored);
      this.draft = { ...this.base, ...later };
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 412 || !tries) throw error;
      const theirs = error.body?.current ? { sidecar: error.body.current, etag: error.body.etag }
        : await getItem(this.path);
      this.#merge(theirs);
      if (Object.keys(this.#changes()).length) await this.#send(tries - 1);
    }
  }

  /** @param {import("./api.js").Stored} theirs */
  #merge(theirs) {
    const [base, mine] = [this.base, this.draft];
    this.#take(theirs);
    const now = this.base;
    const removed = base.tags.filter((tag) => !mine.tags.includes(tag));
    const tags = [...new Set([...now.tags, ...mine.tags])].filter((tag) => !removed.includes(tag));
    const bothWrote = mine.notes !== base.notes && now.notes !== base.notes && mine.notes !== now.notes;
    const notes = bothWrote ? joinNotes(now.notes, mine.notes)
      : mine.notes !== base.notes ? mine.notes : now.notes;
    const pick = (name) => (mine[name] !== base[name] ? mine[name] : now[name]);
    this.draft = { tags, notes, rating: pick("rating"), label: pick("label"), favorite: pick("favorite") };
    if (JSON.stringify(base) === JSON.stringify(now)) return; // only the picture changed, or fields not shown here
    this.merged = describeMerge(this.sidecar, now.tags.filter((tag) => !base.tags.includes(tag)), bothWrote);
  }

  /** @param {import("./api.js").Stored} stored */
  #take({ sidecar, etag }) {
    this.sidecar = sidecar;
    this.etag = etag;
    this.base = fieldsOf(sidecar);
    this.draft = this.base;
  }

  #changes() {
    return this.#changesFrom(this.base);
  }

  /** @param {Fields} start @returns {Partial<Fields>} */
  #changesFrom(start) {
    const changed = NAMES.filter((name) => JSON.stringify(this.draft[name]) !== JSON.stringify(start[name]));
    return Object.fromEntries(changed.map((name) => [name, this.draft[name]]));
  }

  /** @param {State} state @param {ApiError|null} error */
  #become(state, error = null) {
    this.state = state;
    this.error = error;
    this.onChange();
  }
}

/** Both texts, unless one holds the other already. @param {string} theirs @param {string} mine */
export function joinNotes(theirs, mine) {
  if (mine.includes(theirs)) return mine;
  return theirs.includes(mine) && mine ? theirs : [theirs, mine].filter(Boolean).join("\n\n");
}

/** @param {Record<string, any>} sidecar @returns {Fields} */
function fieldsOf(sidecar) {
  return {
    tags: Array.isArray(sidecar.tags) ? sidecar.tags.filter((tag) => typeof tag === "string") : [],
    notes: typeof sidecar.notes === "string" ? sidecar.notes : "",
    rating: Number.isInteger(sidecar.rating) ? sidecar.rating : null,
    label: typeof sidecar.label === "string" && sidecar.label ? sidecar.label : null,
    favorite: sidecar.favorite === true,
  };
}

/** @param {Record<string, any>} sidecar @param {string[]} tags @param {boolean} bothWrote */
function describeMerge(sidecar, tags, bothWrote) {
  const by = typeof sidecar.updated_by === "string" && sidecar.updated_by !== EDITOR
    ? sidecar.updated_by : "Somebody else";
  const parts = [`${by} edited this picture meanwhile. Both edits are kept.`];
  if (tags.length) parts.push(`Their tags: ${tags.join(", ")}.`);
  if (bothWrote) parts.push("Both notes stand below, theirs first.");
  return parts.join(" ");
}

// The list of folders at the side and the breadcrumbs above.

import { getFolder } from "./api.js";
import { el, icon } from "./dom.js";
import { routeHash } from "./route.js";

/** What folders that were listed are called, by their paths. @type {Map<string, string>} */
const labels = new Map([["", "All pictures"]]);

/** @param {string} path */
const nameOf = (path) => labels.get(path) ?? shown(path.slice(path.lastIndexOf("/") + 1));

/** @param {HTMLElement} place @param {string} folder @param {string} query */
export function showCrumbs(place, folder, query) {
  const list = [...new Set(["", ...parentsOf(folder)])].map((path) => crumb(path, path === folder && !query));
  if (query) list.push(el("li", {}, el("span", { "aria-current": "page", text: `Search: ${query}` })));
  place.replaceChildren(el("ol", {}, ...list));
  place.scrollLeft = place.scrollWidth;
}

/** @param {string} folder @param {boolean} here */
const crumb = (folder, here) => el("li", {}, el("a", {
  href: routeHash({ folder }), text: nameOf(folder), "data-folder": folder, "aria-current": here ? "page" : null }));

/** Ask what the folders above are called, where an address led here directly. @param {string} folder @param {AbortSignal} signal */
async function learnAbove(folder, signal) {
  const unknown = parentsOf(folder).filter((path) => !labels.has(path));
  for (const path of unknown) {
    const base = path.split("/").slice(0, -1).join("/");
    const around = await getFolder(base, 0, signal).catch(() => null);
    if (around) learn(base, around.dirs);
  }
}

/** @param {string} folder */
const parentsOf = (folder) => folder.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));

/** Remember what the folders in `base` are called, and call them so above. @param {string} base @param {any[]} dirs */
function learn(base, dirs) {
  for (const dir of dirs) labels.set(base ? `${base}/${dir.name}` : dir.name, called(dir));
  for (const link of document.querySelectorAll("[data-folder]")) {
    link.textContent = nameOf(link.getAttribute("data-folder") ?? "");
  }
}

/**
 * Show the subfolders of `folder`; where it has none, its siblings, so that one can go on to the next.
 * @param {HTMLElement} place @param {string} folder @param {import("./api.js").Folder[]} dirs @param {AbortSignal} signal
 */
export async function showFolders(place, folder, dirs, signal) {
  await drawFolders(place, folder, dirs, signal);
  await learnAbove(folder, signal);
}

/** @param {HTMLElement} place @param {string} folder @param {any[]} dirs @param {AbortSignal} signal */
async function drawFolders(place, folder, dirs, signal) {
  const parent = folder.split("/").slice(0, -1).join("/");
  if (dirs.length || !folder) {
    draw(place, { base: folder, dirs, current: "", up: folder ? parent : null });
    return;
  }
  try {
    const around = await getFolder(parent, 0, signal);
    draw(place, { base: parent, dirs: around.dirs, current: folder, up: parent });
  } catch {
    if (!signal.aborted) draw(place, { base: folder, dirs: [], current: "", up: parent });
  }
}

/** @param {HTMLElement} place @param {{base: string, dirs: any[], current: string, up: string|null}} given */
function draw(place, { base, dirs, current, up }) {
  learn(base, dirs);
  const entries = dirs.map((dir) => entry(base, dir, current));
  if (up !== null) {
    entries.unshift(el("li", {}, el("a", { class: "folder folder-up", href: routeHash({ folder: up }) },
      icon("up"), el("span", { text: nameOf(up) }))));
  }
  place.replaceChildren(el("h2", { text: "Folders" }),
    entries.length ? el("ul", {}, ...entries) : el("p", { class: "quiet", text: "No folders here" }));
  place.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** @param {string} base @param {import("./api.js").Folder} dir @param {string} current */
function entry(base, dir, current) {
  const folder = base ? `${base}/${dir.name}` : dir.name;
  return el("li", {}, el("a", {
    class: dir.error ? "folder folder-bad" : "folder", href: routeHash({ folder }),
    "aria-current": folder === current ? "page" : null, title: explained(dir),
  }, folderIcon(dir), el("span", { text: called(dir) })));
}

/** What a folder is called: a pointer may have a label. @param {import("./api.js").Folder} dir */
export const called = (dir) => shown(dir.label || dir.name);

/** @param {import("./api.js").Folder} dir */
export const folderIcon = (dir) => icon(dir.error ? "cloud" : dir.kind === "leaf-pointer" ? "link" : "folder");

/** @param {import("./api.js").Folder} dir */
export function explained(dir) {
  const name = dir.kind === "leaf-pointer" ? `${dir.name} (points to another place)` : dir.name;
  return dir.error ? `${name}: ${dir.error}` : name;
}

/** Names may hold line breaks and the like: show them as one line. @param {string} name */
export const shown = (name) => name.replace(/[\u0000-\u001f\u007f\u2028\u2029]/g, "\u21b5");

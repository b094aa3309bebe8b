// Cards of folders, for a folder that holds nothing else: a picture from inside, and how many there are.

import { search, thumbUrl } from "./api.js";
import { el, icon } from "./dom.js";
import { called, explained, folderIcon } from "./folders.js";
import { routeHash } from "./route.js";

/** @param {string} folder @param {import("./api.js").Folder[]} dirs @param {AbortSignal} signal */
export function folderCards(folder, dirs, signal) {
  const watcher = new IntersectionObserver((seen) => {
    for (const entry of seen.filter((one) => one.isIntersecting)) {
      watcher.unobserve(entry.target);
      fill(/** @type {any} */ (entry.target), signal);
    }
  }, { rootMargin: "300px" });
  signal.addEventListener("abort", () => watcher.disconnect());
  return el("ul", { class: "cards" }, ...dirs.map((dir) => {
    const card = makeCard(folder ? `${folder}/${dir.name}` : dir.name, dir);
    if (!dir.error) watcher.observe(card);
    return card;
  }));
}

/** @param {string} path @param {import("./api.js").Folder} dir */
function makeCard(path, dir) {
  const pointer = dir.kind === "leaf-pointer";
  const card = el("li", {}, el("a", { href: routeHash({ folder: path }), title: dir.error ? explained(dir) : path },
    el("div", { class: "cover" }, folderIcon(dir)),
    el("div", { class: "card-name" }, pointer ? icon("link") : null, el("span", { text: called(dir) })),
    el("div", { class: dir.error ? "card-count card-bad" : "card-count", text: dir.error || "\u00a0" })));
  card.folder = path;
  return card;
}

/** @param {HTMLElement & {folder: string}} card @param {AbortSignal} signal */
async function fill(card, signal) {
  if (card.folder.includes('"')) return; // the search language has no way to write that
  const found = await search(`path:"${card.folder}/"`, 1, 0, signal).catch(() => null);
  if (!found || signal.aborted) return;
  const count = card.querySelector(".card-count");
  const words = `${new Intl.NumberFormat("en").format(found.total)} ${found.total === 1 ? "picture" : "pictures"}`;
  count.textContent = found.total ? words : found.scanning ? "\u00a0" : "Empty";
  if (!found.items.length) return;
  const image = el("img", { alt: "", decoding: "async", src: thumbUrl(found.items[0]) });
  image.addEventListener("load", () => card.querySelector(".cover").replaceChildren(image));
}

// The page: reads the location's hash, loads what it names, and hands it to the parts.

import { getFolder, search } from "./api.js";
import { folderCards } from "./covers.js";
import { errorNotice, notice } from "./dom.js";
import { hasUnsaved } from "./edits.js";
import { showCrumbs, showFolders, shown } from "./folders.js";
import { Grid } from "./grid.js";
import { parseRoute, routeHash } from "./route.js";
import { SearchBox } from "./search.js";
import { keepSize } from "./size.js";
import { Viewer } from "./viewer.js";

const SEARCH_PAGE = 100;

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);
const numbers = new Intl.NumberFormat("en");

let route = parseRoute(location.hash);
/** What the grid holds: of which folder or query, how much of it. */
let shownList = { key: "", page: 0, done: true, loading: false, total: /** @type {number|null} */ (null) };
let control = new AbortController();
let openedHere = false;
let sideFolder = /** @type {string|null} */ (null);

const grid = new Grid(byId("grid"), byId("end"), {
  hrefOf: (item) => routeHash({ ...route, item: item.path }),
  onMore: () => loadMore(),
});
const box = new SearchBox(byId("search"), (query) => go({ folder: route.folder, query, item: "" }));
const viewer = new Viewer(byId("viewer"), { onClose: closeItem, onStep: step });

/** @param {import("./route.js").Route} next */
function go(next) {
  if (routeHash(next) === routeHash(route)) follow(true);
  else location.hash = routeHash(next);
}

/** Show what the address names. @param {boolean} reload even what is shown already */
function follow(reload = false) {
  const before = route;
  route = parseRoute(location.hash);
  const key = route.query ? `?${route.query}` : `/${route.folder}`;
  box.set(route.query);
  showCrumbs(byId("crumbs"), route.folder, route.query);
  if (reload || key !== shownList.key) start(key);
  if (route.item) showItem();
  else {
    viewer.close();
    if (before.item) grid.focus(before.item);
  }
  document.title = [route.item ? shown(nameOf(route.item)) : route.query || shown(nameOf(route.folder)), "Lenscat"]
    .filter(Boolean).join(" – ");
}

/** @param {string} key */
function start(key) {
  control.abort();
  control = new AbortController();
  shownList = { key, page: 0, done: false, loading: false, total: null };
  byId("notice").replaceChildren();
  Object.assign(byId("summary"), { textContent: "Loading…", hidden: false });
  grid.showLoading();
  byId("main").scrollTop = 0;
  if (route.query && sideFolder !== route.folder) loadSide(control.signal);
  loadMore();
}

async function loadMore() {
  const list = shownList;
  if (list.done || list.loading) return;
  list.loading = true;
  const { signal } = control;
  try {
    await (route.query ? loadFound(list, signal) : loadFolder(list, signal));
    if (signal.aborted) return;
    list.loading = false;
    list.page += 1;
    summarize(list);
    if (route.item) showItem();
  } catch (error) {
    if (!signal.aborted) fail(list, error);
  }
}

/** @param {typeof shownList} list @param {AbortSignal} signal */
async function loadFolder(list, signal) {
  const manifest = await getFolder(route.folder, list.page, signal);
  if (signal.aborted) return;
  if (!list.page) showSide(manifest, signal);
  list.done = manifest.page_count === null || list.page + 1 >= manifest.page_count;
  if (list.done) list.total = grid.items.length + manifest.items.length;
  grid.add(manifest.items);
  if (grid.items.length) return;
  byId("notice").replaceChildren(manifest.dirs.length ? folderCards(route.folder, manifest.dirs, signal)
    : notice({ icon: "empty", title: "No pictures here", detail: "Pictures put into this folder show up here." }));
}

/** @param {typeof shownList} list @param {AbortSignal} signal */
async function loadFound(list, signal) {
  const found = await search(route.query, SEARCH_PAGE, grid.items.length, signal);
  if (signal.aborted) return;
  list.total = found.total;
  list.scanning = found.scanning;
  grid.add(found.items);
  list.done = grid.items.length >= found.total || !found.items.length;
  if (!grid.items.length) {
    byId("notice").replaceChildren(notice({ icon: "search", title: "Nothing matches",
      detail: found.scanning ? "The library is still being read: try again in a moment."
        : "All words must occur in a picture's name, tags or notes. Try fewer words.",
      actions: [["Back to the folder", () => go({ folder: route.folder, query: "", item: "" })]] }));
  }
}

/** @param {AbortSignal} signal */
async function loadSide(signal) {
  const manifest = await getFolder(route.folder, 0, signal).catch(() => null);
  if (manifest && !signal.aborted) showSide(manifest, signal);
}

/** @param {import("./api.js").Manifest} manifest @param {AbortSignal} signal */
function showSide(manifest, signal) {
  sideFolder = manifest.path;
  showFolders(byId("folders"), manifest.path, manifest.dirs, signal);
}

/** @param {typeof shownList} list @param {any} error */
function fail(list, error) {
  if (!list.page) grid.clear();
  byId("summary").textContent = "";
  list.done = true; // until somebody asks again
  const again = () => {
    byId("notice").replaceChildren();
    Object.assign(list, { done: false, loading: false });
    if (!list.page) start(list.key);
    else loadMore();
  };
  const isFolder = route.folder && !route.query;
  byId("notice").replaceChildren(errorNotice(error, again, isFolder ? "This folder" : "The library"));
  byId("folders").querySelector("[aria-current]")?.removeAttribute("aria-current");
  if (!route.query) sideFolder = null;
  if (isFolder && error.status && !list.page) showFolders(byId("folders"), route.folder, [], control.signal);
}

/** @param {typeof shownList} list */
function summarize(list) {
  const here = grid.items.length;
  const words = (count) => `${numbers.format(count)} ${count === 1 ? "picture" : "pictures"}`;
  const text = list.total === null ? `First ${words(here)}, more below`
    : here < list.total ? `${numbers.format(here)} of ${words(list.total)}` : words(list.total);
  byId("summary").textContent = list.scanning ? `${text}. The library is still being read.` : here ? text : "";
  byId("summary").hidden = !byId("summary").textContent;
}

function showItem() {
  const at = grid.indexOf(route.item);
  const item = grid.items[at] ?? { path: route.item, name: nameOf(route.item) };
  const neighbours = at < 0 ? [] : [grid.items[at + 1], grid.items[at - 1]].filter(Boolean);
  const count = shownList.total ?? grid.items.length;
  viewer.open(item, { at, count, more: !shownList.done && shownList.total === null, neighbours });
}

/** @param {1|-1} direction */
async function step(direction) {
  const at = grid.indexOf(route.item);
  if (at < 0) return;
  if (at + direction >= grid.items.length) await loadMore();
  const item = grid.items[at + direction];
  if (!item) return;
  history.replaceState(null, "", routeHash({ ...route, item: item.path }));
  follow();
}

function closeItem() {
  if (openedHere) {
    history.back();
    return;
  }
  history.replaceState(null, "", routeHash({ ...route, item: "" }));
  follow();
}

/** @param {string} path */
const nameOf = (path) => path.slice(path.lastIndexOf("/") + 1);

addEventListener("hashchange", () => {
  const next = parseRoute(location.hash);
  openedHere = Boolean(next.item) && !route.item;
  follow();
});
addEventListener("beforeunload", (event) => { if (hasUnsaved()) event.preventDefault(); });
document.addEventListener("keydown", (event) => {
  const typing = /** @type {Element} */ (event.target).closest("input, textarea, dialog");
  if (event.key === "/" && !typing) { event.preventDefault(); box.focus(); }
});
byId("skip").addEventListener("click", (event) => { event.preventDefault(); byId("main").focus(); });
byId("crumbs").addEventListener("click", (event) => {
  if (/** @type {Element} */ (event.target).closest('a[aria-current="page"]')) follow(true);
});
keepSize(byId("size"));
follow();

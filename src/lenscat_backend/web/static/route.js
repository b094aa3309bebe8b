// What the page shows is in the location's hash: #/folder/path?q=query&item=path/of/the.jpg

import { encodePath } from "./api.js";

/** @typedef {{folder: string, query: string, item: string}} Route */

/** @param {string} hash @returns {Route} */
export function parseRoute(hash) {
  const [path, rest = ""] = split(hash.replace(/^#\/?/, ""), "?");
  const fields = new URLSearchParams(rest);
  return { folder: decodePath(path), query: fields.get("q") ?? "", item: fields.get("item") ?? "" };
}

/** @param {Partial<Route>} route @returns {string} */
export function routeHash({ folder = "", query = "", item = "" }) {
  const fields = [["q", query], ["item", item]].filter(([, value]) => value);
  const rest = fields.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  return `#/${encodePath(folder)}${rest ? `?${rest}` : ""}`;
}

/** @param {string} path */
function decodePath(path) {
  try {
    return path.split("/").map(decodeURIComponent).join("/");
  } catch {
    return path; // a hand-written address with a lone % in it
  }
}

/** @param {string} text @param {string} mark @returns {string[]} the parts before and after the first mark */
function split(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

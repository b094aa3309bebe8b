// The server's calls. Addresses are relative, so that the page works under any sub-path.

/**
 * @typedef {{path: string, name: string, type?: string, w?: number|null, h?: number|null, size?: number,
 *   has_thumb?: boolean, has_meta?: boolean}} Item
 * @typedef {{name: string, kind: string, label?: string, error?: string}} Folder
 * @typedef {{path: string, items: Item[], dirs: Folder[], page: number|null, page_count: number|null}} Manifest
 * @typedef {Record<string, any>} Sidecar
 * @typedef {{sidecar: Sidecar, etag: string}} Stored
 */

/** A call that failed. `status` is 0 where no server answered. */
export class ApiError extends Error {
  /** @param {string} message @param {number} status @param {any} body @param {number} retryAfter seconds */
  constructor(message, status, body = null, retryAfter = 0) {
    super(message);
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
  }

  /** Whether the server, or the library behind it, cannot be reached now. */
  get unreachable() { return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504; }
}

/** @param {string} path a library path @returns {string} the path for use inside an address */
export const encodePath = (path) => path.split("/").map(encodeURIComponent).join("/");

/** @param {Item} item */
export const thumbUrl = (item) => `api/thumb?path=${encodeURIComponent(item.path)}`;

/** @param {string} path */
export const originalUrl = (path) => `api/files/${encodePath(path)}`;

/** @param {Item} item the address of something that a browser shows */
export const pictureUrl = (item) => needsPreview(item)
  ? `api/preview?path=${encodeURIComponent(item.path)}` : originalUrl(item.path);

/** @param {string} path @param {number} page from 0 @param {AbortSignal} [signal] @returns {Promise<Manifest>} */
export const getFolder = async (path, page, signal) =>
  (await call(`api/folders?path=${encodeURIComponent(path)}&page=${page}`, { signal })).json();

/** @param {string} query @param {number} limit @param {number} offset @param {AbortSignal} [signal] */
export const search = async (query, limit, offset, signal) =>
  (await call(`api/search?q=${encodeURIComponent(query)}&limit=${limit}&offset=${offset}`, { signal })).json();

/** @param {string} text @param {number} limit @param {AbortSignal} [signal] @returns {Promise<string[]>} */
export async function suggest(text, limit, signal) {
  const reply = await call(`api/search/suggest?q=${encodeURIComponent(text)}&limit=${limit}`, { signal });
  return (await reply.json()).suggestions;
}

/** @param {string} path @param {AbortSignal} [signal] @returns {Promise<Stored>} */
export const getItem = (path, signal) => stored(call(`api/item?path=${encodeURIComponent(path)}`, { signal }));

/** @param {string} path @param {Sidecar} fields @param {string} etag @returns {Promise<Stored>} */
export const putItem = (path, fields, etag) => stored(call(`api/item?path=${encodeURIComponent(path)}`, {
  method: "PUT",
  headers: { "Content-Type": "application/json", "If-Match": etag },
  body: JSON.stringify(fields),
}));

/** Why an address does not give a picture. @param {string} url @returns {Promise<ApiError|null>} null: it does */
export async function reasonOf(url) {
  const control = new AbortController();
  try {
    await call(url, { signal: control.signal, cache: "no-store" });
    control.abort();
    return null;
  } catch (error) {
    return error instanceof ApiError ? error : new ApiError(String(error), 0);
  }
}

/** @param {Item} item */
function needsPreview(item) {
  if (item.type) return ["image/tiff", "image/heic", "image/heif"].includes(item.type);
  return /\.(tiff?|heic|heif|hif)$/i.test(item.name);
}

/** @param {Promise<Response>} pending @returns {Promise<Stored>} */
async function stored(pending) {
  const reply = await pending;
  return { sidecar: await reply.json(), etag: reply.headers.get("ETag") ?? "" };
}

/** @param {string} url @param {RequestInit} [options] @returns {Promise<Response>} */
async function call(url, options) {
  const reply = await reach(url, options);
  if (reply.ok) return reply;
  const body = await reply.json().catch(() => null);
  const detail = typeof body?.detail === "string" ? body.detail : `The server answered ${reply.status}.`;
  throw new ApiError(detail, reply.status, body, Number(reply.headers.get("Retry-After")) || 0);
}

/** @param {string} url @param {RequestInit} [options] */
async function reach(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer. Is it still running?", 0);
  }
}

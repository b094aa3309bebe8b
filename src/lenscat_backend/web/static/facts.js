// What a picture says of itself, in words.

/** @param {Record<string, any>} sidecar @param {import("./api.js").Item} item @returns {[string, string, string?][]} */
export function factsOf(sidecar, item) {
  const exif = sidecar.exif && typeof sidecar.exif === "object" ? sidecar.exif : {};
  /** @type {[string, string, string?][]} */
  const facts = [
    ["Taken", takenAt(exif.created_at)],
    ["Camera", camera(exif.make, exif.model)],
    ["Lens", text(exif.lens)],
    ["Exposure", exposure(exif)],
    ["Size", dimensions(exif.width ?? item.w, exif.height ?? item.h)],
    ["File", [item.type ?? "", bytes(item.size)].filter(Boolean).join(" · ")],
    ["Place", place(exif), mapUrl(exif)],
    ["Altitude", number(exif.altitude_m) ? `${Math.round(exif.altitude_m)} m` : ""],
    ["Caption", text(exif.caption)],
    ["Keywords", Array.isArray(exif.keywords) ? exif.keywords.map(text).filter(Boolean).join(", ") : ""],
    ["Rating in file", number(exif.rating) ? String(exif.rating) : ""],
    ["Edited", edited(sidecar)],
    ["Hash", text(sidecar.hash)],
  ];
  return facts.filter(([, value]) => value);
}

/** @param {unknown} size @returns {string} */
export function bytes(size) {
  if (!number(size)) return "";
  const units = ["bytes", "KB", "MB", "GB"];
  const power = Math.min(3, size < 1 ? 0 : Math.floor(Math.log10(size) / 3));
  return `${(size / 1000 ** power).toFixed(power && size / 1000 ** power < 10 ? 1 : 0)} ${units[power]}`;
}

/** @param {unknown} value @returns {value is number} */
const number = (value) => typeof value === "number" && Number.isFinite(value);

/** @param {unknown} value */
const text = (value) => (typeof value === "string" ? value.trim() : "");

/** A camera's own time is shown as it stands: without a zone it is local to wherever that was. @param {unknown} value */
function takenAt(value) {
  const parts = text(value).match(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?$/);
  if (!parts) return text(value);
  return [parts[1], parts[2], parts[3] === "Z" ? "UTC" : parts[3] ?? "(local time)"].join(" ");
}

/** @param {unknown} make @param {unknown} model */
function camera(make, model) {
  const [maker, name] = [text(make), text(model)];
  const known = name.toLowerCase().startsWith(maker.split(" ")[0].toLowerCase());
  return maker && known ? name : [maker, name].filter(Boolean).join(" ");
}

/** @param {Record<string, any>} exif */
function exposure(exif) {
  const time = exif.exposure_time_s;
  return [
    number(time) && time > 0 ? (time < 0.3 ? `1/${Math.round(1 / time)} s` : `${round(time, 1)} s`) : "",
    number(exif.f_number) ? `f/${round(exif.f_number, 1)}` : "",
    number(exif.iso) ? `ISO ${exif.iso}` : "",
    number(exif.focal_length_mm) ? `${round(exif.focal_length_mm, 1)} mm` : "",
  ].filter(Boolean).join(" · ");
}

/** @param {number} value @param {number} digits */
const round = (value, digits) => String(Number(value.toFixed(digits)));

/** @param {unknown} width @param {unknown} height */
function dimensions(width, height) {
  if (!number(width) || !number(height)) return "";
  const megapixels = (width * height) / 1e6;
  return `${width} × ${height}${megapixels >= 0.5 ? ` · ${megapixels.toFixed(1)} MP` : ""}`;
}

/** @param {Record<string, any>} exif */
function place({ latitude, longitude }) {
  if (!number(latitude) || !number(longitude)) return "";
  const part = (value, letters) => `${Math.abs(value).toFixed(5)}° ${letters[value < 0 ? 1 : 0]}`;
  return `${part(latitude, "NS")}, ${part(longitude, "EW")}`;
}

/** @param {Record<string, any>} exif a link that opens the place in the reader's own map program */
const mapUrl = ({ latitude, longitude }) =>
  (number(latitude) && number(longitude) ? `geo:${latitude},${longitude}` : undefined);

/** @param {Record<string, any>} sidecar */
function edited(sidecar) {
  if (!sidecar.updated_at || sidecar.updated_by === "system") return "";
  const moment = new Date(sidecar.updated_at);
  const when = Number.isNaN(moment.getTime()) ? text(sidecar.updated_at) : moment.toLocaleString();
  return [when, text(sidecar.updated_by)].filter(Boolean).join(" · ");
}

"""The sidecar: what a person says of one image, as a JSON object beside it, and how two versions of it merge.

Everything here is pure: bytes or values in, values out. The rules are the section 'Conflicts' of docs/formats.md.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from lenscat_backend.errors import SidecarDamagedError
from lenscat_backend.models.times import format_time, parse_time

SIDECAR_VERSION = 1
DELETION_MARK = "deleted"
"""The field of an overlay's sidecar that hides the one below; anywhere else it is a field like any other."""
PROBLEM = "problem"
"""The field of a reply that says why a sidecar cannot be edited. It is never written; a file's own one stays there."""
_MARKER_FIELDS = {"v", DELETION_MARK, "updated_at"}
"""A marker holds these and nothing else: whatever else is said of a picture makes it a sidecar again."""
UNKNOWN_EDITOR = "anonymous"
"""`updated_by` of an edit that does not say who made it."""
MAX_SIDECAR_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 100
"""Levels of lists and objects inside each other that a sidecar may have; more than that crashes common JSON readers."""
_CAMEL_CASE = {"updatedAt": "updated_at", "updatedBy": "updated_by", "createdAt": "created_at"}
_EXIF_CAMEL_CASE = _CAMEL_CASE | {
    "fNumber": "f_number",
    "exposureTimeS": "exposure_time_s",
    "focalLengthMm": "focal_length_mm",
    "altitudeM": "altitude_m",
}
_FIELD_ORDER = (
    "v",
    "tags",
    "notes",
    "exif",
    "hash",
    "updated_at",
    "updated_by",
    "rating",
    "label",
    "favorite",
)

Fields = dict[str, object]


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A sidecar's fields by their snake_case names; unknown fields are among them, as they were found."""

    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def tags(self) -> list[str]:
        """The tags in the order written, without doubles."""
        return tag_list(self.fields.get("tags"))

    @property
    def notes(self) -> str:
        """The notes; "" where there are none."""
        notes = self.fields.get("notes")
        return notes if isinstance(notes, str) else ""

    @property
    def exif(self) -> Fields:
        """A copy of the `exif` object; {} where it is missing or no object."""
        exif = self.fields.get("exif")
        return dict(exif) if isinstance(exif, dict) else {}

    @property
    def hash(self) -> str | None:
        """``blake3:<hex>`` of the image, or None."""
        return text_or_none(self.fields.get("hash"))

    @property
    def updated_at(self) -> datetime | None:
        """When it was last edited, or None where the file does not say."""
        return parse_time(self.fields.get("updated_at"))

    @property
    def rating(self) -> int | None:
        """0 to 5, or None."""
        rating = self.fields.get("rating")
        return rating if type(rating) is int and 0 <= rating <= 5 else None

    @property
    def label(self) -> str | None:
        """A colour label such as ``red``, or None."""
        return text_or_none(self.fields.get("label"))

    @property
    def favorite(self) -> bool:
        """Whether it is a favourite."""
        return self.fields.get("favorite") is True

    @property
    def newer_format(self) -> str | None:
        """Why this version must not rewrite it: its `v` is one that we do not know yet. None where it may."""
        version = self.fields.get("v")
        if isinstance(version, bool) or not isinstance(version, int | float) or version <= SIDECAR_VERSION:
            return None
        return f"it is in format version {version}, and this Lenscat knows version {SIDECAR_VERSION}"

    @property
    def deleted(self) -> bool:
        """Whether this is an overlay's marker that hides the sidecar of the read-only library below."""
        return self.fields.get(DELETION_MARK) is True and self.fields.keys() <= _MARKER_FIELDS


@dataclass(frozen=True, slots=True)
class Edit:
    """What a client asks to write: its fields by their snake_case names, already checked, and the time it gives."""

    fields: Mapping[str, object]
    updated_at: datetime | None = None


def parse_sidecar(data: bytes) -> Sidecar:
    """The sidecar in `data`. Raises `SidecarDamagedError` where it is not one JSON object."""
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return parse_sidecar_exactly(data)
    return _as_sidecar(found, data)


def parse_sidecar_exactly(data: bytes) -> Sidecar:
    """Like `parse_sidecar`, but keeps whole numbers of any size; for rewriting a file without changing other fields."""
    return _as_sidecar(parse_json_exactly(data), data)


def parse_json_exactly(data: bytes) -> object:
    """The JSON value in `data`, whole numbers of any size kept. Raises `SidecarDamagedError` that says why not."""
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_finite_float)
    except (ValueError, RecursionError) as error:
        raise SidecarDamagedError(f"it is not valid JSON ({_reason(error)})") from error


def is_too_deep(value: object, data: bytes) -> bool:
    """Whether `value`, parsed from `data`, has more than `MAX_DEPTH` levels; nearly free where brackets are few."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return False
    level = [value]
    for _ in range(MAX_DEPTH):
        inside = [node.values() if isinstance(node, dict) else node for node in level if isinstance(node, dict | list)]
        level = [child for children in inside for child in children]
    return any(isinstance(node, dict | list) for node in level)


def serialize_sidecar(sidecar: Sidecar) -> bytes:
    """The sidecar as it is written: UTF-8, known fields first, indented for people."""
    known = {name: sidecar.fields[name] for name in _FIELD_ORDER if name in sidecar.fields}
    ordered = known | {name: value for name, value in sidecar.fields.items() if name not in known}
    try:
        return (json.dumps(ordered, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError:  # half a surrogate pair, which some writer escaped: keep it escaped
        return (json.dumps(ordered, indent=2, allow_nan=False) + "\n").encode()


def snake_case(fields: Mapping[str, object]) -> Fields:
    """`fields` with the camelCase names that other writers use turned into ours; snake_case wins where both stand."""
    renamed = {_CAMEL_CASE.get(name, name): value for name, value in fields.items() if name in _CAMEL_CASE}
    kept = {name: value for name, value in fields.items() if name not in _CAMEL_CASE}
    exif = kept.get("exif")
    if isinstance(exif, dict):
        written_otherwise = {_EXIF_CAMEL_CASE[name]: value for name, value in exif.items() if name in _EXIF_CAMEL_CASE}
        ours = {name: value for name, value in exif.items() if name not in _EXIF_CAMEL_CASE}
        kept["exif"] = {**ours, **written_otherwise, **ours}  # ours first, in their order
    return renamed | kept


def apply_edit(
    stored: Sidecar | None, edit: Edit, *, now: datetime, stored_at: datetime | None, matched: bool
) -> Sidecar:
    """The sidecar after `edit`. `stored_at` is when `stored` was last edited; `matched`: the client's If-Match held.

    Fields that are not sent survive. Without a match, a stored sidecar that is newer than the edit keeps its fields and
    gains the edit's tags. Times in the future count as now.
    """
    if stored is None:
        return _write_over({"v": SIDECAR_VERSION, "tags": [], "notes": ""}, edit, _at_most(edit.updated_at, now))
    stored_time = _at_most(stored_at, now)
    sent_time = _at_most(edit.updated_at, now)
    if matched:
        return _write_over(stored.fields, edit, sent_time if sent_time > stored_time else now)
    if stored_at is not None and stored_time > sent_time:
        return _keep_newer(stored, edit, stored_time)
    return _write_over(stored.fields, edit, sent_time)


def unite(first: Iterable[str], second: Iterable[str]) -> list[str]:
    """Both lists without doubles, the first's order first."""
    return list(dict.fromkeys([*first, *second]))


def tag_list(value: object) -> list[str]:
    """Tags from whatever a file holds: a list of texts, one text, or nothing."""
    if isinstance(value, str):
        return [value] if value else []
    if not isinstance(value, list):
        return []
    return list(dict.fromkeys(tag for tag in value if isinstance(tag, str) and tag))


def text_or_none(value: object) -> str | None:
    """`value` where it is a text that is not empty, else None."""
    return value if isinstance(value, str) and value else None


def _write_over(stored: Mapping[str, object], edit: Edit, moment: datetime) -> Sidecar:
    exif = {**_object(stored.get("exif")), **_object(edit.fields.get("exif"))}
    fields = {**stored, "updated_by": UNKNOWN_EDITOR, **edit.fields, "updated_at": format_time(moment)}
    if exif:
        fields["exif"] = exif
    cleared = ("rating", "label", "favorite")
    return Sidecar({name: value for name, value in fields.items() if not (name in cleared and value is None)})


def _keep_newer(stored: Sidecar, edit: Edit, stored_time: datetime) -> Sidecar:
    fields = {**{name: value for name, value in edit.fields.items() if value is not None}, **stored.fields}
    fields["tags"] = unite(stored.tags, tag_list(edit.fields.get("tags")))
    fields["notes"] = stored.notes
    fields["exif"] = {**_object(edit.fields.get("exif")), **stored.exif}
    fields["updated_at"] = format_time(stored_time)
    return Sidecar(fields)


def _at_most(moment: datetime | None, now: datetime) -> datetime:
    return now if moment is None else min(moment, now)


def _object(value: object) -> Fields:
    return value if isinstance(value, dict) else {}


def _as_sidecar(found: object, data: bytes) -> Sidecar:
    if not isinstance(found, dict):
        raise SidecarDamagedError("it holds JSON, but not an object in braces")
    if is_too_deep(found, data):
        raise SidecarDamagedError(f"it is nested more than {MAX_DEPTH} levels deep")
    return Sidecar(snake_case(found))


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} in line {error.lineno}"
    return "nested too deeply" if isinstance(error, RecursionError) else "not UTF-8, or a number out of range"


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("number out of range")
    return number

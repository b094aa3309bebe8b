"""Checking what a client sends as a sidecar."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from lenscat_backend.errors import InvalidSidecarError, SidecarDamagedError
from lenscat_backend.models.sidecar import (
    DELETION_MARK,
    MAX_DEPTH,
    PROBLEM,
    SIDECAR_VERSION,
    Edit,
    is_too_deep,
    parse_json_exactly,
    snake_case,
)
from lenscat_backend.models.times import parse_time

MAX_TAGS = 1000
MAX_TAG_CHARS = 256
MAX_NOTES_CHARS = 100_000
MAX_TEXT_CHARS = 1000
RATINGS = range(6)


def parse_body(data: bytes) -> object:
    """The JSON value that a client sent, whole numbers of any size kept. Raises `InvalidSidecarError`."""
    try:
        orjson.loads(data)  # stricter: UTF-8 only, no half of a surrogate pair
        value = parse_json_exactly(data)
    except (orjson.JSONDecodeError, SidecarDamagedError) as error:
        raise InvalidSidecarError(f"The body is not valid JSON: {error}.") from error
    if is_too_deep(value, data):
        raise InvalidSidecarError(f"The body is nested more than {MAX_DEPTH} levels deep.")
    return value


def parse_edit(body: object) -> Edit:
    """The edit in a client's JSON value; raises `InvalidSidecarError` that names the field and what it should be."""
    if not isinstance(body, dict):
        raise InvalidSidecarError('Send a JSON object, for example {"tags": ["portrait"], "notes": ""}.')
    fields = {name: value for name, value in snake_case(body).items() if name not in (DELETION_MARK, PROBLEM)}
    checked = {name: _CHECKS[name](name, value) if name in _CHECKS else value for name, value in fields.items()}
    updated_at = parse_time(checked.pop("updated_at", None))
    if checked.get("v") is None:
        checked.pop("v", None)
    return Edit(checked, updated_at)


def editable(changes: Mapping[str, object]) -> Edit:
    """The edit that a program's keyword arguments ask for, checked in the same way."""
    return parse_edit(dict(changes))


def _check_tags(name: str, value: object) -> object:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise InvalidSidecarError(f"'{name}' must be a list of texts.")
    tags = list(dict.fromkeys(stripped for tag in value if (stripped := tag.strip())))
    if len(tags) > MAX_TAGS:
        raise InvalidSidecarError(f"'{name}' holds {len(tags)} tags, more than {MAX_TAGS}.")
    if any(len(tag) > MAX_TAG_CHARS for tag in tags):
        raise InvalidSidecarError(f"A tag is longer than {MAX_TAG_CHARS} characters: put long texts into 'notes'.")
    return tags


def _check_notes(name: str, value: object) -> object:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_NOTES_CHARS:
        raise InvalidSidecarError(f"'{name}' must be a text of at most {MAX_NOTES_CHARS} characters.")
    return value


def _check_text(name: str, value: object) -> object:
    if value is not None and (not isinstance(value, str) or len(value) > MAX_TEXT_CHARS):
        raise InvalidSidecarError(f"'{name}' must be a text of at most {MAX_TEXT_CHARS} characters, or null.")
    return value


def _check_rating(name: str, value: object) -> object:
    if value is not None and (type(value) is not int or value not in RATINGS):
        raise InvalidSidecarError(f"'{name}' must be a whole number from 0 to 5, or null for none.")
    return value


def _check_favorite(name: str, value: object) -> object:
    if value is not None and type(value) is not bool:
        raise InvalidSidecarError(f"'{name}' must be true, false or null.")
    return value


def _check_exif(name: str, value: object) -> object:
    if value is not None and not isinstance(value, dict):
        raise InvalidSidecarError(f"'{name}' must be an object, or null.")
    return value or {}


def _check_time(name: str, value: object) -> object:
    if value is not None and parse_time(value) is None:
        raise InvalidSidecarError(f"'{name}' must be a time such as 2024-01-15T15:45:00Z.")
    return value


def _check_version(name: str, value: object) -> object:
    if value is not None and (type(value) is not int or value != SIDECAR_VERSION):
        raise InvalidSidecarError(f"'{name}' must be the whole number {SIDECAR_VERSION}, or left out.")
    return value


_CHECKS: dict[str, Callable[[str, object], object]] = {
    "v": _check_version,
    "tags": _check_tags,
    "notes": _check_notes,
    "exif": _check_exif,
    "hash": _check_text,
    "updated_at": _check_time,
    "updated_by": _check_text,
    "rating": _check_rating,
    "label": _check_text,
    "favorite": _check_favorite,
}

"""Pointer files: a folder that stands for another location."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from lenscat_backend.errors import CorruptError

TARGET_TYPES = {"local": "path", "s3": "bucket", "gs": "bucket", "az": "bucket"}
"""The kinds of target, and the field that each cannot do without."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a `.lenscat.folder.json` says."""

    label: str | None
    readonly: bool
    target: dict[str, object]


def parse_pointer(data: bytes) -> Pointer:
    """The pointer in `data`. Raises `CorruptError` that says which field is wrong."""
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise CorruptError(f"it is not valid JSON ({error.msg} in line {error.lineno})") from error
    if not isinstance(found, dict) or found.get("kind") != "pointer":
        raise CorruptError('"kind" must be "pointer"')
    target = found.get("target")
    kind = target.get("type") if isinstance(target, dict) else None
    if not isinstance(target, dict) or not isinstance(kind, str) or kind not in TARGET_TYPES:
        raise CorruptError(f'"target.type" must be one of {", ".join(TARGET_TYPES)}')
    needed = TARGET_TYPES[kind]
    if not isinstance(target.get(needed), str) or not target[needed]:
        raise CorruptError(f'"target.{needed}" is missing')
    label = found.get("label")
    return Pointer(label if isinstance(label, str) else None, found.get("readonly") is True, target)

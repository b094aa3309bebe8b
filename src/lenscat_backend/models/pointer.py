"""Pointer files: a folder that stands for another location."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import orjson

from lenscat_backend.errors import BrokenPointerError, InvalidPathError
from lenscat_backend.models.paths import ROOT, LibraryPath, parse_path

POINTER_FILE = ".lenscat.folder.json"
MAX_POINTER_BYTES = 64 * 1024
POINTER_VERSION = 1

BucketKind = Literal["s3", "gs", "az"]
BUCKET_KINDS: tuple[BucketKind, ...] = ("s3", "gs", "az")


@dataclass(frozen=True, slots=True)
class LocalTarget:
    """A folder of this machine; `path` is absolute, or relative to the root of the place that holds the pointer."""

    path: str


@dataclass(frozen=True, slots=True)
class BucketTarget:
    """A prefix in a bucket (for Azure: a container). What is "" is as the program is configured.

    `anonymous` sends unsigned requests, for buckets that are open to all.
    """

    kind: BucketKind
    bucket: str
    prefix: LibraryPath = ROOT
    region: str = ""
    endpoint: str = ""
    anonymous: bool = False


Target = LocalTarget | BucketTarget


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a `.lenscat.folder.json` says; `label` is "" where it has none."""

    target: Target
    label: str = ""
    readonly: bool = False


def parse_pointer(data: bytes) -> Pointer:
    """The pointer in `data`. Raises `BrokenPointerError` that says which field is wrong."""
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BrokenPointerError(f"it is not valid JSON ({error.msg} in line {error.lineno})") from error
    if not isinstance(found, dict) or found.get("kind") != "pointer":
        raise BrokenPointerError('"kind" must be "pointer"')
    if found.get("version", POINTER_VERSION) != POINTER_VERSION:
        raise BrokenPointerError(f'its "version" is not {POINTER_VERSION}: a newer program wrote it, update Lenscat')
    label, readonly = found.get("label"), found.get("readonly", False)
    if not isinstance(label, str | None):
        raise BrokenPointerError('"label" must be a text')
    if not isinstance(readonly, bool):
        raise BrokenPointerError('"readonly" must be true or false')
    return Pointer(_target(found.get("target")), label or "", readonly)


def serialize_pointer(pointer: Pointer) -> bytes:
    """The file that says it."""
    fields: dict[str, object] = {"version": POINTER_VERSION, "kind": "pointer"}
    if pointer.label:
        fields["label"] = pointer.label
    fields |= {"readonly": pointer.readonly, "target": _target_fields(pointer.target)}
    return orjson.dumps(fields, option=orjson.OPT_INDENT_2) + b"\n"


def describe_target(target: Target) -> str:
    """A target for people who may know where things lie: its path or URL."""
    if isinstance(target, LocalTarget):
        return target.path
    return f"{target.kind}://{target.bucket}" + (f"/{target.prefix}" if target.prefix else "")


def _target(found: object) -> Target:
    fields = found if isinstance(found, dict) else {}
    kind = fields.get("type")
    if kind == "local":
        path = _text(fields, "path", needed=True)
        if "\0" in path:
            raise BrokenPointerError('"target.path" cannot be a path')
        return LocalTarget(path)
    if kind not in BUCKET_KINDS:
        raise BrokenPointerError(f'"target.type" must be one of local, {", ".join(BUCKET_KINDS)}')
    return BucketTarget(
        cast("BucketKind", kind),
        _text(fields, "bucket", needed=True),
        _prefix(_text(fields, "prefix")),
        _text(fields, "region"),
        _text(fields, "endpoint"),
        _is_anonymous(fields.get("anonymous", False)),
    )


def _text(fields: dict[str, object], name: str, *, needed: bool = False) -> str:
    value = fields.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or (needed and not value):
        raise BrokenPointerError(f'"target.{name}" ' + ("is missing" if value in (None, "") else "must be a text"))
    return value


def _is_anonymous(value: object) -> bool:
    if not isinstance(value, bool):
        raise BrokenPointerError('"target.anonymous" must be true or false')
    return value


def _prefix(text: str) -> LibraryPath:
    try:
        return parse_path(text)
    except InvalidPathError as error:
        raise BrokenPointerError(f'"target.prefix" cannot be used: {error}') from error


def _target_fields(target: Target) -> dict[str, object]:
    if isinstance(target, LocalTarget):
        return {"type": "local", "path": target.path}
    fields: dict[str, object] = {"type": target.kind, "bucket": target.bucket}
    if target.prefix:
        fields["prefix"] = target.prefix + "/"
    given = {"region": target.region, "endpoint": target.endpoint, "anonymous": target.anonymous}
    return fields | {name: value for name, value in given.items() if value}

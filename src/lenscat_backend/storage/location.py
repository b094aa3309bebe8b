"""Where a library lies, from what a user typed: a folder or a URL."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast
from urllib.parse import quote_from_bytes, unquote_to_bytes

from lenscat_backend.errors import InvalidPathError, SettingsError
from lenscat_backend.models.paths import ROOT, LibraryPath, parse_path

Scheme = Literal["file", "memory", "s3", "gs", "az"]

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
"""Loosest of the three: S3 and Azure allow 63 characters, Google 222 with dots; the service says what it refuses."""
_KNOWN = "a folder, file:///folder, s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or memory:"


@dataclass(frozen=True, slots=True)
class Location:
    """A place that can hold a library. It need not exist, and never holds a secret.

    `path` is set for ``file`` and absolute. `bucket` (for Azure: the container) and `prefix` are set for object stores;
    the prefix has no slash at either end and may be empty.
    """

    scheme: Scheme
    path: Path | None = None
    bucket: str = ""
    prefix: LibraryPath = ROOT

    @property
    def url(self) -> str:
        """The location as text that `parse_location` takes again. For ``file`` it is a path of the host."""
        if self.scheme == "memory":
            return "memory:"
        if self.path is not None:
            return "file://" + quote_from_bytes(os.fsencode(self.path))
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")


def parse_location(text: str) -> Location:
    """The location that `text` names: a folder (``~`` is the home folder), or a URL. Does not touch the disk.

    ``file:`` URLs are percent-decoded (RFC 8089); the prefixes of object stores are taken as they are, the way their
    own tools do. `SettingsError` says what is wrong and what is allowed.
    """
    if not text.strip() or "\0" in text:
        raise SettingsError(f"No library is given: give {_KNOWN}.")
    if text in ("memory:", "memory://"):
        return Location("memory")
    match = _URL.fullmatch(text)
    if match is None:
        return _folder(text)
    scheme, rest = match[1].lower(), match[2]
    if scheme == "file":
        return _file_url(rest)
    if scheme in ("s3", "gs", "az"):
        return _bucket(cast("Scheme", scheme), rest)
    raise SettingsError(f"Libraries at {scheme}:// are not supported: give {_KNOWN}.")


def _folder(text: str) -> Location:
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:  # what pathlib raises for ~nobody
        raise SettingsError("The user named after '~' has no home folder here: write the folder out.") from error
    return Location("file", path=_normal(path))


def _file_url(rest: str) -> Location:
    host, slash, path = rest.partition("/")
    if host.lower() not in ("", "localhost") or not slash:
        raise SettingsError("A file URL has three slashes and the whole path: file:///folder.")
    raw = unquote_to_bytes("/" + path)
    if b"\0" in raw:
        raise SettingsError("The file URL contains a NUL character.")
    return Location("file", path=_normal(Path(os.fsdecode(raw))))


def _bucket(scheme: Scheme, rest: str) -> Location:
    bucket, _, prefix = rest.partition("/")
    if "@" in bucket:  # not repeated in the message: it may be a secret
        raise SettingsError("Leave user names and keys out of the URL: set them in the environment (AWS_* and such).")
    check_bucket(scheme, bucket)
    try:
        return Location(scheme, bucket=bucket, prefix=parse_path(prefix))
    except InvalidPathError as error:
        raise SettingsError(f"The prefix after the bucket is not usable: {error}") from error


def check_bucket(scheme: Scheme, bucket: str) -> None:
    """Raise `SettingsError` where no bucket can have that name: client libraries do not all bear such."""
    if not _BUCKET.fullmatch(bucket):
        raise SettingsError(f"The URL has no valid bucket name: give {scheme}://bucket/prefix.")


def _normal(path: Path) -> Path:
    # normpath takes '..' by the letter, without the disk: ~/pictures/../more is what its user sees
    return Path(os.path.normpath(path.absolute()))

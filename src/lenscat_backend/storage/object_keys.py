"""From library paths to the keys of an object store and back, and from what a listing tells to entries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from lenscat_backend.errors import InvalidPathError
from lenscat_backend.models.paths import MAX_PATH_CHARS, LibraryPath, decode_name, encode_name
from lenscat_backend.storage.base import Entry

MAX_KEY_BYTES = 1024
"""Of S3 and Google Cloud Storage, in UTF-8 (Azure: 1,024 characters)."""

SECOND_NS = 1_000_000_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ODD = re.compile(r"[\x00-\x1f\x7f]|(?:^|/)\.{0,2}(?:/|$)")
"""A control character, or a segment that is empty or dots only."""
_NOT_PLAIN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f/]|\n\.|\n\n|\n\Z")
"""In names each after a line's end: what is odd or hidden."""


_new = tuple.__new__
"""Makes a named tuple in half the time: a large folder has many entries."""


class Found(NamedTuple):
    """One object: its whole key, size in bytes, time in nanoseconds since 1970, ETag without quotes.

    The time is cut to whole seconds, which is all that a GET tells.
    """

    key: str
    size: int
    mtime_ns: int
    etag: str

    def entry(self, name: str) -> Entry:
        """As the entry `name` of its folder."""
        _, size, mtime_ns, etag = self
        return _new(Entry, (name, False, size, mtime_ns, f"{etag}-{size:x}", True, 0))  # as `entry_etag`, but at once


def entry_etag(etag: str, size: int) -> str:
    """The listing etag of an object."""
    return f"{etag}-{size:x}"


def object_etag(etag: str) -> str:
    """The object's own ETag, from what `entry_etag` made."""
    return etag.rpartition("-")[0]


def folder_entry(name: str) -> Entry:
    """The entry of a folder: object stores know nothing of it but its name."""
    return Entry(name, True, 0, 0, "", True)


def key_of(prefix: LibraryPath, path: LibraryPath) -> str:
    """The key of the file at `path`; `InvalidPathError` where no object can have it, or for the root."""
    if not path:
        raise InvalidPathError("The library itself is a folder, not a file: name a file.")
    if _CONTROL.search(path):
        raise InvalidPathError(f"Object stores do not take the name of {path!r}: leave out control characters.")
    key = f"{prefix}/{path}" if prefix else path
    if len(key) * 4 > MAX_KEY_BYTES and len(key.encode()) > MAX_KEY_BYTES:
        raise InvalidPathError(f"The path is longer than the {MAX_KEY_BYTES} bytes of an object's key: shorten it.")
    return key


def folder_key(prefix: LibraryPath, folder: LibraryPath) -> str:
    """What the keys in `folder` begin with: "" or something that ends in a slash."""
    if not folder:
        return f"{prefix}/" if prefix else ""
    return key_of(prefix, folder) + "/"


def are_plain(names: Sequence[str]) -> bool:
    """Whether all of many names are surely neither odd nor hidden, found out at once; False says nothing."""
    text = "\n" + "\n".join(names)
    plain = text.isascii() and not _NOT_PLAIN.search(text) and text.count("\n") == len(names)
    return plain and max(map(len, names), default=0) <= MAX_PATH_CHARS


def why_odd(rest: str) -> str:
    """Why the key that goes on with `rest` below a folder cannot be shown; "" where it can."""
    if _ODD.search(rest):
        return _why(rest)
    if not rest.isascii() and decode_name(encode_name(rest)) != rest:
        return "spells a name in a second way"
    return "is too long" if len(rest) > MAX_PATH_CHARS else ""


def _why(rest: str) -> str:
    if _CONTROL.search(rest):
        return "holds a control character"
    return "has an empty name between slashes" if "" in rest.split("/") else "has a name of dots only"


def problem(rest: str, why: str) -> str:
    """How a listing says that it leaves out the key that goes on with `rest`."""
    return f"{rest!r} cannot be shown, because its key {why}: rename the object."

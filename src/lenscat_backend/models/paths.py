"""Library paths: relative to the library's root, ``/`` between segments, the root itself the empty string."""

from __future__ import annotations

from typing import NewType

from lenscat_backend.errors import InvalidPathError

LibraryPath = NewType("LibraryPath", str)
"""A validated library path. Only `parse_path`, `join` and stores make one, so a raw string never reaches a store."""

ROOT = LibraryPath("")
MAX_PATH_CHARS = 4096
MAX_NAME_BYTES = 255
"""Longest file name of the common file systems (ext4, XFS, APFS, NTFS), in bytes."""

_ESCAPE_BASE = 0x10FE00
"""A byte 0xNN that is not UTF-8 is written as the private-use character U+10FENN (see `decode_name`)."""
_SURROGATE_TO_ESCAPE = {0xDC00 + byte: _ESCAPE_BASE + byte for byte in range(0x80, 0x100)}
_ESCAPE_TO_SURROGATE = {escape: surrogate for surrogate, escape in _SURROGATE_TO_ESCAPE.items()}


def parse_path(raw: str) -> LibraryPath:
    """A library path from what a client sent; raises `InvalidPathError` that says which part is wrong.

    A trailing slash and the lone ``/`` (the root) are accepted, everything else must be canonical.
    """
    if raw in ("", "/"):
        return ROOT
    path = raw[:-1] if raw.endswith("/") else raw
    if len(path) > MAX_PATH_CHARS:
        raise InvalidPathError(f"The path has more than {MAX_PATH_CHARS} characters.")
    if path.startswith("/"):
        raise InvalidPathError("Paths are relative to the library: leave out the leading '/'.")
    if "\0" in path:
        raise InvalidPathError("The path contains a NUL character.")
    for segment in path.split("/"):
        if segment in ("", ".", ".."):
            raise InvalidPathError(f"The path has a segment {segment!r}, which is not allowed: name the folder itself.")
        if any(0xD800 <= ord(char) <= 0xDFFF for char in segment):
            raise InvalidPathError("The path contains half of a surrogate pair, which is no character.")
    if not path.isascii() and decode_name(encode_name(path)) != path:
        raise InvalidPathError("The path spells a name in a second way: use the path that a listing gives.")
    return LibraryPath(path)


def join(folder: LibraryPath, name: str) -> LibraryPath:
    """The path of the entry `name` of `folder`."""
    return LibraryPath(f"{folder}/{name}" if folder else name)


def split(path: LibraryPath) -> tuple[LibraryPath, str]:
    """The folder and the name of `path`; the root is ``("", "")``."""
    folder, _, name = path.rpartition("/")
    return LibraryPath(folder), name


def is_hidden(path: LibraryPath) -> bool:
    """Whether any segment of `path` starts with a dot."""
    return path.startswith(".") or "/." in path


def decode_name(raw: bytes) -> str:
    """A file name's bytes as text that is always valid Unicode, and reversible by `encode_name`.

    Bytes that are not UTF-8 become private-use characters U+10FE80 to U+10FEFF, one a byte; a name that really
    contains such a character has its bytes escaped the same way, so that no two names collide.
    """
    text = raw.decode("utf-8", "surrogateescape")
    if text.isascii():
        return text
    if any(_ESCAPE_BASE <= ord(char) <= _ESCAPE_BASE + 0xFF for char in text):
        text = "".join(_escape_char(char) for char in text)
    return text.translate(_SURROGATE_TO_ESCAPE)


def encode_name(name: str) -> bytes:
    """The bytes on disk of a name, or of a whole path, made by `decode_name`."""
    if name.isascii():
        return name.encode("ascii")
    return name.translate(_ESCAPE_TO_SURROGATE).encode("utf-8", "surrogateescape")


def _escape_char(char: str) -> str:
    if not _ESCAPE_BASE <= ord(char) <= _ESCAPE_BASE + 0xFF:
        return char
    return "".join(chr(_ESCAPE_BASE + byte) for byte in char.encode("utf-8"))

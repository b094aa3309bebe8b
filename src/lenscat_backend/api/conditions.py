"""Conditional requests and ranges (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
from typing import NamedTuple

from lenscat_backend.errors import InvalidError

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\U0010ffff]*)"')
_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*", re.ASCII)
_MAX_DIGITS = 18


class ByteRange(NamedTuple):
    """Bytes `start` to `end`, the end excluded."""

    start: int
    end: int


def etag_matches(header: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names `etag` (weak comparison, RFC 9110 section 13.1.2)."""
    if header is None:
        return False
    return header.strip() == "*" or etag in {tag for _, tag in _TAG.findall(header)}


def strong_etags(header: str | None) -> frozenset[str] | None:
    """The strong ETags of an If-Match header, {"*"} for any, None where there is no such header.

    Weak ones never match (RFC 9110 section 13.1.1). Raises `InvalidError` for a header that holds no ETag at all.
    """
    if header is None:
        return None
    if header.strip() == "*":
        return frozenset("*")
    found = _TAG.findall(header)
    if not found:
        raise InvalidError('If-Match must hold an ETag in quotes, as in If-Match: "5f3a", or *.')
    return frozenset(tag for weak, tag in found if not weak)


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The one range that a Range header asks for, clipped to `size`; None: send everything.

    Several ranges, other units and malformed headers are ignored, as RFC 9110 section 14.2 allows. Raises `ValueError`
    for a range that begins beyond the end (416).
    """
    match = None if header is None else _RANGE.fullmatch(header)
    if match is None or match[1] == match[2] == "" or max(len(match[1]), len(match[2])) > _MAX_DIGITS:
        return None
    if match[1] == "":
        length = min(int(match[2]), size)
        if length == 0:
            raise ValueError("an empty suffix")
        return ByteRange(size - length, size)
    start, end = int(match[1]), size if match[2] == "" else int(match[2]) + 1
    if match[2] != "" and end <= start:
        return None
    if start >= size:
        raise ValueError("beyond the end")
    return ByteRange(start, min(end, size))

"""The TIFF structure that TIFF files and EXIF blocks share: image file directories of tagged values.

Source: TIFF 6.0 section 2; BigTIFF for 64-bit offsets. Directories are never chained here, so no loop is possible.
This is the inner loop of a scan: entries stay plain tuples and the common types have a short way each.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from struct import Struct
from typing import NamedTuple

from lenscat_backend.imaging.metadata import MAX_TEXT, clean_text

MAX_ENTRIES = 2000
_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL, _UNDEFINED = 1, 2, 3, 4, 5, 7
_SSHORT, _SLONG, _SRATIONAL, _FLOAT, _DOUBLE, _IFD, _LONG8 = 8, 9, 10, 11, 12, 13, 16
_TEXT_TYPES = frozenset({_BYTE, _ASCII, _UNDEFINED})

Fetch = Callable[[int, int], bytes]
Entry = tuple[int, int, int, bytes]
"""One tagged value: tag, TIFF type, count, and the value itself or, where it is too long for that, its offset."""


class _Layout(NamedTuple):
    """How one byte order and offset size packs things."""

    length: Struct
    entry: Struct
    offset: Struct
    short: Struct
    numbers: dict[int, Struct]
    ratios: dict[int, tuple[Struct, Struct, Struct]]


def _layout(order: str, big: bool) -> _Layout:
    codes = {_BYTE: "B", _SHORT: "H", _LONG: "I", _SSHORT: "h", _SLONG: "i", _FLOAT: "f", _DOUBLE: "d", _IFD: "I"}
    codes[_LONG8] = "Q"

    def up_to_three(pair: str) -> tuple[Struct, Struct, Struct]:
        return Struct(order + pair), Struct(order + 2 * pair), Struct(order + 3 * pair)

    return _Layout(
        length=Struct(order + ("Q" if big else "H")),
        entry=Struct(order + ("HHQ8s" if big else "HHI4s")),
        offset=Struct(order + ("Q" if big else "I")),
        short=Struct(order + "H"),
        numbers={kind: Struct(order + code) for kind, code in codes.items()},
        ratios={_RATIONAL: up_to_three("II"), _SRATIONAL: up_to_three("ii")},
    )


_LAYOUTS = {
    b"II*\0": _layout("<", big=False),
    b"MM\0*": _layout(">", big=False),
    b"II+\0": _layout("<", big=True),
    b"MM\0+": _layout(">", big=True),
}
MAGICS = frozenset(_LAYOUTS)


class Tiff:
    """An opened TIFF structure; `first` is the offset of its first directory. Values that lie outside are None."""

    __slots__ = ("_fetch", "_layout", "first")

    def __init__(self, fetch: Fetch, layout: _Layout, first: int) -> None:
        self._fetch = fetch
        self._layout = layout
        self.first = first

    def entries(self, offset: int, wanted: frozenset[int]) -> dict[int, Entry]:
        """The wanted entries of the directory at `offset`, by tag, the first of each; what is cut off is missing."""
        layout = self._layout
        width = layout.length.size
        head = self._fetch(offset, width)
        if len(head) < width:
            return {}
        size = layout.entry.size
        block = self._fetch(offset + width, min(layout.length.unpack(head)[0], MAX_ENTRIES) * size)
        if len(block) % size:
            block = block[: len(block) // size * size]
        found = [entry for entry in layout.entry.iter_unpack(block) if entry[0] in wanted]
        found.reverse()
        return {entry[0]: entry for entry in found}

    def blob(self, entry: Entry, limit: int) -> bytes:
        """The bytes of a value of single bytes, at most `limit`."""
        _, _, count, raw = entry
        if count <= len(raw):
            return raw[:count]
        return self._fetch(self._layout.offset.unpack(raw)[0], count if count < limit else limit)

    def text(self, entry: Entry, limit: int = MAX_TEXT) -> str | None:
        """A text value, cleaned."""
        if entry[1] not in _TEXT_TYPES:
            return None
        return clean_text(self.blob(entry, 4 * limit), limit)

    def number(self, entry: Entry) -> float | None:
        """The first number of an integer or floating-point value."""
        _, kind, count, raw = entry
        number = self._layout.numbers.get(kind)
        if number is None or not count:
            return None
        if number.size * count > len(raw):
            raw = self._fetch(self._layout.offset.unpack(raw)[0], number.size)
            if len(raw) < number.size:
                return None
        value: float = number.unpack_from(raw)[0]
        return value if isinstance(value, int) or isfinite(value) else None

    def integer(self, entry: Entry) -> int | None:
        """The first number of an integer value."""
        if entry[1] == _SHORT and entry[2] == 1:
            value: int = self._layout.short.unpack_from(entry[3])[0]
            return value
        found = self.number(entry)
        return found if isinstance(found, int) else None

    def ratio(self, entry: Entry) -> float | None:
        """One rational, or a plain number where a writer chose another type; None for a zero denominator."""
        _, kind, _, raw = entry
        structs = self._layout.ratios.get(kind)
        if structs is None:
            return self.number(entry)
        if len(raw) < 8:
            raw = self._fetch(self._layout.offset.unpack(raw)[0], 8)
        if len(raw) < 8:
            return None
        above, below = structs[0].unpack(raw)
        return above / below if below else None

    def ratios(self, entry: Entry) -> tuple[int, ...]:
        """The first rationals, at most three, each as numerator and denominator; () where it is not those."""
        _, kind, count, raw = entry
        structs = self._layout.ratios.get(kind)
        if structs is None or not count:
            return ()
        struct = structs[count - 1] if count < 3 else structs[2]
        size = struct.size
        if size > len(raw):
            raw = self._fetch(self._layout.offset.unpack(raw)[0], size)
        return struct.unpack(raw) if len(raw) == size else ()


def open_tiff(fetch: Fetch) -> Tiff | None:
    """The structure that starts at offset 0 of what `fetch` reads; None where it is none."""
    head = fetch(0, 16)
    layout = _LAYOUTS.get(head[:4])
    if layout is None:
        return None
    start = layout.offset.size  # 4, or 8 behind BigTIFF's two constants
    if len(head) < 2 * start:
        return None
    return Tiff(fetch, layout, layout.offset.unpack_from(head, start)[0])


def open_tiff_block(block: bytes) -> Tiff | None:
    """The structure held in `block`, with or without the ``Exif\\0\\0`` that JPEG puts before it."""
    if block[:4] == b"Exif":
        block = block[6:]

    def fetch(offset: int, length: int) -> bytes:
        return block[offset : offset + length]

    return open_tiff(fetch)

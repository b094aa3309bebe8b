"""Multi-Picture Format (CIPA DC-007-2009): where a JPEG file says that it holds further JPEGs behind its own.

The segment ("MPF\\0" in APP2) holds a TIFF structure. Offsets in it count from that structure's first byte, except that
the first picture, which is the file's own, begins where the file does.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from lenscat_backend.imaging.tiff import open_tiff_block

SIGNATURE = b"MPF\0"
_MP_ENTRY = 0xB002
_PRIMARY, _VGA, _FULL_HD = 0x030000, 0x010001, 0x010002
_LARGE_THUMBNAILS = frozenset({_VGA, _FULL_HD})
_TYPE, _FORMAT = 0xFFFFFF, 0x7000000  # bits of an entry's attribute; a format of 0 is JPEG
_MAX_PICTURES = 32
_SHORTEST = 4


class Span(NamedTuple):
    """Bytes `offset` to `offset + length` (end excluded) of a file."""

    offset: int
    length: int


def large_thumbnails(segment: bytes, at: int) -> list[Span]:
    """The JPEGs made for monitors (classes VGA and full HD), smallest first; `segment` begins at `at` in its file.

    Nothing where the first entry is not the file's own picture, or a thumbnail would lie inside that.
    """
    block = segment[len(SIGNATURE) :]
    tiff = open_tiff_block(block)
    entry = None if tiff is None else tiff.entries(tiff.first, frozenset({_MP_ENTRY})).get(_MP_ENTRY)
    if tiff is None or entry is None:
        return []
    order = "<" if block[:2] == b"II" else ">"
    struct = Struct(order + "IIIHH")  # attribute, size, offset, two dependent pictures
    table = tiff.blob(entry, _MAX_PICTURES * struct.size)
    pictures = list(struct.iter_unpack(table[: len(table) // struct.size * struct.size]))
    if not pictures or pictures[0][0] & _TYPE != _PRIMARY or pictures[0][2] != 0:
        return []
    end_of_primary = pictures[0][1]
    start = at + len(SIGNATURE)
    spans = [
        Span(start + offset, size)
        for attribute, size, offset, _, _ in pictures[1:]
        if attribute & _TYPE in _LARGE_THUMBNAILS and not attribute & _FORMAT and size > _SHORTEST
    ]
    return sorted((span for span in spans if span.offset >= end_of_primary), key=lambda span: span.length)

"""GIF headers (GIF89a): the logical screen, and an XMP extension where one comes before the first picture."""

from __future__ import annotations

from lenscat_backend.errors import CorruptImageError
from lenscat_backend.imaging.source import ByteSource, Header

_XMP = b"\x0bXMP DataXMP"
_XMP_END = b"\x01\xff\xfe"  # the trailer that makes the raw packet a valid chain of sub-blocks
_EXTENSION, _APPLICATION = 0x21, 0xFF
_MAX_BLOCKS = 1000


def read_gif(source: ByteSource, head: bytes) -> Header:
    """The logical screen's dimensions; frames outside it are cut, as browsers do."""
    if len(head) < 13:
        raise CorruptImageError("The GIF file ends within its header.")
    header = Header(int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little"))
    if _XMP in head:
        header.xmp = _find_xmp(head)
    return header


def _find_xmp(head: bytes) -> bytes | None:
    flags = head[10]
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    for _ in range(_MAX_BLOCKS):
        if at + 2 >= len(head) or head[at] != _EXTENSION:
            return None
        if head[at + 1] == _APPLICATION and head.startswith(_XMP, at + 2):
            start = at + 2 + len(_XMP)
            end = head.find(_XMP_END, start)
            return head[start:end] if end > 0 else None
        at = _after_sub_blocks(head, at + 2)
    return None


def _after_sub_blocks(head: bytes, at: int) -> int:
    while at < len(head) and head[at]:
        at += 1 + head[at]
    return at + 1

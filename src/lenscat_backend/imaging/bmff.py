"""Boxes of the ISO base media file format (ISO/IEC 14496-12) and the items of a HEIF meta box (ISO/IEC 23008-12)."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from lenscat_backend.imaging.source import Reader

MAX_META_BYTES = 2 * 1024 * 1024
MAX_ITEM_BYTES = 1024 * 1024
_MAX_TOP_BOXES = 64
_MAX_EXTENTS = 64
_U16, _U32, _U64 = Struct(">H"), Struct(">I"), Struct(">Q")


class Box(NamedTuple):
    """One box within some bytes: its type, and where its content starts and ends."""

    kind: bytes
    start: int
    end: int


class Cursor:
    """Big-endian numbers one after another; past the end they raise `IndexError`."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data = data
        self.at = at
        self.end = min(end, len(data))

    def number(self, size: int) -> int:
        """The next `size` bytes as an unsigned number; 0 where `size` is 0."""
        if self.at + size > self.end:
            raise IndexError("the box ends here")
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "big")

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if self.at + size > self.end:
            raise IndexError("the box ends here")
        self.at += size
        return self.data[self.at - size : self.at]

    def text(self) -> bytes:
        """The bytes up to the next NUL, which is skipped."""
        stop = self.data.find(b"\0", self.at, self.end)
        stop = self.end if stop < 0 else stop
        found = self.data[self.at : stop]
        self.at = min(stop + 1, self.end)
        return found


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes between `start` and `end`; ends at the first one that does not fit."""
    while start + 8 <= end:
        size, kind, body = _U32.unpack_from(data, start)[0], data[start + 4 : start + 8], start + 8
        if size == 1 and start + 16 <= end:
            size, body = _U64.unpack_from(data, start + 8)[0], start + 16
        elif size == 0:
            size = end - start
        if size < body - start or start + size > end:
            return
        yield Box(kind, body, start + size)
        start += size


def find_box(data: bytes, start: int, end: int, kind: bytes) -> Box | None:
    """The first box of that type."""
    return next((box for box in boxes(data, start, end) if box.kind == kind), None)


def read_top_box(reader: Reader, kinds: tuple[bytes, ...]) -> tuple[bytes, bytes] | None:
    """Type and content of the first box of the file that is one of `kinds`; None where there is none."""
    at = 0
    for _ in range(_MAX_TOP_BOXES):
        start = reader.fetch(at, 16)
        if len(start) < 8:
            return None
        size, kind, header = _U32.unpack_from(start)[0], start[4:8], 8
        if size == 1 and len(start) == 16:
            size, header = _U64.unpack_from(start, 8)[0], 16
        elif size == 0:
            size = max(reader.size - at, 8)
        if size < header:
            return None
        if kind in kinds:
            return kind, reader.fetch(at + header, min(size - header, MAX_META_BYTES))
        at += size
    return None


class Items:
    """The items that a meta box declares: their types and where their bytes lie."""

    def __init__(self, reader: Reader, meta: bytes) -> None:
        self._reader = reader
        self._meta = meta
        self._parts = {box.kind: box for box in reversed(list(boxes(meta, 4, len(meta))))}
        self.types = self._read_types()

    def part(self, kind: bytes) -> Cursor | None:
        """A cursor at the content of the meta box's first child of that type."""
        box = self._parts.get(kind)
        return None if box is None else Cursor(self._meta, box.start, box.end)

    def primary(self) -> int | None:
        """The primary item's number (pitm)."""
        cursor = self.part(b"pitm")
        if cursor is None:
            return None
        version = cursor.number(4) >> 24
        return cursor.number(2 if version == 0 else 4)

    def of_type(self, kind: bytes, content_type: bytes = b"") -> int | None:
        """The first item of that type (and MIME type)."""
        return next((number for number, known in self.types.items() if known == (kind, content_type)), None)

    def read(self, number: int, limit: int = MAX_ITEM_BYTES) -> bytes:
        """The item's bytes (iloc), b"" where they cannot be found."""
        found = b""
        for method, offset, length in self._extents(number):
            length = min(length or limit, limit - len(found))
            if method == 0:
                found += self._reader.fetch(offset, length)
            elif method == 1 and (store := self._parts.get(b"idat")) is not None:
                found += self._meta[store.start + offset : min(store.start + offset + length, store.end)]
            if len(found) >= limit:
                break
        return found

    def _read_types(self) -> dict[int, tuple[bytes, bytes]]:
        """By item number its type and MIME type (iinf with infe versions 2 and 3)."""
        cursor = self.part(b"iinf")
        types: dict[int, tuple[bytes, bytes]] = {}
        if cursor is None:
            return types
        version = cursor.number(4) >> 24
        cursor.number(2 if version == 0 else 4)
        for box in boxes(self._meta, cursor.at, cursor.end):
            version = self._meta[box.start]
            if box.kind != b"infe" or version < 2:
                continue
            at = box.start + (6 if version == 2 else 8)  # behind the number; then comes the protection index
            number = int.from_bytes(self._meta[box.start + 4 : at], "big")
            kind = self._meta[at + 2 : at + 6]
            types[number] = (kind, self._content_type(at + 6, box.end) if kind == b"mime" else b"")
        return types

    def _content_type(self, at: int, end: int) -> bytes:
        """The MIME type, the second of the texts at `at`."""
        cursor = Cursor(self._meta, at, end)
        cursor.text()
        return cursor.text()

    def _extents(self, wanted: int) -> list[tuple[int, int, int]]:
        """Construction method, offset and length of each piece of an item."""
        cursor = self.part(b"iloc")
        if cursor is None:
            return []
        version = cursor.number(4) >> 24
        sizes = cursor.number(2)
        offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
        index_size = sizes & 15 if version else 0
        number_size, method_size = 2 if version < 2 else 4, 2 if version else 0
        items = cursor.number(number_size)
        data, at = cursor.data, cursor.at
        for _ in range(items):  # a picture of many tiles has many items: skip those not wanted at once
            found = int.from_bytes(data[at : at + number_size], "big")
            if found == wanted or at >= cursor.end:
                break
            at += number_size + method_size + 2 + base_size + 2
            at += int.from_bytes(data[at - 2 : at], "big") * (index_size + offset_size + length_size)
        else:
            return []
        cursor.at = at + number_size
        method = cursor.number(method_size) & 15
        cursor.number(2)
        base = cursor.number(base_size)
        extents = []
        for _ in range(min(cursor.number(2), _MAX_EXTENTS)):
            cursor.number(index_size)
            extents.append((method, base + cursor.number(offset_size), cursor.number(length_size)))
        return extents

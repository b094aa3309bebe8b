"""Where the bytes of an image come from, and what the header of any format gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lenscat_backend.imaging.tiff import Tiff

HEAD_BYTES = 65536
"""What the first read asks for: it holds the header and metadata of nearly every photograph (measured: reading 64 KiB
from a warm local disk costs 5 µs against 1 µs for 4 KiB, a second request to an object store costs milliseconds)."""

AHEAD_BYTES = 16384
"""What a later read asks for at least, since the next value wanted usually lies close behind."""

MAX_FETCH_BYTES = 4 * 1024 * 1024


class ByteSource(Protocol):
    """An image file's bytes, by ranges."""

    @property
    def size(self) -> int:
        """Length of the file in bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Bytes `offset` to `offset + length` (end excluded), fewer at the end of the file, b"" beyond it."""
        ...


class Header:
    """What a format's header reader found; parts that are missing stay None.

    `upright`: the dimensions are already as displayed and the EXIF orientation must not be applied (HEIF, AVIF).
    `xmp` is an XML packet, `iptc` a sequence of IIM data sets, `exif` an opened TIFF structure.
    """

    __slots__ = ("exif", "height", "iptc", "upright", "width", "xmp")

    def __init__(self, width: int = 0, height: int = 0, *, upright: bool = False) -> None:
        self.width = width
        self.height = height
        self.upright = upright
        self.exif: Tiff | None = None
        self.xmp: bytes | None = None
        self.iptc: bytes | None = None


class Reader:
    """Random access to a source through its head and one more window, so that close values cost one read."""

    __slots__ = ("_head", "_source", "_start", "_window", "size")

    def __init__(self, source: ByteSource, head: bytes) -> None:
        self.size = source.size
        self._source = source
        self._head = head
        self._window = b""
        self._start = 0

    def fetch(self, offset: int, length: int) -> bytes:
        """Bytes at `offset`, fewer at the end of the file, and never more than `MAX_FETCH_BYTES`."""
        length = min(length, MAX_FETCH_BYTES)
        if offset + length <= len(self._head) or len(self._head) < HEAD_BYTES:
            return self._head[offset : offset + length]
        start = offset - self._start
        if start < 0 or start + length > len(self._window):
            if offset >= self.size:
                return b""
            self._window, self._start, start = self._source.read(offset, max(length, AHEAD_BYTES)), offset, 0
        return self._window[start : start + length]

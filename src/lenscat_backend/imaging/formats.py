"""The one table of image formats: names, types, how their header is read, whether a browser shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lenscat_backend.imaging.header_gif import read_gif
from lenscat_backend.imaging.header_heif import read_heif
from lenscat_backend.imaging.header_jpeg import read_jpeg
from lenscat_backend.imaging.header_png import read_png
from lenscat_backend.imaging.header_tiff import read_tiff
from lenscat_backend.imaging.header_webp import read_webp
from lenscat_backend.imaging.source import ByteSource, Header
from lenscat_backend.imaging.tiff import MAGICS

SNIFF_BYTES = 64
"""How many bytes `sniff` looks at, at most."""


@dataclass(frozen=True, slots=True)
class Format:
    """One image format. `extensions` are in lower case with their dot; `browser`: every current browser shows it.

    `read_header` takes the source and its first `HEAD_BYTES`, and raises `CorruptImageError` where no dimensions
    can be had.
    """

    name: str
    mime: str
    extensions: tuple[str, ...]
    browser: bool
    read_header: Callable[[ByteSource, bytes], Header]


JPEG = Format("jpeg", "image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif"), True, read_jpeg)
PNG = Format("png", "image/png", (".png", ".apng"), True, read_png)
WEBP = Format("webp", "image/webp", (".webp",), True, read_webp)
GIF = Format("gif", "image/gif", (".gif",), True, read_gif)
AVIF = Format("avif", "image/avif", (".avif", ".avifs"), True, read_heif)
TIFF = Format("tiff", "image/tiff", (".tif", ".tiff"), False, read_tiff)
HEIC = Format("heic", "image/heic", (".heic", ".heif", ".hif"), False, read_heif)
FORMATS: tuple[Format, ...] = (JPEG, PNG, WEBP, GIF, AVIF, TIFF, HEIC)

MIME_TYPES = {entry.name: entry.mime for entry in FORMATS}
_BY_EXTENSION = {extension[1:]: entry for entry in FORMATS for extension in entry.extensions}
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_NEUTRAL_BRANDS = frozenset({b"mif1", b"msf1", b"mif2", b"miaf"})  # HEIF structure, the codec is told elsewhere


def format_of_name(name: str) -> Format | None:
    """The format that the name's extension claims, in any case; a name of only an extension (".jpg") is none."""
    stem, _, extension = name.rpartition(".")
    if not stem:
        return None
    return _BY_EXTENSION.get(extension) or _BY_EXTENSION.get(extension.lower())


def is_image_name(name: str) -> bool:
    """Whether the name's extension is one of a supported format."""
    return format_of_name(name) is not None


def sniff(head: bytes) -> Format | None:
    """The format that the first bytes (at most 64 are looked at) really are; None for anything else."""
    if head[:3] == b"\xff\xd8\xff":
        return JPEG
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return PNG
    if head[:4] == b"RIFF":
        return WEBP if head[8:12] == b"WEBP" else None
    if head[:6] in (b"GIF89a", b"GIF87a"):
        return GIF
    if head[:4] in MAGICS:
        return TIFF
    return _sniff_heif(head) if head[4:8] == b"ftyp" else None


def _sniff_heif(head: bytes) -> Format | None:
    """By the major brand, or by the compatible brands where the major one leaves the codec open."""
    major = head[8:12]
    end = min(int.from_bytes(head[:4], "big"), SNIFF_BYTES)
    compatible = {head[at : at + 4] for at in range(16, end, 4)}
    if major in _AVIF_BRANDS or (major in _NEUTRAL_BRANDS and compatible & _AVIF_BRANDS):
        return AVIF
    return HEIC if major in _HEIC_BRANDS or major in _NEUTRAL_BRANDS else None

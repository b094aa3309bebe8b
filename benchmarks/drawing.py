"""Pictures that compress and decode like photographs, drawn from numbers; and copies whose bytes are unique."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

_OCTAVES = 8
_NOISE = 6
"""Standard deviation of the sensor noise in 1/255: gives files as large as a phone's."""


def draw_photo(seed: int, width: int, height: int) -> Image.Image:
    """Gradients, texture of many sizes and sensor noise. Same arguments, same picture."""
    rng = np.random.default_rng(seed)
    top, bottom = (rng.uniform(60, 200, 3).astype(np.float32) for _ in range(2))
    slope = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    picture = np.broadcast_to(top * (1 - slope) + bottom * slope, (height, width, 3)).copy()
    for octave in range(1, _OCTAVES + 1):
        cells = 2**octave
        light = rng.random((cells, cells, 1)) * 0.85 + rng.random((cells, cells, 3)) * 0.15
        layer = Image.fromarray((light * 255).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
        picture += (np.asarray(layer, np.float32) - 128) * 0.75**octave
    picture += rng.standard_normal((height, width, 1), np.float32) * _NOISE
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def encoded(picture: Image.Image, kind: str, date: str | None = None) -> bytes:
    """The picture as "JPEG", "PNG" or "WEBP"; with a `date` ("2020:01:02 03:04:05") a camera's EXIF too."""
    options: dict[str, object] = {"quality": 88} if kind != "PNG" else {}
    if date is not None and kind != "PNG":
        exif = Image.Exif()
        exif[271], exif[272] = "Lenscat", "Benchmark"
        exif.get_ifd(0x8769)[36867] = date
        options["exif"] = exif
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def unique_copy(kind: str, data: bytes, number: int) -> bytes:
    """The same picture in other bytes: a comment segment (JPEG), a text chunk (PNG) or an unknown chunk (WebP)."""
    note = b"copy %010d" % number
    if kind == "PNG":
        chunk = b"tEXtComment\0" + note
        length, check = struct.pack(">I", len(chunk) - 4), struct.pack(">I", zlib.crc32(chunk))
        return data[:-12] + length + chunk + check + data[-12:]
    if kind == "WEBP":
        chunk = b"NOTE" + struct.pack("<I", len(note)) + note + b"\0" * (len(note) % 2)
        return data[:4] + struct.pack("<I", len(data) - 8 + len(chunk)) + data[8:] + chunk
    at = 2
    while data[at + 1] & 0xF0 == 0xE0:  # after the APPn segments
        at += 2 + int(struct.unpack(">H", data[at + 2 : at + 4])[0])
    return data[:at] + b"\xff\xfe" + struct.pack(">H", len(note) + 2) + note + data[at:]

"""Thumbnails in a bare loop: `python -m benchmarks.bare_draw vips|pillow ROOT` prints seconds in all and of each."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyvips
from PIL import Image

from benchmarks.machine import cores
from benchmarks.photos import MEASURED, WARM_UP
from benchmarks.processes import run_module
from lenscat_backend.imaging.thumbnail import THUMBNAIL_EDGE, THUMBNAIL_QUALITY, WEBP_EFFORT


def bare_draw(root: Path, library: str) -> list[float]:
    """Seconds for all measured pictures below `root`, then of each, in a fresh process."""
    seconds: list[float] = run_module("bare_draw", library, root)
    return seconds


def with_vips(path: str) -> bytes:
    """What `render_thumbnail` does at its heart, with the same options."""
    picture = pyvips.Image.thumbnail(path, THUMBNAIL_EDGE, height=THUMBNAIL_EDGE, size="down")
    data: bytes = picture.webpsave_buffer(Q=THUMBNAIL_QUALITY, effort=WEBP_EFFORT, keep="none")
    return data


def with_pillow(path: str) -> bytes:
    """Decode all pixels, then resize: what a program does that does not know of shrink-on-load."""
    with Image.open(path) as picture:
        picture.load()
        scale = THUMBNAIL_EDGE / max(picture.size)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        small = picture.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=THUMBNAIL_QUALITY, method=WEBP_EFFORT)
    return buffer.getvalue()


def main() -> None:
    """Warm up, then draw every measured picture once in a pool of one thread a core.

    libvips is set up as in the server: importing its constants has done that.
    """
    draw: Callable[[str], bytes] = with_vips if sys.argv[1] == "vips" else with_pillow
    root = Path(sys.argv[2])

    def timed(path: Path) -> float:
        began = time.perf_counter()
        draw(str(path))
        return time.perf_counter() - began

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(timed, sorted((root / WARM_UP).glob("*.jpg"))))
        began = time.perf_counter()
        each = list(pool.map(timed, sorted((root / MEASURED).glob("*.jpg"))))
        print(json.dumps([time.perf_counter() - began, *each]))


if __name__ == "__main__":
    main()

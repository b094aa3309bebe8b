"""12-megapixel JPEGs to draw thumbnails of: real photographs where there are some, else drawn ones."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image, ImageOps

from benchmarks.drawing import draw_photo, encoded, unique_copy
from benchmarks.machine import cores
from benchmarks.sizes import Sizes

MEASURED = "measured"
WARM_UP = "warm-up"
_LEAST_SHARE = 0.5
"""A photograph with fewer pixels than this share of what is asked for would be enlarged too much."""
_MOST_PIXELS = 80_000_000
_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp"))


def photo_library(work: Path, sizes: Sizes, real: Path | None) -> Path:
    """A folder with `measured/` and `warm-up/` full of unique JPEGs of one size; kept for the next run."""
    bases = _bases(work, sizes, real)
    root = work / f"{bases.name}-{sizes.photos}"
    if not (root / "complete").exists():
        shutil.rmtree(root, ignore_errors=True)
        pictures = [path.read_bytes() for path in sorted(bases.glob("*.jpg"))]
        for folder, count in ((MEASURED, sizes.photos), (WARM_UP, 2 * cores())):
            (root / folder).mkdir(parents=True)
            for number in range(count):
                data = unique_copy("JPEG", pictures[number % len(pictures)], number)
                (root / folder / f"photo_{number:04d}.jpg").write_bytes(data)
        (root / "complete").touch()
    return root


def existing_library(work: Path, sizes: Sizes) -> Path:
    """A flat folder of unique pictures of 640x480, to have a thumbnail each."""
    root = work / f"existing-{sizes.existing}"
    if not (root / "complete").exists():
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        for number in range(sizes.existing):
            (root / f"picture_{number:04d}.jpg").write_bytes(encoded(draw_photo(number, 640, 480), "JPEG"))
        (root / "complete").touch()
    return root


def _bases(work: Path, sizes: Sizes, real: Path | None) -> Path:
    """The different pictures that copies are made of."""
    size = (sizes.photo_width, sizes.photo_height)
    kind = "drawn" if real is None else "real"
    folder = work / f"photos-{kind}-{size[0]}x{size[1]}-{sizes.photo_bases}"
    if (folder / "complete").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sources = _large_enough(real, size)[: sizes.photo_bases] if real is not None else []
    if real is not None and not sources:
        least = size[0] * size[1] * _LEAST_SHARE / 1e6
        raise SystemExit(f"There is no photograph of at least {least:.0f} megapixels in {real}")

    def make(number: int) -> None:
        picture = _fitted(sources[number], size) if sources else draw_photo(number, *size)
        (folder / f"{number:04d}.jpg").write_bytes(encoded(picture, "JPEG"))

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(make, range(len(sources) or sizes.photo_bases)))
    (folder / "complete").touch()
    return folder


def _large_enough(folder: Path, size: tuple[int, int]) -> list[Path]:
    """The pictures below `folder` that can be read and are large enough; what is damaged is passed over."""
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _SUFFIXES and path.is_file()]
    return [path for path in paths if _pixels(path) >= size[0] * size[1] * _LEAST_SHARE]


def _pixels(path: Path) -> int:
    """How many pixels a picture has; 0 where it cannot be decoded."""
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                return 0
            picture.load()
            return picture.width * picture.height
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return 0


def _fitted(path: Path, size: tuple[int, int]) -> Image.Image:
    """The photograph cropped and scaled to exactly `size`, on its side if it stands."""
    with Image.open(path) as picture:
        upright = picture.convert("RGB")
    if upright.height > upright.width:
        upright = upright.transpose(Image.Transpose.ROTATE_90)
    return ImageOps.fit(upright, size, Image.Resampling.LANCZOS)

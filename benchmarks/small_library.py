"""A library of many small images in uneven nested folders, half of them with a sidecar; made once and kept."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.drawing import draw_photo, encoded, unique_copy
from benchmarks.sizes import GROUPS

_PARTS = 4
_BASES = 50
_IMAGES_A_FOLDER = 100
_SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
_WORDS = ("beach", "sunset", "forest", "portrait", "family", "mountain", "river", "city", "night", "street", "snow")
_PLACES = ("Trips", "Family", "Work", "Archive", "Phone", "Scans", "Été", "New York", "東京", "raw_export")


@dataclass(frozen=True, slots=True)
class SmallLibrary:
    """A library (or a part of one) and how many images each folder below its root holds."""

    root: Path
    folders: dict[str, int]

    @property
    def images(self) -> int:
        """Images in all folders."""
        return sum(self.folders.values())

    def part(self, path: str) -> SmallLibrary:
        """The library that one of its folders is."""
        below = {name[len(path) + 1 :]: count for name, count in self.folders.items() if name.startswith(path + "/")}
        return SmallLibrary(self.root / path, below)

    @property
    def sizes(self) -> list[SmallLibrary]:
        """A twentieth, a quarter and the whole."""
        return [self.part("part-0/group-0"), self.part("part-0"), self]


def small_library(work: Path, group_images: int) -> SmallLibrary:
    """The library with `GROUPS` groups of `group_images` each, in 4 parts; made where it is not there yet."""
    place = work / f"small-{group_images * GROUPS}"
    listing = place.with_suffix(".json")
    if not listing.exists():
        shutil.rmtree(place, ignore_errors=True)
        listing.write_text(json.dumps(_make(place, group_images), ensure_ascii=False), encoding="utf-8")
    return SmallLibrary(place, json.loads(listing.read_text(encoding="utf-8")))


def _make(place: Path, group_images: int) -> dict[str, int]:
    rng = np.random.default_rng(1)
    bases = _small_pictures()
    folders: dict[str, int] = {}
    number = 0
    for group in range(GROUPS):
        above = f"part-{group % _PARTS}/group-{group // _PARTS}"
        for path, count in _group_folders(rng, group_images).items():
            folder = place / above / path
            folder.mkdir(parents=True, exist_ok=True)
            _fill(folder, bases, range(number, number + count), rng)
            number += count
            folders[f"{above}/{path}"] = count
    return folders


def _group_folders(rng: np.random.Generator, images: int) -> dict[str, int]:
    """Folders 1 to 3 levels deep and the images in each: log-normal, so uneven."""
    count = max(2, images // _IMAGES_A_FOLDER)
    weights = rng.lognormal(0, 1.1, count)
    sizes = np.floor(weights / weights.sum() * images).astype(int)
    sizes[int(weights.argmax())] += images - int(sizes.sum())
    folders: dict[str, int] = {}
    for number, size in enumerate(sizes.tolist()):
        shallow = [name for name in folders if name.count("/") < 2]
        parent = f"{shallow[int(rng.integers(len(shallow)))]}/" if shallow and rng.random() < 0.7 else ""
        folders[f"{parent}{_PLACES[int(rng.integers(len(_PLACES)))]} {number:03d}"] = size
    return folders


def _small_pictures() -> list[tuple[str, bytes]]:
    """Pictures of 64x48: 80 % JPEG, 10 % PNG, 10 % WebP, most of the JPEGs with EXIF."""
    kinds = ["JPEG"] * 8 + ["PNG", "WEBP"]
    made = []
    for number in range(_BASES):
        kind = kinds[number % len(kinds)]
        date = f"20{number % 20:02d}:06:15 12:{number:02d}:00" if number % 4 else None
        made.append((kind, encoded(draw_photo(number, 64, 48), kind, date)))
    return made


def _fill(folder: Path, bases: list[tuple[str, bytes]], numbers: range, rng: np.random.Generator) -> None:
    picks = rng.integers(0, len(bases), len(numbers)).tolist()
    marked = rng.random(len(numbers)).tolist()
    for number, pick, mark in zip(numbers, picks, marked, strict=True):
        kind, data = bases[pick]
        path = folder / f"IMG_{number:07d}.{_SUFFIXES[kind]}"
        path.write_bytes(unique_copy(kind, data, number))
        if mark < 0.5:
            path.with_name(path.name + ".json").write_text(json.dumps(_sidecar(number)), encoding="utf-8")


def _sidecar(number: int) -> dict[str, object]:
    tags = sorted({_WORDS[number % len(_WORDS)], _WORDS[number // 7 % len(_WORDS)], _WORDS[number // 31 % len(_WORDS)]})
    stamp = "2024-01-01T12:00:00Z"
    return {
        "v": 1,
        "tags": tags,
        "notes": f"A walk with {tags[0]} and {tags[-1]}, picture {number}",
        "exif": {"width": 64, "height": 48, "created_at": stamp},
        "hash": None,
        "updated_at": stamp,
        "updated_by": "benchmark",
    }

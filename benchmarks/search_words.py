"""Words, pictures and queries for the benchmark of searches: the same ones for the same seed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import orjson

from lenscat_backend.catalog.records import FolderUpdate, ItemRecord
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.models.text import sort_key

FOLDER_IMAGES = 100
_SYLLABLES = re.findall("..", "bachidofengraholistjulkamlonmernorostpraquirassiltorumbvel")
_CAMERAS = [("Canon", "EOS R6"), ("NIKON CORPORATION", "D750"), ("Apple", "iPhone 13"), ("SONY", "ILCE-7M3")]
_TOPS = ["Archive", "Family", "Scans", "Travel", "Work", "Été"]


class Words:
    """Two thousand words, a few of them very common and most rare, as in tags and notes that people write."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        made = {"".join(self.chance.choices(_SYLLABLES, k=self.chance.randint(2, 4))) for _ in range(3000)}
        self.all = sorted(made)[:2000]
        self.chance.shuffle(self.all)
        self._weights = [1 / rank for rank in range(1, len(self.all) + 1)]

    def some(self, count: int) -> list[str]:
        """So many words, common ones more often."""
        return self.chance.choices(self.all, self._weights, k=count)


def updates(images: int, seed: int = 1) -> Iterator[FolderUpdate]:
    """Folders of a hundred pictures; half of them have one to six tags and notes of five to twenty words."""
    words = Words(seed)
    for number in range(0, images, FOLDER_IMAGES):
        path = LibraryPath(f"{_TOPS[number // FOLDER_IMAGES % len(_TOPS)]}/{number // FOLDER_IMAGES:05}")
        records = [_record(words, one) for one in range(number, min(images, number + FOLDER_IMAGES))]
        yield FolderUpdate(path, records, complete=False)


def _record(words: Words, number: int) -> ItemRecord:
    chance = words.chance
    name = f"{('IMG', 'DSC', 'PXL')[number % 3]}_{number:07}.{('jpg', 'jpg', 'jpg', 'png', 'webp')[number % 5]}"
    make, model = chance.choice(_CAMERAS)
    exif: dict[str, object] = {"make": make, "model": model, "iso": 100 << chance.randrange(6), "f_number": 2.8}
    if chance.random() < 0.4:
        exif |= {"latitude": chance.uniform(0, 60), "longitude": chance.uniform(0, 180)}
    day = f"20{chance.randint(10, 23)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    told = chance.random() < 0.5
    return ItemRecord(
        sort_key=sort_key(name),
        name=name,
        format={"jpg": "jpeg"}.get(name[-3:], name.rpartition(".")[2]),
        size=chance.randint(100_000, 9_000_000),
        mtime_ns=number,
        etag=f"{number:x}",
        width=4000,
        height=3000 if chance.random() < 0.7 else 6000,
        created_at=f"{day}T10:{number % 60:02}:00",
        exif=orjson.dumps(exif).decode(),
        problem=None,
        sidecar_etag="s" if told else "",
        has_sidecar=int(told),
        sidecar_problem=None,
        tags=orjson.dumps(sorted(set(words.some(chance.randint(1, 6))))).decode() if told else "[]",
        notes=" ".join(words.some(chance.randint(5, 20))) if told else "",
        rating=chance.randint(0, 5) if told else None,
        label=None,
        favorite=int(chance.random() < 0.01),
        hash=None,
        thumb_etag="",
        thumb_source="",
    )


def queries(count: int, seed: int = 2) -> list[str]:
    """Mixed queries: words common and rare, parts of words, phrases, fields, and all of them joined."""
    words = Words(1)
    chance = random.Random(seed)

    def word() -> str:
        return words.some(1)[0]

    kinds = [
        lambda: word(),
        lambda: word()[: chance.randint(3, 5)],
        lambda: f"{word()} {word()}",
        lambda: f'"{word()} {word()}"',
        lambda: f"{word()} -{word()}",
        lambda: f"{word()} or {word()}",
        lambda: f"tag:{word()}",
        lambda: f"tag:{word()} rating>=3",
        lambda: f"IMG_{chance.randint(0, 9999):04}",
        lambda: f"name:IMG_{chance.randint(0, 999):03}*",
        lambda: str(chance.randint(100, 9999)),
        lambda: f"date:20{chance.randint(10, 23)}",
        lambda: f"date:20{chance.randint(10, 16)}-0{chance.randint(1, 9)}..20{chance.randint(17, 23)}-12 tag:{word()}",
        lambda: f"camera:{chance.choice(['canon', 'sony', 'apple', 'nikon'])} {word()}",
        lambda: f"ext:{chance.choice(['jpg', 'png', 'webp'])} size:>{chance.randint(1, 9)}mb",
        lambda: f"path:{chance.choice(_TOPS)} {word()}",
        lambda: "is:untagged has:gps",
        lambda: f"geo:{chance.randint(0, 60)},{chance.randint(0, 180)},{chance.randint(50, 900)}km",
        lambda: f"({word()} or tag:{word()}) -notes:{word()} orientation:landscape",
        lambda: chance.choice("aeinorst") + chance.choice(["", "a", "r", "n"]),
    ]
    return [chance.choice(kinds)() for _ in range(count)]

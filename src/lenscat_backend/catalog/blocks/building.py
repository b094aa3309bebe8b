"""Blocks made from the catalog's rows."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from lenscat_backend.catalog.blocks.block import Block, Core, Facts, Hashes, Ids
from lenscat_backend.catalog.blocks.columns import Coder, Places, TagCoder
from lenscat_backend.catalog.blocks.texts import Texts
from lenscat_backend.models.text import fold, searchable

DIGEST_BYTES = 32

Exif = Mapping[str, Any]


class Row(NamedTuple):
    """What a block takes of an item; `exif` and `tags` are JSON."""

    id: int
    folder_id: int
    sort_key: str
    name: str
    format: str
    size: int
    width: int | None
    height: int | None
    created_at: str | None
    exif: str
    tags: str
    notes: str
    rating: int | None
    label: str | None
    favorite: int
    has_sidecar: int
    hash: str | None


class Builder:
    """Makes a block of rows that come one by one, in the order of their ids."""

    def __init__(self) -> None:
        self._ids, self._sizes, self._taken = array("q"), array("q"), array("q")
        self._names: list[str] = []
        self._sort_keys: list[str] = []
        self._folded_names: list[str] = []
        self._notes: list[str] = []
        self._tags = TagCoder()
        self._folder: Coder[int] = Coder()
        self._facts: dict[str, Coder[Any]] = {name: Coder() for name in _FACTS}
        self._places: list[tuple[int, float, float]] = []
        self._hashed = array("I")
        self._digests = bytearray()

    def add(self, row: Row) -> None:
        """The next item."""
        item = len(self._ids)
        exif = orjson.loads(row.exif) if row.exif != "{}" else {}
        self._ids.append(row.id)
        self._sizes.append(row.size)
        self._taken.append(time_digits(row.created_at))
        self._names.append(row.name)
        self._sort_keys.append(row.sort_key)
        self._folded_names.append(searchable(row.name))
        self._notes.append(searchable(row.notes) if row.notes else "")
        self._tags.add(_tags(row, exif))
        self._folder.add(row.folder_id)
        for name, fact in _FACTS.items():
            self._facts[name].add(fact(row, exif))
        self._add_place(item, exif)
        digest = _digest(row.hash)
        if digest is not None:
            self._hashed.append(item)
            self._digests += digest

    def parts(self, folders: Mapping[int, str]) -> dict[str, object]:
        """The parts of the block, see `PARTS`; `folders` has all paths by id, in the order of the tree."""
        places = np.array(self._places, np.float64).reshape(-1, 3)
        return {
            "ids": Ids(np.array(self._ids, np.int64)),
            "core": self._core(folders),
            "facts": Facts(
                np.array(self._taken, np.int64),
                np.array(self._sizes, np.int64),
                **{name: coder.column() for name, coder in self._facts.items()},
            ),
            "names": Texts.build(self._folded_names),
            "notes": Texts.build(self._notes),
            "tags": self._tags.tags(searchable),
            "places": Places(places[:, 0].astype(np.uint32), places[:, 1].copy(), places[:, 2].copy()),
            "hashes": Hashes(
                np.array(self._hashed, np.uint32), np.frombuffer(self._digests, np.uint8).reshape(-1, DIGEST_BYTES)
            ),
        }

    def _add_place(self, item: int, exif: Exif) -> None:
        latitude, longitude = _number(exif, "latitude"), _number(exif, "longitude")
        if latitude is not None and longitude is not None:
            self._places.append((item, latitude, longitude))

    def _core(self, folders: Mapping[int, str]) -> Core:
        folder = self._folder.column()
        folder_ranks = {number: rank for rank, number in enumerate(folders)}
        value_ranks = np.array([folder_ranks[number] for number in folder.values if number is not None], np.int64)
        ranks = value_ranks[folder.codes]
        texts = [f"{key}\0{name}" for key, name in zip(self._sort_keys, self._names, strict=True)]
        order = sorted(range(len(texts)), key=texts.__getitem__)
        name_order = np.array(order, np.uint32)
        by_path = name_order[np.argsort(ranks[name_order], kind="stable")]
        by_name = np.lexsort((ranks, _ranks(texts, order))).astype(np.uint32)
        begins = [zlib.crc32(f"{folders[number]}/".encode()) for number in folder.values if number is not None]
        hashes = [
            zlib.crc32(name.encode(), begins[code])
            for code, name in zip(folder.codes.tolist(), self._names, strict=True)
        ]
        ids = np.array(folder.values, np.int64)
        path_place = np.empty(len(by_path), np.uint32)
        path_place[by_path] = np.arange(len(by_path), dtype=np.uint32)
        return Core(folder, ids, by_path, by_name, path_place, np.array(hashes, np.uint32))


def block_of(rows: Iterable[Row], folders: Mapping[int, str]) -> Block:
    """A block that is in memory alone, of rows in the order of their ids."""
    builder = Builder()
    for row in rows:
        builder.add(row)
    return Block(builder.parts(folders).__getitem__)


def time_digits(created_at: str | None) -> int:
    """A local time as a number of 14 digits; its zone is left out. 0 where it is none."""
    digits = (created_at or "")[:19].translate(_NO_MARKS)
    return int(digits) if len(digits) == 14 and digits.isascii() and digits.isdigit() else 0


_NO_MARKS = str.maketrans("", "", "-:T ")


def _ranks(texts: Sequence[str], order: Sequence[int]) -> NDArray[np.int64]:
    """Each text's place in their order, the same for the same text."""
    ranks = np.empty(len(order), np.int64)
    rank, before = -1, ""
    for item in order:
        rank += texts[item] != before
        before = texts[item]
        ranks[item] = rank
    return ranks


def _extension(name: str) -> str | None:
    stem, dot, extension = fold(name).rpartition(".")
    return extension if stem and dot else None


def _text(exif: Exif, key: str) -> str:
    value = exif.get(key)
    return " ".join(value.split()) if isinstance(value, str) else ""


def _number(exif: Exif, key: str) -> float | None:
    value = exif.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _camera(_: Row, exif: Exif) -> str | None:
    return " ".join(filter(None, (_text(exif, "make"), _text(exif, "model")))) or None


def _label(row: Row, _: Exif) -> str | None:
    return searchable(row.label) or None if row.label else None


_FACTS: dict[str, Callable[[Row, Exif], Any]] = {
    "rating": lambda row, _: row.rating,
    "label": _label,
    "favorite": lambda row, _: row.favorite,
    "format": lambda row, _: row.format,
    "extension": lambda row, _: _extension(row.name),
    "camera": _camera,
    "lens": lambda _, exif: _text(exif, "lens") or None,
    "width": lambda row, _: row.width,
    "height": lambda row, _: row.height,
    "iso": lambda _, exif: _number(exif, "iso"),
    "f": lambda _, exif: _number(exif, "f_number"),
    "mm": lambda _, exif: _number(exif, "focal_length_mm"),
    "sidecar": lambda row, _: row.has_sidecar,
    "month": lambda row, _: time_digits(row.created_at) // 10**8 or None,
}


def _tags(row: Row, exif: Exif) -> list[str]:
    keywords = exif.get("keywords")
    own = orjson.loads(row.tags) if row.tags != "[]" else []
    return [*own, *(word for word in keywords if isinstance(word, str))] if isinstance(keywords, list) else own


def _digest(hash_: str | None) -> bytes | None:
    try:
        digest = bytes.fromhex((hash_ or "").removeprefix("blake3:"))
    except ValueError:
        return None
    return digest if len(digest) == DIGEST_BYTES else None

"""A block: up to a quarter of a million items as columns and text indexes, immutable once it is made."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from lenscat_backend.catalog.blocks.columns import Coded, Places, Tags
from lenscat_backend.catalog.blocks.texts import Mask, Texts

P = TypeVar("P")

_MASKS = 96
"""So many masks are kept of each block, a bit for each item: the words that are searched again and again."""


@dataclass(frozen=True, slots=True)
class Ids:
    """Which items these are, ascending; elsewhere in the block an item is named by its place here."""

    ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Core:
    """The folder of each item (`folder_ids` are its values), and the orders people look at them in.

    `by_path` and `by_name` list the items: by folder in the order of the tree and then by name, or by name and then by
    folder. `path_place` is where each item stands in
    `by_path`, `path_hash` the CRC-32 of its path.
    """

    folder: Coded[int]
    folder_ids: NDArray[np.int64]
    by_path: NDArray[np.uint32]
    by_name: NDArray[np.uint32]
    path_place: NDArray[np.uint32]
    path_hash: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of each item.

    `taken` holds local times as numbers of 14 digits (20240131235959), 0 where there is none, `month` its first six
    digits; `size` is in bytes.
    """

    taken: NDArray[np.int64]
    size: NDArray[np.int64]
    rating: Coded[int]
    label: Coded[str]
    favorite: Coded[int]
    format: Coded[str]
    extension: Coded[str]
    camera: Coded[str]
    lens: Coded[str]
    width: Coded[int]
    height: Coded[int]
    iso: Coded[int]
    f: Coded[float]
    mm: Coded[float]
    sidecar: Coded[int]
    month: Coded[int]


@dataclass(frozen=True, slots=True)
class Hashes:
    """The hashes of the items that have one, 32 bytes each."""

    items: NDArray[np.uint32]
    digests: NDArray[np.uint8]


PARTS: dict[str, type] = {
    "ids": Ids,
    "core": Core,
    "facts": Facts,
    "names": Texts,
    "notes": Texts,
    "tags": Tags,
    "places": Places,
    "hashes": Hashes,
}
KEPT = frozenset(PARTS) - {"hashes"}
"""What stays in memory once it was read; the rest is read again each time it is asked for."""


class Block:
    """A block whose parts are read when they are first needed, and which keeps the masks that were asked for last."""

    def __init__(self, load: Callable[[str], object]) -> None:
        """`load` gives a part by its name, see `PARTS`."""
        self._load = load
        self._parts: dict[str, object] = {}
        self._masks: OrderedDict[Hashable, NDArray[np.uint8]] = OrderedDict()
        self._lock = threading.Lock()

    def mask(self, key: Hashable, make: Callable[[], Mask]) -> Mask:
        """What `make` gives, made once as long as it is asked for now and then: a block never changes."""
        with self._lock:
            packed = self._masks.get(key)
            if packed is not None:
                self._masks.move_to_end(key)
        if packed is not None:
            return np.unpackbits(packed, count=len(self)).view(bool)
        mask = make()
        with self._lock:
            self._masks[key] = np.packbits(mask)
            if len(self._masks) > _MASKS:
                self._masks.popitem(last=False)
        return mask

    def _part(self, name: str, kind: type[P]) -> P:
        part = self._parts.get(name)
        if part is None:
            part = self._load(name)
            if name in KEPT:
                self._parts[name] = part
        return cast(P, part)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def ids(self) -> NDArray[np.int64]:
        """The items' ids."""
        return self._part("ids", Ids).ids

    @property
    def core(self) -> Core:
        """Folders and orders."""
        return self._part("core", Core)

    @property
    def facts(self) -> Facts:
        """Times, sizes, ratings, cameras ..."""
        return self._part("facts", Facts)

    @property
    def names(self) -> Texts:
        """The folded names."""
        return self._part("names", Texts)

    @property
    def notes(self) -> Texts:
        """The folded notes."""
        return self._part("notes", Texts)

    @property
    def tags(self) -> Tags:
        """The tags."""
        return self._part("tags", Tags)

    @property
    def places(self) -> Places:
        """Where pictures were taken."""
        return self._part("places", Places)

    @property
    def hashes(self) -> Hashes:
        """Digests of the pictures' bytes."""
        return self._part("hashes", Hashes)

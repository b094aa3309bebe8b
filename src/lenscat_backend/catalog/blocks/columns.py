"""One fact of every item of a block: as codes for a few values, or as numbers."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from lenscat_backend.catalog.blocks.postings import Postings, UintArray, narrow, spread
from lenscat_backend.catalog.blocks.texts import Mask, Texts
from lenscat_backend.catalog.blocks.vocabulary import Where

V = TypeVar("V", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Coded(Generic[V]):
    """A fact with few distinct values: item `i` has `values[codes[i]]`; None where it has none."""

    values: tuple[V | None, ...]
    codes: UintArray

    def where(self, holds: Callable[[V], bool]) -> Mask:
        """The items whose value is one for which `holds` is true; never those without one."""
        chosen = np.fromiter((value is not None and holds(value) for value in self.values), bool, len(self.values))
        return chosen.take(self.codes)

    def counts(self, items: NDArray[np.int64]) -> dict[V, int]:
        """How many of some items have each value."""
        found = np.bincount(self.codes[items], minlength=len(self.values)).tolist()
        pairs = zip(self.values, found, strict=True)
        return {value: count for value, count in pairs if count and value is not None}


class Coder(Generic[V]):
    """Collects the column of one fact, item by item."""

    def __init__(self) -> None:
        self._numbers: dict[V | None, int] = {}
        self._codes = array("I")

    def add(self, fact: V | None) -> None:
        """The next item's value."""
        self._codes.append(self._numbers.setdefault(fact, len(self._numbers)))

    def column(self) -> Coded[V]:
        """The column of all that were added."""
        return Coded(tuple(self._numbers), narrow(np.array(self._codes, np.uint32), len(self._numbers)))


@dataclass(frozen=True, slots=True)
class Places:
    """Where pictures were taken, of those that tell: degrees, and which items they are."""

    items: NDArray[np.uint32]
    latitudes: NDArray[np.float64]
    longitudes: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of every item.

    `names` are the distinct tags as written, `folded` finds them. Item `i` has those numbered in `used` from
    `begins[i]` to `begins[i + 1]`, each once; `postings` has the items of each.
    """

    names: tuple[str, ...]
    folded: Texts
    used: UintArray
    begins: NDArray[np.uint32]
    postings: Postings

    def find(self, needle: str, where: Where = "anywhere") -> Mask:
        """The items with a tag that holds a folded, non-empty needle there."""
        return self.items_with(self.folded.find(needle, where))

    def items_with(self, chosen: Mask) -> Mask:
        """The items with one of some tags, given as a mask over `names`."""
        found = np.zeros(len(self.begins) - 1, bool)
        self.postings.mark(np.flatnonzero(chosen).astype(np.uint32), found)
        return found

    def counts(self, items: NDArray[np.int64]) -> dict[str, int]:
        """How many of some items have each tag."""
        entries = self.used[spread(self.begins[items], np.diff(self.begins)[items])]
        found = np.bincount(entries, minlength=len(self.names)).tolist()
        return {name: count for name, count in zip(self.names, found, strict=True) if count}


class TagCoder:
    """Collects the tags of items, item by item."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._used = array("I")
        self._begins = array("I", [0])

    def add(self, tags: Iterable[str]) -> None:
        """The next item's tags, which may repeat."""
        self._used.extend(self._numbers.setdefault(tag, len(self._numbers)) for tag in dict.fromkeys(tags))
        self._begins.append(len(self._used))

    def tags(self, fold: Callable[[str], str]) -> Tags:
        """The tags of all that were added; `fold` makes of a tag what is searched."""
        begins, used = np.array(self._begins, np.uint32), np.array(self._used, np.uint32)
        items = len(begins) - 1
        postings = Postings.build(used, np.repeat(np.arange(items), np.diff(begins)), len(self._numbers), items)
        folded = Texts.build([fold(tag) for tag in self._numbers])
        return Tags(tuple(self._numbers), folded, narrow(used, len(self._numbers)), begins, postings)

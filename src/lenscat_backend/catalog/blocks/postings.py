"""Which items hold a token, a tag: lists of items one after the other, by number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

UintArray = NDArray[np.unsignedinteger]


@dataclass(frozen=True, slots=True)
class Postings:
    """`holders` has the items of number `n`, ascending, from `begins[n]` to `begins[n + 1]`."""

    holders: UintArray
    begins: NDArray[np.uint32]

    @classmethod
    def build(cls, numbers: NDArray[np.integer], owners: NDArray[np.integer], kinds: int, items: int) -> Self:
        """Of entries in the order of their `owners`: entry `e` says that item `owners[e]` holds `numbers[e]`."""
        order = np.argsort(numbers, kind="stable")
        ends = np.cumsum(np.bincount(numbers, minlength=kinds))
        return cls(narrow(owners[order], items), np.concatenate(([0], ends)).astype(np.uint32))

    def count(self, numbers: UintArray) -> int:
        """How many items they are, those that hold several of the numbers as often."""
        return int((self.begins[numbers + 1] - self.begins[numbers]).sum())

    def mark(self, numbers: UintArray, found: NDArray[np.bool_]) -> None:
        """Set what is `found` at the items that hold any of some numbers."""
        if len(numbers) == 1:
            found[self.holders[self.begins[numbers[0]] : self.begins[numbers[0] + 1]]] = True
        elif len(numbers):
            begins = self.begins[numbers]
            found[self.holders[spread(begins, self.begins[numbers + 1] - begins)]] = True


def spread(starts: NDArray[np.integer], lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """The indices of many ranges one after the other: `starts[0]`, `starts[0] + 1`, ... `starts[1]`, ..."""
    lengths = lengths.astype(np.int64)
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts.astype(np.int64) - before, lengths) + np.arange(int(lengths.sum()))


def narrow(numbers: NDArray[np.integer], limit: int) -> UintArray:
    """The same numbers, none above `limit`, in as few bytes as hold them."""
    return numbers.astype(np.uint8 if limit < 1 << 8 else np.uint16 if limit < 1 << 16 else np.uint32)

"""One text of every item of a block (its name, its notes): which items hold a needle, without reading the texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lenscat_backend.catalog.blocks.postings import Postings, UintArray
from lenscat_backend.catalog.blocks.tokens import cut, is_word, join, pieces
from lenscat_backend.catalog.blocks.vocabulary import Vocabulary, Where

Mask = NDArray[np.bool_]

_MANY = 16
"""What is more than one in so many is quicker done for all than one by one."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts as tokens, both ways.

    `stream` holds every text's tokens one after the other, those of item `i` from `begins[i]` to `begins[i + 1]`;
    `postings` the items of each token.
    """

    vocabulary: Vocabulary
    stream: UintArray
    begins: NDArray[np.uint32]
    postings: Postings

    @classmethod
    def build(cls, texts: Sequence[str]) -> Self:
        """The index of folded texts, one for each item."""
        blob = join(texts)
        tokens = cut(blob)
        vocabulary, stream = Vocabulary.build(blob, tokens)
        begins = np.searchsorted(tokens.texts, np.arange(len(texts) + 1))
        postings = Postings.build(stream, tokens.texts, len(vocabulary), len(texts))
        return cls(vocabulary, stream, begins.astype(np.uint32), postings)

    def __len__(self) -> int:
        return len(self.begins) - 1

    def find(self, needle: str, where: Where = "anywhere") -> Mask:
        """Which items' texts hold a folded, non-empty needle there."""
        parts = pieces(needle)
        if len(parts) > 1:
            return self._phrase(parts, where)
        found = np.zeros(len(self), bool)
        numbers = self.vocabulary.find(parts[0], where)
        if where == "anywhere":
            if len(numbers) > 1 and self.postings.count(numbers) * _MANY > len(self.stream):
                return self._holding(self._chosen(numbers).take(self.stream))
            self.postings.mark(numbers, found)
            return found
        return self._at_edge(numbers, where)

    def has_word(self, needle: str) -> Mask:
        """Which items' texts hold a folded, non-empty needle as whole words."""
        parts = pieces(needle)
        if len(parts) > 1:
            return self._phrase(parts, "anywhere")
        found = np.zeros(len(self), bool)
        self.postings.mark(self.vocabulary.find(parts[0], "whole"), found)
        return found

    def text(self, item: int) -> str:
        """One item's text, as it was folded."""
        tokens = [self.vocabulary.token(number) for number in self.stream[self.begins[item] : self.begins[item + 1]]]
        parts: list[bytes] = []
        for before, token in pairwise([b"", *tokens]):
            if is_word(before) and is_word(token):
                parts.append(b" ")
            parts.append(token)
        return b"".join(parts).decode()

    def glob(self, fragments: Sequence[str], matches: Callable[[str], bool], among: Mask) -> Mask:
        """Which items' texts, of those in a mask, match; each that does holds all the `fragments`."""
        found = among & (np.diff(self.begins) > 0)
        for fragment in fragments:
            found &= self.find(fragment)
        items = np.flatnonzero(found)
        found[items] = np.fromiter((matches(self.text(int(item))) for item in items), bool, len(items))
        return found

    def _at_edge(self, numbers: UintArray, where: Where) -> Mask:
        wanted = self._chosen(numbers)
        found = np.diff(self.begins) > 0
        if where in ("start", "whole"):
            found[found] = wanted[self.stream[self.begins[:-1][found]]]
        if where in ("end", "whole"):
            found[found] = wanted[self.stream[self.begins[1:][found] - 1]]
        if where == "whole":
            found &= np.diff(self.begins) == 1
        return found

    def _phrase(self, parts: Sequence[bytes], where: Where) -> Mask:
        """Which texts hold pieces one after the other: the first ends a token, the last begins one."""
        edges: list[Where] = ["whole" for _ in parts]
        edges[0] = "whole" if where in ("start", "whole") else "end"
        edges[-1] = "whole" if where in ("end", "whole") else "start"
        chosen = [self.vocabulary.find(part, edge) for part, edge in zip(parts, edges, strict=True)]
        found = np.zeros(len(self), bool)
        count = len(self.stream) - len(parts) + 1
        if count < 1 or not all(map(len, chosen)):
            return found
        holds = self._is(self.stream[:count], chosen[0])
        for offset, numbers in enumerate(chosen[1:], 1):
            holds &= self._is(self.stream[offset : offset + count], numbers)
        places = np.flatnonzero(holds)
        items = self._owners(places)
        kept = places + len(parts) <= self.begins[items + 1]
        if where in ("start", "whole"):
            kept &= places == self.begins[items]
        if where in ("end", "whole"):
            kept &= places + len(parts) == self.begins[items + 1]
        found[items[kept]] = True
        return found

    def _owners(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The items that places in the stream belong to."""
        if len(places) * _MANY > len(self.stream):
            owners: NDArray[np.int64] = np.repeat(np.arange(len(self)), np.diff(self.begins))[places]
            return owners
        return np.searchsorted(self.begins[1:], places, side="right")

    def _holding(self, holds: Mask) -> Mask:
        """The items with a token that does."""
        before = np.concatenate(([0], np.cumsum(holds, dtype=np.uint32)))
        found: Mask = before[self.begins[1:]] > before[self.begins[:-1]]
        return found

    def _is(self, tokens: UintArray, numbers: UintArray) -> Mask:
        return tokens == numbers[0] if len(numbers) == 1 else self._chosen(numbers).take(tokens)

    def _chosen(self, numbers: UintArray) -> Mask:
        wanted = np.zeros(len(self.vocabulary), bool)
        wanted[numbers] = True
        return wanted

"""The distinct tokens of a block, found by any part of them: a suffix array that sorts by eight bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from lenscat_backend.catalog.blocks.postings import UintArray, narrow, spread
from lenscat_backend.catalog.blocks.tokens import KEY_BYTES, Bytes, Tokens, keys

Where = Literal["anywhere", "start", "end", "whole"]
_OFFSETS = np.arange(KEY_BYTES, dtype=np.uint32)
_STRIDE = 64
"""Of the suffixes' keys every so many are kept; those between are made again from the text when they are needed."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens by number.

    `text` holds them one after the other, `starts` (one more than there are tokens) where each begins. `suffix_token`
    and `suffix_offset` list every place in every token, in the order of the eight bytes from there; `samples` has the
    keys of every 64th.
    """

    text: Bytes
    starts: NDArray[np.uint32]
    suffix_token: UintArray
    suffix_offset: UintArray
    samples: NDArray[np.uint64]

    @classmethod
    def build(cls, blob: Bytes, tokens: Tokens) -> tuple[Self, UintArray]:
        """The vocabulary of a blob's tokens, and each token's number in it."""
        numbers, firsts = _distinct(blob, tokens)
        starts, ends = tokens.starts[firsts], tokens.ends[firsts]
        lengths = ends - starts
        text_starts = np.concatenate(([0], np.cumsum(lengths)))
        text = blob[spread(starts, lengths)]
        owner = np.repeat(np.arange(len(lengths)), lengths)
        places = np.arange(len(text))
        suffixes = keys(text, places, text_starts[1:][owner])
        order = np.argsort(suffixes, kind="stable")
        return cls(
            text,
            text_starts.astype(np.uint32),
            narrow(owner[order], len(lengths)),
            narrow((places - text_starts[owner])[order], int(lengths.max(initial=0))),
            suffixes[order][::_STRIDE].copy(),
        ), narrow(numbers, len(lengths))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def find(self, piece: bytes, where: Where) -> UintArray:
        """The numbers of the tokens that hold `piece` there, each once, in no order."""
        low, high = self._range(piece[:KEY_BYTES])
        if low == high:
            return self.suffix_token[:0]
        tokens, offsets = self.suffix_token[low:high], self.suffix_offset[low:high]
        if where in ("start", "whole"):
            tokens, offsets = _both(tokens, offsets, offsets == 0)
        if len(piece) > KEY_BYTES:
            tokens, offsets = _both(tokens, offsets, self._goes_on(tokens, offsets, piece))
        if where in ("end", "whole"):
            tokens = tokens[offsets.astype(np.int64) + len(piece) == self._lengths(tokens)]
        return self._once(tokens) if where == "anywhere" else tokens

    def token(self, number: int) -> bytes:
        """One token."""
        return self.text[self.starts[number] : self.starts[number + 1]].tobytes()

    def _lengths(self, tokens: UintArray) -> NDArray[np.int64]:
        return self.starts[tokens + 1].astype(np.int64) - self.starts[tokens]

    def _once(self, tokens: UintArray) -> UintArray:
        if len(tokens) < 64:
            return np.unique(tokens)
        seen = np.zeros(len(self), bool)
        seen[tokens] = True
        return np.flatnonzero(seen).astype(tokens.dtype)

    def _range(self, piece: bytes) -> tuple[int, int]:
        """Where among the suffixes those stand that begin with at most eight bytes."""
        low = np.uint64(int.from_bytes(piece.ljust(KEY_BYTES, b"\0")))
        high = np.uint64(int.from_bytes(piece.ljust(KEY_BYTES, b"\xff")))
        first, last = self.samples.searchsorted(low), self.samples.searchsorted(high, "right")
        return self._place(int(first), low, "left"), self._place(int(last), high, "right")

    def _place(self, samples: int, key: np.uint64, side: Literal["left", "right"]) -> int:
        """How many suffixes come before a key, of which so many samples do."""
        if samples == 0:
            return 0
        begin = (samples - 1) * _STRIDE
        tokens = self.suffix_token[begin : begin + _STRIDE]
        starts = self.starts[tokens]
        near = _keys_at(self.text, starts + self.suffix_offset[begin : begin + _STRIDE], self.starts[tokens + 1])
        return begin + int(near.searchsorted(key, side))

    def _goes_on(self, tokens: UintArray, offsets: UintArray, piece: bytes) -> NDArray[np.bool_]:
        places = self.starts[tokens].astype(np.int64) + offsets
        holds = places + len(piece) <= self.starts[tokens + 1]
        for offset in range(KEY_BYTES, len(piece)):
            left = np.flatnonzero(holds)
            holds[left] = self.text[places[left] + offset] == piece[offset]
        return holds


def _keys_at(text: Bytes, places: NDArray[np.uint32], ends: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """As `keys`, for few places of a large text: without a copy of it."""
    taken = text.take(places[:, None] + _OFFSETS, mode="clip")
    found = taken.view(">u8").ravel().astype(np.uint64)
    beyond = np.maximum(KEY_BYTES - (ends - places).astype(np.int64), 0).astype(np.uint64) * np.uint64(8)
    cut: NDArray[np.uint64] = found >> beyond << beyond  # never by all 64 bits: a suffix has a byte at least
    return cut


def _both(tokens: UintArray, offsets: UintArray, kept: NDArray[np.bool_]) -> tuple[UintArray, UintArray]:
    return tokens[kept], offsets[kept]


def _distinct(blob: Bytes, tokens: Tokens) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number of each token's kind, kinds in the order of their first eight bytes, and where each was first met."""
    _, firsts, numbers = np.unique(keys(blob, tokens.starts, tokens.ends), return_index=True, return_inverse=True)
    lengths = tokens.ends - tokens.starts
    long = np.flatnonzero(lengths > KEY_BYTES)
    if not len(long):
        return numbers, firsts
    return _told_apart(blob, tokens, numbers, long)


def _told_apart(
    blob: Bytes, tokens: Tokens, numbers: NDArray[np.int64], long: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same where some tokens are longer than a key: those that begin alike get numbers of their own."""
    kinds: dict[bytes, int] = {}
    data, first = blob.tobytes(), int(numbers.max(initial=-1)) + 1
    numbers = numbers.copy()
    spans = zip(tokens.starts[long].tolist(), tokens.ends[long].tolist(), strict=True)
    numbers[long] = [kinds.setdefault(data[start:end], first + len(kinds)) for start, end in spans]
    _, firsts, numbers = np.unique(numbers, return_index=True, return_inverse=True)
    return numbers, firsts

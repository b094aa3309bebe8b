"""Texts cut into tokens, many at once: runs of letters and digits, and what stands between them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

KEY_BYTES = 8
_END, _WORD, _BETWEEN = 0, 1, 2


def _classes() -> Bytes:
    table = np.full(256, _BETWEEN, np.uint8)
    table[0] = _END
    for byte in [*b"0123456789abcdefghijklmnopqrstuvwxyz", *range(0x80, 0x100)]:
        table[byte] = _WORD
    return table


_CLASS_OF = _classes()


class Tokens(NamedTuple):
    """Where the tokens of a blob of texts lie: `starts` and `ends` in bytes, `texts` the number of each one's text.

    A single space between two words is no token: that two words follow each other says it.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    texts: NDArray[np.int64]


def join(texts: Sequence[str]) -> Bytes:
    """Folded texts (no NUL in any) as one array of UTF-8 bytes, a NUL after each."""
    return np.frombuffer(("\0".join(texts) + "\0").encode() if texts else b"", np.uint8)


def cut(blob: Bytes) -> Tokens:
    """The tokens of texts that `join` made one."""
    if not len(blob):
        nothing = np.empty(0, np.int64)
        return Tokens(nothing, nothing, nothing)
    classes = _CLASS_OF[blob]
    changes = np.flatnonzero(classes[1:] != classes[:-1]) + 1
    starts = np.concatenate(([0], changes))
    ends = np.concatenate((changes, [len(blob)]))
    kinds = classes[starts]
    is_space = (kinds == _BETWEEN) & (ends - starts == 1) & (blob[starts] == 0x20)
    kept = (kinds != _END) & ~is_space
    starts, ends = starts[kept], ends[kept]
    text_ends = np.flatnonzero(blob == 0)
    return Tokens(starts, ends, np.searchsorted(text_ends, starts))


@lru_cache
def pieces(needle: str) -> tuple[bytes, ...]:
    """The tokens of one folded text."""
    blob = join([needle])
    found = cut(blob)
    return tuple(blob[start:end].tobytes() for start, end in zip(found.starts, found.ends, strict=True))


def is_word(token: bytes) -> bool:
    """Whether a token is one of letters and digits, and no other follows it without a space."""
    return bool(token) and _CLASS_OF[token[0]] == _WORD


def keys(blob: Bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The first eight bytes from each start, zeros from its end on, as numbers that sort as the bytes do."""
    padded = np.concatenate((blob, np.zeros(KEY_BYTES, np.uint8)))
    found = np.zeros(len(starts), np.uint64)
    for offset in range(KEY_BYTES):
        byte = padded[starts + offset].astype(np.uint64)
        byte[starts + offset >= ends] = 0
        found |= byte << np.uint64(8 * (KEY_BYTES - 1 - offset))
    return found

"""In which order pictures come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from lenscat_backend.errors import InvalidQueryError

SortKey = Literal["path", "name", "date", "rating", "size", "random", "relevance"]
SORT_KEYS: tuple[SortKey, ...] = get_args(SortKey)
MAX_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Sort:
    """By what pictures are sorted; those that are equal in it come in the order of their paths.

    `date` is when they were taken, those without a date always last. `random` is shuffled by a `seed`: with the same
    one the order is the same, on every server of a library. `relevance` puts first what holds the words of the query in
    tags, then in names, then in notes, whole words before parts of words.
    """

    key: SortKey = "path"
    descending: bool = False
    seed: int = 0


BY_PATH = Sort()


def parse_sort(text: str) -> Sort:
    """The order that `text` names: ``date``, ``-date`` (turned round), ``random:42`` (with a seed), "" for paths.

    Raises `InvalidQueryError` for anything else.
    """
    key, _, seed = text.removeprefix("-").partition(":")
    if not text:
        return BY_PATH
    if key not in SORT_KEYS or (seed and (key != "random" or not _is_seed(seed))):
        known = ", ".join(SORT_KEYS)
        raise InvalidQueryError(
            f"Column 1: pictures are sorted by {known}; write -date to turn it round, random:42.", 1
        )
    return Sort(key, text.startswith("-"), int(seed or 0))


def _is_seed(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAX_SEED

"""The orders that pictures can be sorted in, as values of their blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lenscat_backend.catalog.blocks.ordering import Match, Order
from lenscat_backend.models.search.nodes import And, Node, Or, Text
from lenscat_backend.models.search.sorting import Sort

_UNDATED = 10**14
"""Later than every time of 14 digits."""
_SCORED = ("", "name", "notes", "tag")


def order_of(sort: Sort, query: Node) -> Order:
    """How a sort puts the matches of a query in order."""
    if sort.key in ("path", "name"):
        return Order(None, sort.key == "name", sort.descending)
    values: dict[str, Callable[[Match], NDArray[np.int64]]] = {
        "date": _undated_last if not sort.descending else _taken,
        "rating": _rating,
        "size": _size,
        "random": partial(_shuffled, sort.seed),
        "relevance": partial(_relevance, tuple(_words(query))),
    }
    return Order(values[sort.key], False, sort.descending)


def _taken(match: Match) -> NDArray[np.int64]:
    return match.source.block.facts.taken


def _undated_last(match: Match) -> NDArray[np.int64]:
    taken = _taken(match)
    return np.where(taken > 0, taken, _UNDATED)


def _rating(match: Match) -> NDArray[np.int64]:
    column = match.source.block.facts.rating
    return np.array([value or 0 for value in column.values], np.int64)[column.codes]


def _size(match: Match) -> NDArray[np.int64]:
    return match.source.block.facts.size


def _shuffled(seed: int, match: Match) -> NDArray[np.int64]:
    """A number for each path and seed that looks like chance: the finalizer of SplitMix64."""
    mixed = match.source.block.core.path_hash.astype(np.uint64) | np.uint64(seed << 32)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(2)).astype(np.int64)


def _relevance(words: tuple[Text, ...], match: Match) -> NDArray[np.int64]:
    """Smaller for what is more relevant."""
    block = match.source.block
    score = np.zeros(len(block), np.int64)
    for word in words:
        text = word.pattern.text
        if word.part in ("", "tag"):
            score += np.where(block.tags.find(text, "whole"), 32, 0) + np.where(block.tags.find(text), 8, 0)
        if word.part in ("", "name"):
            score += np.where(block.names.has_word(text), 8, 0) + np.where(block.names.find(text), 4, 0)
        if word.part in ("", "notes"):
            score += np.where(block.notes.has_word(text), 2, 0) + np.where(block.notes.find(text), 1, 0)
    return -score


def _words(node: Node) -> Iterator[Text]:
    """The words that a match is asked to hold."""
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from _words(part)
    elif isinstance(node, Text) and node.pattern.kind in ("contains", "equals") and node.part in _SCORED:
        yield node

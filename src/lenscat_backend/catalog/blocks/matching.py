"""Which items of a block a query matches: conditions as masks over its columns and texts."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, assert_never

import numpy as np

from lenscat_backend.catalog.blocks.block import Block
from lenscat_backend.catalog.blocks.columns import Coded
from lenscat_backend.catalog.blocks.paths import path_matches
from lenscat_backend.catalog.blocks.texts import Mask, Texts
from lenscat_backend.catalog.blocks.view import Tree
from lenscat_backend.models.search.nodes import (
    And,
    Date,
    Everything,
    Format,
    HashPrefix,
    Near,
    Node,
    Not,
    Number,
    Or,
    State,
    Text,
)
from lenscat_backend.models.search.pattern import Pattern
from lenscat_backend.models.text import searchable

_EARTH_KM = 6371.0088
_SLACK = 1e-9
"""Degrees that rounding may take away."""
_NO_MARKS = str.maketrans("", "", "-:T")


def matching(node: Node, block: Block, tree: Tree) -> Mask:
    """The items for which a condition holds, dead ones too."""
    match node:
        case Everything():
            return np.ones(len(block), bool)
        case And(parts):
            return _all(parts, block, tree)
        case Or(parts):
            return reduce(np.logical_or, (matching(part, block, tree) for part in parts))
        case Not(part):
            return ~matching(part, block, tree)
        case Text():
            return _text(node, block, tree)
        case Number():
            return _number(node, block)
        case Date(first, last):
            return _taken(first, last, block)
        case Format(names):
            return block.facts.format.where(names.__contains__)
        case State(name):
            return _STATES[name](block)
        case Near():
            return _near(node, block)
        case HashPrefix(digits):
            return _hash(digits, block)
    assert_never(node)


def _all(parts: tuple[Node, ...], block: Block, tree: Tree) -> Mask:
    found = matching(parts[0], block, tree)
    for part in parts[1:]:
        if not found.any():
            return found
        found = found & matching(part, block, tree)
    return found


def _text(node: Text, block: Block, tree: Tree) -> Mask:
    if node.part == "path":
        return path_matches(node.pattern, block, tree)
    return block.mask(node, lambda: _of_part(node, block))


def _of_part(node: Text, block: Block) -> Mask:
    pattern = node.pattern
    match node.part:
        case "":
            return _in(block.names, pattern) | _in(block.notes, pattern) | _tagged(block, pattern)
        case "name":
            return _named(block, pattern)
        case "notes":
            return _in(block.notes, pattern)
        case "tag":
            return _tagged(block, pattern)
        case "camera":
            return _value(block.facts.camera, pattern)
        case "lens":
            return _value(block.facts.lens, pattern)
        case "label":
            return block.facts.label.where(pattern.matches)
        case "ext":
            return block.facts.extension.where(pattern.matches)
    raise AssertionError(node.part)  # paths are not a block's alone


def _in(texts: Texts, pattern: Pattern) -> Mask:
    if pattern.kind == "glob":
        return texts.glob(pattern.fragments, pattern.matches, np.ones(len(texts), bool))
    return texts.find(pattern.text, "whole" if pattern.kind == "equals" else "anywhere")


def _named(block: Block, pattern: Pattern) -> Mask:
    """A glob matches the whole name, or the name without its extension."""
    if pattern.kind != "glob":
        return _in(block.names, pattern)
    if pattern.text.endswith("*") and not any(char in pattern.text[:-1] for char in "*?"):
        prefix = pattern.text[:-1]
        return (
            block.names.find(prefix, "start") if prefix.strip() == prefix and prefix else _named_by_glob(block, pattern)
        )
    return _named_by_glob(block, pattern)


def _named_by_glob(block: Block, pattern: Pattern) -> Mask:
    def matches(name: str) -> bool:
        return pattern.matches(name) or pattern.matches(name.rpartition(".")[0] or name)

    return block.names.glob(pattern.fragments, matches, np.ones(len(block), bool))


def _tagged(block: Block, pattern: Pattern) -> Mask:
    return block.tags.items_with(_in(block.tags.folded, pattern))


def _value(column: Coded[str], pattern: Pattern) -> Mask:
    return column.where(lambda value: pattern.matches(searchable(value)))


def _number(node: Number, block: Block) -> Mask:
    facts = block.facts
    if node.field == "size":
        return _within(node, facts.size)
    if node.field == "mp":
        return _within(node, _numbers(facts.width) * _numbers(facts.height) / 1e6)
    column: Coded[Any] = getattr(facts, node.field)
    found = column.where(node.holds)
    if node.field == "rating" and node.holds(0):
        found = found | (~column.where(lambda _: True))
    return found


def _numbers(column: Coded[int]) -> np.ndarray[Any, Any]:
    return np.array([value or np.nan for value in column.values], np.float64)[column.codes]


def _within(node: Number, values: np.ndarray[Any, Any]) -> Mask:
    found: Mask = ~np.isnan(values)
    if node.low is not None:
        found &= values > node.low if node.low_open else values >= node.low
    if node.high is not None:
        found &= values < node.high if node.high_open else values <= node.high
    return found


def _taken(first: str | None, last: str | None, block: Block) -> Mask:
    taken = block.facts.taken
    found = taken > 0
    if first is not None:
        found &= taken >= int(first.translate(_NO_MARKS))
    if last is not None:
        found &= taken <= int(last.translate(_NO_MARKS))
    return found


def _near(node: Near, block: Block) -> Mask:
    """By the haversine formula."""
    places, found = block.places, np.zeros(len(block), bool)
    near = np.abs(places.latitudes - node.latitude) <= np.degrees(node.km / _EARTH_KM) + _SLACK
    items = places.items[near]
    latitudes, longitudes = np.radians(places.latitudes[near]), np.radians(places.longitudes[near])
    latitude, longitude = np.radians(node.latitude), np.radians(node.longitude)
    chord = (
        np.sin((latitudes - latitude) / 2) ** 2
        + np.cos(latitudes) * np.cos(latitude) * np.sin((longitudes - longitude) / 2) ** 2
    )
    found[items[2 * _EARTH_KM * np.arcsin(np.sqrt(np.minimum(chord, 1))) <= node.km]] = True
    return found


def _hash(digits: str, block: Block) -> Mask:
    hashes, found = block.hashes, np.zeros(len(block), bool)
    whole = bytes.fromhex(digits[: len(digits) // 2 * 2])
    if len(whole) > hashes.digests.shape[1] or len(digits) > 2 * hashes.digests.shape[1]:
        return found
    holds = (hashes.digests[:, : len(whole)] == np.frombuffer(whole, np.uint8)).all(axis=1)
    if len(digits) % 2:
        holds &= hashes.digests[:, len(whole)] >> 4 == int(digits[-1], 16)
    found[hashes.items[holds]] = True
    return found


def _shape(block: Block, holds: Callable[[Any, Any], Any]) -> Mask:
    facts = block.facts
    shape: Mask = holds(_numbers(facts.width), _numbers(facts.height))
    return shape


def _any(column: Coded[Any]) -> Mask:
    return column.where(lambda _: True)


def _with_places(block: Block) -> Mask:
    found = np.zeros(len(block), bool)
    found[block.places.items] = True
    return found


def _with_hash(block: Block) -> Mask:
    found = np.zeros(len(block), bool)
    found[block.hashes.items] = True
    return found


_STATES: dict[str, Callable[[Block], Mask]] = {
    "favorite": lambda block: block.facts.favorite.where(bool),
    "tagged": lambda block: np.diff(block.tags.begins) > 0,
    "rated": lambda block: _any(block.facts.rating),
    "labeled": lambda block: _any(block.facts.label),
    "landscape": lambda block: _shape(block, np.greater),
    "portrait": lambda block: _shape(block, np.less),
    "square": lambda block: _shape(block, np.equal),
    "has_notes": lambda block: np.diff(block.notes.begins) > 0,
    "has_gps": _with_places,
    "has_date": lambda block: block.facts.taken > 0,
    "has_camera": lambda block: _any(block.facts.camera),
    "has_lens": lambda block: _any(block.facts.lens),
    "has_hash": _with_hash,
    "has_sidecar": lambda block: block.facts.sidecar.where(bool),
}

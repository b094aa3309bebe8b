"""Which items of a block have paths that match: by their folders where that is enough."""

from __future__ import annotations

import numpy as np

from lenscat_backend.catalog.blocks.block import Block
from lenscat_backend.catalog.blocks.texts import Mask
from lenscat_backend.catalog.blocks.view import Tree
from lenscat_backend.models.search.pattern import Pattern
from lenscat_backend.models.text import searchable


def path_matches(pattern: Pattern, block: Block, tree: Tree) -> Mask:
    """The items whose folded path ``folder/name`` begins with the pattern, or matches its glob from the start."""
    if pattern.kind == "glob":
        return _by_glob(pattern, block, tree)
    prefix = pattern.text
    whole = tree.called(prefix[:-1]) if prefix.endswith("/") else []
    found = _in_folders(block, [*whole, *tree.beginning(prefix)])
    for at in [-1, *(place for place, char in enumerate(prefix) if char == "/")]:
        rest = prefix[at + 1 :]
        near = _in_folders(block, tree.called(prefix[: max(at, 0)]) if rest else [])
        if near.any():
            found = found | (near & block.names.find(rest, "start"))
    return found


def _by_glob(pattern: Pattern, block: Block, tree: Tree) -> Mask:
    literal = pattern.text[: min(pattern.text.find(char) % (len(pattern.text) + 1) for char in "*?")]
    column = block.core.folder
    names = {number: searchable(tree.paths.get(number, "")) for number in column.values if number is not None}
    begins = {number: f"{name}/" if name else "" for number, name in names.items()}
    whole = {number for number, begin in begins.items() if begin and pattern.matches(begin)}
    found = column.where(whole.__contains__)
    near = column.where(
        lambda number: (
            number not in whole and (begins[number].startswith(literal) or literal.startswith(begins[number]))
        )
    )
    items = np.flatnonzero(near)
    folders = [begins[column.values[code] or 0] for code in column.codes[items].tolist()]
    hits = [
        pattern.matches(begin + block.names.text(item)) for begin, item in zip(folders, items.tolist(), strict=True)
    ]
    found[items[np.array(hits, bool)]] = True
    return found


def _in_folders(block: Block, numbers: list[int]) -> Mask:
    if not numbers:
        return np.zeros(len(block), bool)
    return np.isin(block.core.folder_ids, numbers).take(block.core.folder.codes)

"""How many items of a block have each value of what facets tell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lenscat_backend.catalog.blocks.block import Block
from lenscat_backend.catalog.blocks.texts import Mask


class Counts(NamedTuple):
    """By value; months are whole numbers (202401), folders ids."""

    tags: dict[str, int]
    months: dict[int, int]
    cameras: dict[str, int]
    lenses: dict[str, int]
    ratings: dict[int, int]
    labels: dict[str, int]
    folders: dict[int, int]


def count(block: Block, among: Mask) -> Counts:
    """The counts over the items in a mask."""
    items, facts = np.flatnonzero(among), block.facts
    return Counts(
        block.tags.counts(items),
        facts.month.counts(items),
        facts.camera.counts(items),
        facts.lens.counts(items),
        facts.rating.counts(items),
        facts.label.counts(items),
        block.core.folder.counts(items),
    )

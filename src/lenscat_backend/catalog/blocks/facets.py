"""How many of the matches have each tag, were taken in each month, by each camera: to narrow a search down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lenscat_backend.catalog.blocks.counting import Counts, count
from lenscat_backend.catalog.blocks.ordering import Match
from lenscat_backend.catalog.blocks.view import Tree
from lenscat_backend.models.paths import LibraryPath


class Facets(NamedTuple):
    """Counts over all matches, the largest first; months are ``2024-01``, `unrated` has rating None."""

    tags: list[tuple[str, int]]
    months: list[tuple[str, int]]
    years: list[tuple[str, int]]
    cameras: list[tuple[str, int]]
    lenses: list[tuple[str, int]]
    ratings: list[tuple[str, int]]
    labels: list[tuple[str, int]]
    folders: list[tuple[str, int]]


def facets(matches: Sequence[Match], tree: Tree, folder: LibraryPath, limit: int) -> Facets:
    """At most `limit` of each, but all years, months, ratings and labels; folders are those directly in `folder`."""
    tags: Counter[str] = Counter()
    cameras: Counter[str] = Counter()
    lenses: Counter[str] = Counter()
    ratings: Counter[int] = Counter()
    labels: Counter[str] = Counter()
    months: Counter[int] = Counter()
    folders: Counter[int] = Counter()
    for match in matches:
        counts = _counts(match)
        tags.update(counts.tags)
        cameras.update(counts.cameras)
        lenses.update(counts.lenses)
        ratings.update(counts.ratings)
        labels.update(counts.labels)
        months.update(counts.months)
        folders.update(counts.folders)
    years: Counter[str] = Counter()
    for month, number in months.items():
        years[f"{month // 100:04}"] += number
    return Facets(
        _largest(tags, limit),
        [(f"{month // 100:04}-{month % 100:02}", count) for month, count in sorted(months.items())],
        sorted(years.items()),
        _largest(cameras, limit),
        _largest(lenses, limit),
        [(str(rating), count) for rating, count in sorted(ratings.items())],
        _largest(labels, len(labels)),
        _largest(_children(folders, tree, folder), limit),
    )


def _counts(match: Match) -> Counts:
    source = match.source
    if np.array_equal(match.mask, source.live):
        return source.counts
    return count(source.block, match.mask)


def _largest(counts: Counter[str], limit: int) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]


def _children(folders: Counter[int], tree: Tree, folder: LibraryPath) -> Counter[str]:
    """The counts of the folders directly in `folder`, each with all below it."""
    begin = f"{folder}/" if folder else ""
    found: Counter[str] = Counter()
    for number, pictures in folders.items():
        path = tree.paths.get(number, LibraryPath(""))
        if path.startswith(begin) and len(path) > len(begin):
            found[begin + path[len(begin) :].partition("/")[0]] += pictures
    return found

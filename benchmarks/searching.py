"""Searches as the library grows: pages with totals, facets, suggestions; memory and disk."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Plot, Section, Target
from benchmarks.processes import run_module
from benchmarks.sizes import Sizes
from benchmarks.stats import median

_QUERIES = 500
_SHARES = (100, 10, 1)
"""The libraries of the cost curve: a hundredth of the pictures, a tenth, all."""


def run(work: Path, sizes: Sizes) -> Section:
    """Measure each library in processes of its own; no server and no pictures are needed."""
    folder = work / "searches"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found = {}
    for share in _SHARES:
        images = sizes.searched // share
        catalog = str(folder / f"{images}.sqlite3")
        filled = run_module("search_once", given={"work": "fill", "catalog": catalog, "count": images})
        asked = run_module("search_once", given={"work": "ask", "catalog": catalog, "count": _QUERIES})
        found[images] = filled | asked
    shutil.rmtree(folder)
    return _section(found)


def _section(found: dict[int, dict[str, Any]]) -> Section:
    figures = [figure for images, one in found.items() for figure in _figures(images, one, images == max(found))]
    counts = list(found)
    series = {
        "search, p50": [_ms(one["pages"], 0.5) for one in found.values()],
        "search, p95": [_ms(one["pages"], 0.95) for one in found.values()],
        "facets, p95": [_ms(one["facets"], 0.95) for one in found.values()],
    }
    plot = Plot("A search's cost as the library grows", "ms", counts, series, "images")
    notes = [
        f"{_QUERIES} mixed queries, each a page of 100 with its exact total, from Python on the event loop, one after "
        "the other, over a catalog that a fresh process opened. Facets and suggestions apart.",
        "The pictures exist in the catalog only: made up, half of them with tags and notes of common and rare words.",
    ]
    return Section("searching", "Searching", figures, [plot], notes)


def _figures(images: int, one: dict[str, Any], is_most: bool) -> list[Figure]:
    def bound(limit: float) -> Target | None:
        return Target(limit, at_least=False) if is_most else None

    of = f"{images:,} images"
    return [
        Figure(f"{of}: search, p50", _ms(one["pages"], 0.5), "ms", bound(3)),
        Figure(f"{of}: search, p95", _ms(one["pages"], 0.95), "ms", bound(15)),
        Figure(f"{of}: facets, p50", _ms(one["facets"], 0.5), "ms"),
        Figure(f"{of}: facets, p95", _ms(one["facets"], 0.95), "ms", bound(60)),
        Figure(f"{of}: suggestions, p95", _ms(one["suggestions"], 0.95), "ms"),
        Figure(f"{of}: the very first search", one["first"] * 1e3, "ms"),
        Figure(f"{of}: making the blocks", one["block_seconds"], "s"),
        Figure(f"{of}: memory of the process that searched", one["rss"] / 2**20, "MiB"),
        Figure(f"{of}: catalog on disk", one["bytes"] / images, "bytes/image", bound(700)),
    ]


def _ms(seconds: Sequence[float], share: float) -> float:
    ordered = sorted(seconds)
    return (median(ordered) if share == 0.5 else ordered[int(len(ordered) * share)]) * 1e3

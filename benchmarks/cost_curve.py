"""What a scan costs as the library grows: a twentieth, a quarter and the whole of the small images."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.figures import Figure, Plot, Section, figure_of
from benchmarks.scan_once import scan_once
from benchmarks.sizes import Sizes
from benchmarks.small_library import SmallLibrary, small_library
from benchmarks.stats import median
from benchmarks.warming import read_all


def run(work: Path, sizes: Sizes) -> Section:
    """Measure, round by round over all sizes, through the Python API with an empty cache each time."""
    libraries = small_library(work, sizes.group_images).sizes
    first: list[list[float]] = [[] for _ in libraries]
    again: list[list[float]] = [[] for _ in libraries]
    for _ in range(sizes.scan_rounds):
        for number, library in enumerate(libraries):
            one, two = _scan_twice(library, work / "cache-curve")
            first[number].append(one)
            again[number].append(two)
    counts = [library.images for library in libraries]
    return _section(counts, first, again)


def _scan_twice(library: SmallLibrary, cache: Path) -> tuple[float, float]:
    shutil.rmtree(cache, ignore_errors=True)
    read_all(library.root)
    first, again = scan_once(library.root, cache), scan_once(library.root, cache)
    shutil.rmtree(cache, ignore_errors=True)
    if first.images_read != library.images or again.images_read:
        raise RuntimeError(f"Of {library.images} images {first.images_read} were read first, {again.images_read} again")
    return first.seconds, again.seconds


def _section(counts: list[int], first: list[list[float]], again: list[list[float]]) -> Section:
    figures = []
    for name, rounds in (("first scan", first), ("rescan", again)):
        for count, seconds in zip(counts, rounds, strict=True):
            figures.append(figure_of(f"{name} of {count:,}", seconds, "s"))
        growth = median(rounds[-1]) / counts[-1] / (median(rounds[0]) / counts[0])
        figures.append(Figure(f"{name}: cost of an image, largest / smallest library", growth, "x"))
    series = {"first scan": [median(one) for one in first], "rescan": [median(one) for one in again]}
    plot = Plot("A scan's cost as the library grows", "seconds", list(counts), series, "images")
    note = f"Rounds: {len(first[0])}; `Library.scan()` in a fresh process each, empty cache, page cache warm."
    return Section("curve", "Cost curve", figures, [plot], [note])

"""Thumbnails of 12-megapixel JPEGs: through the HTTP API, in a bare loop over libvips, and with Pillow."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.bare_draw import bare_draw
from benchmarks.client import fetch_all
from benchmarks.figures import Figure, Plot, Section, Target, figure_of
from benchmarks.machine import cores
from benchmarks.photos import MEASURED, WARM_UP, photo_library
from benchmarks.processes import serving
from benchmarks.scan_polling import wait_for_scan
from benchmarks.sizes import Sizes
from benchmarks.stats import median, noise_line, percentile, ratios
from benchmarks.warming import read_all


def run(work: Path, sizes: Sizes, real: Path | None) -> Section:
    """Measure, in interleaved rounds; every round draws every picture once."""
    root = photo_library(work, sizes, real)
    cache = work / "cache-drawing"
    ways: dict[str, Callable[[], list[float]]] = {
        "http": lambda: _through_http(root, cache),
        "vips": lambda: bare_draw(root, "vips"),
        "pillow": lambda: bare_draw(root, "pillow"),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    latencies: list[float] = []
    for number in range(sizes.photo_rounds):
        order = list(ways)
        random.Random(number).shuffle(order)
        for name in order:
            read_all(root)
            seconds, *each = ways[name]()
            rates[name].append(sizes.photos / seconds)
            if name == "http":
                latencies += each
    mean_bytes = sum(path.stat().st_size for path in (root / MEASURED).glob("*.jpg")) / sizes.photos
    return _section(rates, latencies, sizes, mean_bytes, real is not None)


def _through_http(root: Path, cache: Path) -> list[float]:
    """Seconds for all pictures, then of each request, of a new server without any thumbnail."""
    forget(root, cache)
    with serving(root, cache) as server:
        wait_for_scan(server)
        fetch_all(server, _targets(root, WARM_UP), cores())
        fetched = fetch_all(server, _targets(root, MEASURED), 2 * cores())
    forget(root, cache)
    return [fetched.seconds, *fetched.latencies]


def forget(root: Path, cache: Path) -> None:
    """Remove everything derived from a library of ours."""
    for pattern in ("*.thumbnail", "_*.json"):
        for path in root.rglob(pattern):
            path.unlink()
    shutil.rmtree(cache, ignore_errors=True)


def _targets(root: Path, folder: str) -> list[str]:
    return [f"/api/thumb?path={folder}/{path.name}" for path in sorted((root / folder).glob("*.jpg"))]


def _section(
    rates: dict[str, list[float]], latencies: list[float], sizes: Sizes, mean_bytes: float, real: bool
) -> Section:
    pixels = sizes.photo_width * sizes.photo_height / 1e6
    figures = [
        figure_of("HTTP API / bare loop over libvips", ratios(rates["http"], rates["vips"]), "x", Target(0.9)),
        figure_of("HTTP API / Pillow", ratios(rates["http"], rates["pillow"]), "x", Target(3.0)),
        figure_of("HTTP API", rates["http"], "pictures/s"),
        figure_of("bare loop over libvips", rates["vips"], "pictures/s"),
        figure_of("Pillow, decode then resize", rates["pillow"], "pictures/s"),
        Figure("HTTP API: latency p50", median(latencies) * 1e3, "ms"),
        Figure("HTTP API: latency p95", percentile(latencies, 0.95) * 1e3, "ms"),
    ]
    names = ["HTTP API", "bare libvips loop", "Pillow"]
    values = [median(one) for one in rates.values()]
    plot = Plot(f"Thumbnails of {pixels:.0f}-megapixel JPEGs", "pictures/s", names, {"median": values})
    notes = [
        f"Rounds: {sizes.photo_rounds}, interleaved, over {sizes.photos} unique JPEGs of {pixels:.1f} MP and "
        f"{mean_bytes / 1e6:.1f} MB on average ({'real photographs' if real else 'drawn'}), page cache warm; "
        f"{2 * cores()} keep-alive clients in a process of their own, {cores()} drawing threads each way.",
        noise_line(rates["vips"]),
        "The bare loop only draws and encodes; ours also stores the file, keeps the catalog and answers.",
    ]
    return Section("drawing", "Drawing thumbnails", figures, [plot], notes)

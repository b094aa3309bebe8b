"""The first scan of many small images by a real server, what else it does meanwhile, and its restart."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bare_read import HEAD_BYTES, bare_images_a_second
from benchmarks.figures import Figure, Plot, Section, Target, figure_of
from benchmarks.machine import cores
from benchmarks.processes import Server, lenscat, resident_mib, serving
from benchmarks.scan_once import scan_once
from benchmarks.scan_polling import browsing, open_folders, wait_for_scan
from benchmarks.sizes import Sizes
from benchmarks.small_library import SmallLibrary, small_library
from benchmarks.stats import median, noise_line, percentile, ratios
from benchmarks.warming import read_all

_LISTINGS = 100
_SETTLE_S = 120.0


@dataclass(slots=True)
class _Rounds:
    """One value a round, except the listings: those of all rounds."""

    bare_read: list[float] = field(default_factory=list)
    read: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    from_start: list[float] = field(default_factory=list)
    browsed: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    after_mib: list[float] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)
    restart_s: list[float] = field(default_factory=list)
    restart_listening_s: list[float] = field(default_factory=list)
    bare_stat: list[float] = field(default_factory=list)
    rescan: list[float] = field(default_factory=list)


def run(work: Path, sizes: Sizes) -> Section:
    """Measure, each round: a first scan while folders are opened, the bare loop, a first scan left alone, a restart,
    the bare loop over facts only, and a rescan.
    """
    library = small_library(work, sizes.group_images)
    cache = work / "cache-scanning"
    rounds = _Rounds()
    for _ in range(sizes.scan_rounds):
        _make_new(library, cache)
        _browsed_scan(library, cache, rounds)
        _make_new(library, cache)
        rounds.bare_read.append(bare_images_a_second(library.root, library.folders, "read"))
        read_all(library.root)
        _first_scan(library, cache, rounds)
        _restart(library, cache, rounds)
        _rescan(library, cache, rounds)
    clean(library, cache)
    return _section(rounds, library)


def clean(library: SmallLibrary, cache: Path) -> None:
    """Remove everything derived, catalog included, as a user does."""
    cache.mkdir(parents=True, exist_ok=True)
    lenscat("clean", library.root, "--yes", cache=cache)


def _make_new(library: SmallLibrary, cache: Path) -> None:
    clean(library, cache)
    read_all(library.root)


def _browsed_scan(library: SmallLibrary, cache: Path, rounds: _Rounds) -> None:
    folders = list(library.folders)
    with serving(library.root, cache) as server:
        with browsing(server, folders) as latencies:
            times = wait_for_scan(server)
        rounds.during += latencies
        rounds.browsed.append(library.images / (times.ended_at - server.listening_at))
        rounds.after += open_folders(server, folders, _LISTINGS)
        _wait_for_manifests(library, server)  # stopped before, it would leave work to the next


def _first_scan(library: SmallLibrary, cache: Path, rounds: _Rounds) -> None:
    with serving(library.root, cache) as server:
        times = wait_for_scan(server, library.images)
        rounds.read.append(library.images / (times.read_at - server.listening_at))
        rounds.ended.append(library.images / (times.ended_at - server.listening_at))
        rounds.from_start.append(library.images / (times.ended_at - server.started_at))
        rounds.peak_mib.append(times.peak_mib)
        _wait_for_manifests(library, server)
        rounds.after_mib.append(resident_mib(server.pid))


def _wait_for_manifests(library: SmallLibrary, server: Server) -> None:
    """After the scan the server writes manifests, the rollup last; memory counts them too."""
    rollup = library.root / "_rollup.json"
    end = time.perf_counter() + _SETTLE_S
    while not rollup.exists():
        if time.perf_counter() > end:
            raise RuntimeError(f"The server {server.pid} has written no rollup {_SETTLE_S:.0f} s after its scan")
        time.sleep(0.1)


def _restart(library: SmallLibrary, cache: Path, rounds: _Rounds) -> None:
    with serving(library.root, cache) as server:
        open_folders(server, list(library.folders), 1)
        answered_at = time.perf_counter()
        rounds.restart_s.append(answered_at - server.started_at)
        rounds.restart_listening_s.append(answered_at - server.listening_at)
        wait_for_scan(server)


def _rescan(library: SmallLibrary, cache: Path, rounds: _Rounds) -> None:
    read_all(library.root)
    rounds.bare_stat.append(bare_images_a_second(library.root, library.folders, "stat"))
    scan_once(library.root, cache)  # takes in what the server wrote last
    outcome = scan_once(library.root, cache)
    if outcome.images_read or outcome.folders_changed:
        raise RuntimeError(f"The rescan met changes where there are none: {outcome}")
    rounds.rescan.append(library.images / outcome.seconds)


def _section(rounds: _Rounds, library: SmallLibrary) -> Section:
    figures = [
        figure_of("first scan, until all dimensions are read", rounds.read, "images/s", Target(15_000)),
        figure_of("first scan, until the search index is done", rounds.ended, "images/s", Target(15_000)),
        figure_of("... counted from the start of the process", rounds.from_start, "images/s"),
        figure_of("... while 10 folders a second are opened", rounds.browsed, "images/s"),
        figure_of("bare loop: list, open, read heads", rounds.bare_read, "images/s"),
        figure_of("first scan / bare loop", ratios(rounds.read, rounds.bare_read), "x"),
        figure_of("rescan, nothing changed", rounds.rescan, "images/s", Target(60_000)),
        figure_of("bare loop: list, stat", rounds.bare_stat, "images/s"),
        figure_of("rescan / bare loop", ratios(rounds.rescan, rounds.bare_stat), "x"),
        *_latencies("opening a folder during the first scan", rounds.during),
        *_latencies("opening a folder after it", rounds.after),
        figure_of("restart: first listing, from the start of the process", rounds.restart_s, "s", Target(1.0, False)),
        figure_of("restart: first listing, once it listens", rounds.restart_listening_s, "s"),
        figure_of("memory after the scan (server and its children)", rounds.after_mib, "MiB", Target(250, False)),
        figure_of("memory at most during the scan (they too)", rounds.peak_mib, "MiB"),
    ]
    names = ["first scan", "its bare loop", "rescan", "its bare loop "]
    values = [median(one) for one in (rounds.read, rounds.bare_read, rounds.rescan, rounds.bare_stat)]
    plot = Plot(f"Scanning {library.images:,} small images", "images/s", names, {"median": values})
    notes = [
        f"Rounds: {len(rounds.read)}, over {library.images:,} images in {len(library.folders):,} folders, half of them "
        "with sidecars; every file is read right before each scan.",
        f"The bare loop runs in {cores()} processes and reads {HEAD_BYTES // 1024} KiB of each file, sidecars too. "
        f"{noise_line(rounds.bare_read)}",
        "The dimensions of an image count once its worker has sent them, at most 2,000 images before they are stored.",
    ]
    return Section("scanning", "Scanning", figures, [plot], notes)


def _latencies(name: str, seconds: list[float]) -> list[Figure]:
    return [
        Figure(f"{name}: p50", percentile(seconds, 0.5) * 1e3, "ms"),
        Figure(f"{name}: p95", percentile(seconds, 0.95) * 1e3, "ms"),
        Figure(f"{name}: most", max(seconds) * 1e3, "ms"),
    ]

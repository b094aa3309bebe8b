"""A thumbnail that exists: requests a second, ours against nginx with one worker and the very same files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.client import fetch_all
from benchmarks.figures import Figure, Plot, Section, Target, figure_of
from benchmarks.machine import cores
from benchmarks.nginx import nginx
from benchmarks.photos import existing_library
from benchmarks.processes import serving
from benchmarks.sizes import Sizes
from benchmarks.stats import median, noise_line, ratios

CONNECTIONS = 32
_SCRIPT = Path(__file__).with_name("wrk_requests.lua")


@dataclass(frozen=True, slots=True)
class _Rounds:
    rates: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)


def run(work: Path, sizes: Sizes) -> Section:
    """Measure, interleaved: full replies of both, then 304 replies of both."""
    root, cache = existing_library(work, sizes), work / "cache-existing"
    shutil.rmtree(cache, ignore_errors=True)
    names = sorted(path.name for path in root.glob("*.jpg"))
    with ExitStack() as stack:
        server = stack.enter_context(serving(root, cache))
        targets = [f"/api/thumb?path={name}" for name in names]
        etags = fetch_all(server, targets, 2 * cores()).etags
        nginx_port = stack.enter_context(nginx(root))
        theirs = {f"/{name}.thumbnail": "" for name in names}
        their_etags = {target: _etag(nginx_port, target) for target in theirs}
        cases: dict[str, tuple[int, Mapping[str, str]]] = {
            "ours": (server.port, dict.fromkeys(targets, "")),
            "nginx": (nginx_port, theirs),
            "ours, 304": (server.port, etags),
            "nginx, 304": (nginx_port, their_etags),
        }
        _check_not_modified(cases)
        rounds = _measure(work, cases, sizes)
    thumbnails = [(root / f"{name}.thumbnail").stat().st_size for name in names]
    return _section(rounds, sizes, sum(thumbnails) / len(thumbnails))


def _measure(work: Path, cases: dict[str, tuple[int, Mapping[str, str]]], sizes: Sizes) -> dict[str, _Rounds]:
    rounds = {name: _Rounds() for name in cases}
    for _ in range(sizes.wrk_rounds):
        for name, (port, targets) in cases.items():
            outcome = _wrk(work, port, targets, sizes.wrk_s)
            rounds[name].rates.append(outcome["requests"] / outcome["seconds"])
            rounds[name].p50_ms.append(outcome["p50_ms"])
            rounds[name].p99_ms.append(outcome["p99_ms"])
    return rounds


def _wrk(work: Path, port: int, targets: Mapping[str, str], seconds: int) -> dict[str, float]:
    listed = work / "wrk-targets.txt"
    listed.write_text("".join(f"{target}\t{etag}\n" for target, etag in targets.items()))
    address = f"http://127.0.0.1:{port}/"
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(_SCRIPT), address]
    environment = os.environ | {"LENSCAT_BENCH_TARGETS": str(listed)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    outcome: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if outcome["failed"]:
        raise RuntimeError(f"{outcome['failed']:.0f} of {outcome['requests']:.0f} requests to {address} failed")
    return outcome


def _etag(port: int, target: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{target}") as reply:
        return str(reply.headers["ETag"])


def _check_not_modified(cases: dict[str, tuple[int, Mapping[str, str]]]) -> None:
    """That both really answer 304 to what is measured as such."""
    for port, targets in cases.values():
        target, etag = next(iter(targets.items()))
        request = urllib.request.Request(f"http://127.0.0.1:{port}{target}", headers={"If-None-Match": etag or '"x"'})
        try:
            with urllib.request.urlopen(request) as reply:
                status = int(reply.status)
        except urllib.error.HTTPError as answer:
            status = answer.code
        if status != (304 if etag else 200):
            raise RuntimeError(f"{target} answered {status}")


def _section(rounds: dict[str, _Rounds], sizes: Sizes, mean_bytes: float) -> Section:
    ours, theirs = rounds["ours"], rounds["nginx"]
    plain = ratios(ours.rates, theirs.rates)
    fresh = ratios(rounds["ours, 304"].rates, rounds["nginx, 304"].rates)
    figures = [
        figure_of("ours / nginx, full replies", plain, "x", Target(0.3)),
        figure_of("ours / nginx, 304", fresh, "x"),
    ]
    for name, one in rounds.items():
        figures += [
            figure_of(f"{name}: requests", one.rates, "/s"),
            Figure(f"{name}: latency p50", median(one.p50_ms), "ms"),
            Figure(f"{name}: latency p99", median(one.p99_ms), "ms"),
        ]
    values = [median(one.rates) for one in rounds.values()]
    plot = Plot("A thumbnail that exists", "requests/s", list(rounds), {"median": values})
    notes = [
        f"Rounds: {sizes.wrk_rounds} of {sizes.wrk_s} s each, interleaved; wrk with 1 thread and {CONNECTIONS} "
        f"connections cycles over {sizes.existing} thumbnails of {mean_bytes / 1024:.1f} KiB on average.",
        "Ours revalidates the picture and the thumbnail on disk for every reply; nginx only serves files.",
        noise_line(theirs.rates, "nginx"),
    ]
    return Section("existing", "A thumbnail that exists", figures, [plot], notes)

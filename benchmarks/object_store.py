"""A library in an object store, against bare requests to the same server."""

from __future__ import annotations

import asyncio
import http.client
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import obstore

from benchmarks.client import fetch_all
from benchmarks.drawing import draw_photo, encoded, unique_copy
from benchmarks.figures import Figure, Plot, Section, Target, figure_of
from benchmarks.object_client import AT_ONCE, Done, bare, each
from benchmarks.processes import Server, serving
from benchmarks.radosgw import Bucket, radosgw
from benchmarks.scan_once import scan_once
from benchmarks.scan_polling import get_json, wait_for_scan
from benchmarks.sizes import Sizes
from benchmarks.stats import median, noise_line, ratios

_BASES = 20
_WIDTH, _HEIGHT = 320, 240
_PHOTOS = "photos"
_PHOTO_WIDTH, _PHOTO_HEIGHT = 2400, 1800
_LISTINGS = 10
_SHARES = (10, 4, 2, 1)
"""The libraries of the cost curve: a tenth of the objects and so on."""


@dataclass(slots=True)
class _Rounds:
    """What each round gave: seconds, of a scan by the number of its objects."""

    listing: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    bare_listing: list[float] = field(default_factory=list)
    first: dict[int, list[float]] = field(default_factory=dict)
    again: dict[int, list[float]] = field(default_factory=dict)
    bare_heads: list[float] = field(default_factory=list)
    thumbnails: list[float] = field(default_factory=list)
    bare_gets: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Cost:
    """Requests and bytes of a first look at the photographs."""

    requests: dict[str, int]
    received: int


def run(work: Path, sizes: Sizes) -> Section:
    """Measure, in interleaved rounds, with a server that is started and stopped here."""
    cache = work / "cache-objects"
    with radosgw(work) as bucket:
        counts = [sizes.objects // share for share in _SHARES]
        for count in counts:
            _upload(bucket, _folder(count), count, (_WIDTH, _HEIGHT), _BASES)
        _upload(bucket, f"{_PHOTOS}/all", sizes.photos, (_PHOTO_WIDTH, _PHOTO_HEIGHT), 4)
        _upload(bucket, "thumbs/all", sizes.objects // 10, (_WIDTH, _HEIGHT), _BASES)
        costs = _costs(bucket, cache)
        rounds = _Rounds()
        for _ in range(sizes.object_rounds):
            _scans(bucket, cache, counts, rounds)
            _listings(bucket, cache, counts[-1], rounds)
            _thumbnails(bucket, cache, sizes.objects // 10, rounds)
    return _section(rounds, costs, sizes)


def _folder(count: int) -> str:
    return f"of-{count}/all"


def _upload(bucket: Bucket, folder: str, count: int, size: tuple[int, int], bases: int) -> None:
    """`count` unique JPEGs into `folder`."""
    drawn = [encoded(draw_photo(number, *size), "JPEG", f"2020:01:{number + 1:02} 12:00:00") for number in range(bases)]
    store = bucket.open()

    async def put(number: int) -> None:
        data = unique_copy("JPEG", drawn[number % bases], number)
        await obstore.put_async(store, f"{folder}/IMG_{number:06}.jpg", data, use_multipart=False)

    asyncio.run(each(put, range(count)))


def _scans(bucket: Bucket, cache: Path, counts: Sequence[int], rounds: _Rounds) -> None:
    for count in counts:
        shutil.rmtree(cache, ignore_errors=True)
        url = bucket.url(f"of-{count}")
        first, again = scan_once(url, cache), scan_once(url, cache)
        if first.images_read != count or again.images_read:
            raise RuntimeError(f"Of {count} images {first.images_read} were read first, {again.images_read} again")
        rounds.first.setdefault(count, []).append(first.seconds)
        rounds.again.setdefault(count, []).append(again.seconds)
    rounds.bare_heads.append(bare(bucket, "heads", _folder(counts[-1])).seconds)


def _listings(bucket: Bucket, cache: Path, count: int, rounds: _Rounds) -> None:
    """After `_scans`: the catalog knows the largest folder."""
    with serving(bucket.url(f"of-{count}"), cache) as server:
        wait_for_scan(server)
        rounds.listing.append(_median_get(server, "/api/folders?path=all&page=0"))
        rounds.bare_listing.append(bare(bucket, "list", _folder(count)).seconds)
        rounds.whole.append(_median_get(server, "/api/folders?path=all"))


def _median_get(server: Server, target: str) -> float:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    took = []
    for _ in range(_LISTINGS):
        began = time.perf_counter()
        connection.request("GET", target)
        reply = connection.getresponse()
        reply.read()
        took.append(time.perf_counter() - began)
        if reply.status != 200:
            raise RuntimeError(f"{target}: {reply.status}")
    connection.close()
    return sorted(took)[_LISTINGS // 2]


def _thumbnails(bucket: Bucket, cache: Path, count: int, rounds: _Rounds) -> None:
    """Each thumbnail once, from a server that has just been started; drawn and stored in the first round."""
    targets = [f"/api/thumb?path=all/IMG_{number:06}.jpg" for number in range(count)]
    with serving(bucket.url("thumbs"), cache) as server:
        wait_for_scan(server)
        if not rounds.thumbnails:
            fetch_all(server, targets, AT_ONCE)
            _keep_thumbnails(bucket, count)
    with serving(bucket.url("thumbs"), cache) as server:
        wait_for_scan(server)
        rounds.thumbnails.append(count / fetch_all(server, targets, AT_ONCE).seconds)
    rounds.bare_gets.append(count / bare(bucket, "gets", "only-thumbs").seconds)


def _keep_thumbnails(bucket: Bucket, count: int) -> None:
    """Copies for the bare loop, which takes whatever is in its folder."""
    store = bucket.open()
    for number in range(count):
        name = f"IMG_{number:06}.jpg.thumbnail"
        obstore.put(store, f"only-thumbs/{name}", obstore.get(store, f"thumbs/all/{name}").bytes(), use_multipart=False)


def _costs(bucket: Bucket, cache: Path) -> tuple[_Cost, _Cost, Done]:
    """Our first look at the photographs, our second, and the naive one."""
    shutil.rmtree(cache, ignore_errors=True)
    looks = []
    for _ in range(2):
        with serving(bucket.url(_PHOTOS), cache) as server:
            wait_for_scan(server)
            looks.append(_cost(server))
    return looks[0], looks[1], bare(bucket, "naive", f"{_PHOTOS}/all")


def _cost(server: Server) -> _Cost:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    kinds: dict[str, Any] = get_json(connection, "/api/health/storage")["storage"]["requests"]["by_kind"]
    connection.close()
    scanned = {kind: told for kind, told in kinds.items() if kind in ("LIST", "GET", "HEAD")}
    return _Cost(
        {kind: told["requests"] for kind, told in scanned.items()},
        sum(told["received_bytes"] for told in scanned.values()),
    )


def _section(rounds: _Rounds, costs: tuple[_Cost, _Cost, Done], sizes: Sizes) -> Section:
    counts = list(rounds.first)
    most = counts[-1]
    first, heads = rounds.first[most], rounds.bare_heads
    figures = [
        figure_of(
            f"listing {most:,} known images (page 1) / bare LIST requests",
            ratios(rounds.listing, rounds.bare_listing),
            "x",
            Target(1.3, at_least=False),
        ),
        figure_of("... all of them in one reply / bare LIST requests", ratios(rounds.whole, rounds.bare_listing), "x"),
        figure_of("bare LIST requests", [one * 1e3 for one in rounds.bare_listing], "ms"),
        figure_of(f"first scan of {most:,} / bare ranged GETs", ratios(heads, first), "x", Target(0.5)),
        figure_of("first scan", [most / one for one in first], "images/s"),
        figure_of("bare ranged GETs", [most / one for one in heads], "/s"),
        figure_of("second scan", [most / one for one in rounds.again[most]], "images/s"),
        figure_of(
            f"{AT_ONCE} parallel cached thumbnails / bare GETs",
            ratios(rounds.thumbnails, rounds.bare_gets),
            "x",
            Target(0.5),
        ),
        figure_of("cached thumbnails", rounds.thumbnails, "/s"),
        figure_of("bare GETs of the same", rounds.bare_gets, "/s"),
        *_table(costs, sizes.photos),
        Figure("first scan: cost of an image, largest / smallest library", _growth(rounds.first), "x"),
    ]
    series = {"first scan": [median(one) for one in rounds.first.values()]}
    series["second scan"] = [median(one) for one in rounds.again.values()]
    plot = Plot("A scan's cost as the folder in the bucket grows", "seconds", counts, series, "images")
    notes = [
        f"Rounds: {len(first)}, interleaved, against Ceph's radosgw on the same machine, with its disk in memory: "
        "server and clients share the cores.",
        f"Bare loops: the client library (obstore) from a process of its own, {AT_ONCE} requests at once, nothing done "
        f"with the replies. {noise_line(heads)}",
        "'naive' makes of each picture a HEAD, a GET of the whole, and a HEAD each for sidecar and thumbnail. "
        f"Photographs: {sizes.photos} of {_PHOTO_WIDTH} x {_PHOTO_HEIGHT}. Ours counts the server's start too: whether "
        "there is a rollup, and whether the store keeps conditions.",
    ]
    return Section("objects", "A library in an object store", figures, [plot], notes)


def _growth(rounds: dict[int, list[float]]) -> float:
    costs = [median(seconds) / count for count, seconds in rounds.items()]
    return costs[-1] / costs[0]


def _table(costs: tuple[_Cost, _Cost, Done], photos: int) -> list[Figure]:
    """Requests and bytes, side by side."""
    first, second, naive = costs
    figures = []
    for name, requests, received in (
        ("ours, first look", first.requests, first.received),
        ("ours, second look", second.requests, second.received),
        ("naive, each look", naive.requests | {"LIST": 1}, naive.received),
    ):
        said = ", ".join(f"{count} {kind}" for kind, count in sorted(requests.items()) if count)
        figures.append(Figure(f"{photos} photographs, {name}: {said}", sum(requests.values()), "requests"))
        if received:
            figures.append(Figure(f"{photos} photographs, {name}: received", received / 1e6, "MB"))
    return figures

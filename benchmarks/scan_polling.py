"""Asking a server how far its scan is, and what folders look like in the meantime."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from benchmarks.processes import Server, resident_mib

_POLL_S = 0.05
_DEADLINE_S = 1800.0


@dataclass(frozen=True, slots=True)
class ScanTimes:
    """When (`time.perf_counter`) all images had been read and when the scan had ended; the most memory meanwhile."""

    read_at: float
    ended_at: float
    peak_mib: float


def get_json(connection: http.client.HTTPConnection, target: str) -> Any:
    """The JSON reply to a GET; raises if it is not a 200."""
    connection.request("GET", target)
    reply = connection.getresponse()
    data = reply.read()
    if reply.status != 200:
        raise RuntimeError(f"{target}: {reply.status} {data[:200]!r}")
    return json.loads(data)


def wait_for_scan(server: Server, images: int | None = None) -> ScanTimes:
    """Poll until the scan has ended. Raises where it has not read all of `images`: what a client opened counts not."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    read_at, peak = 0.0, 0.0
    end = time.perf_counter() + _DEADLINE_S
    while time.perf_counter() < end:
        scan = get_json(connection, "/api/health/workers")["workers"]["scan"]
        now = time.perf_counter()
        peak = max(peak, resident_mib(server.pid))
        if scan is not None:
            if not read_at and images is not None and scan["images_read"] >= images:
                read_at = now
            if not scan["running"]:
                connection.close()
                if images is not None and not read_at:
                    raise RuntimeError(f"The scan read {scan['images_read']} of {images} images")
                return ScanTimes(read_at or now, now, peak)
        time.sleep(_POLL_S)
    raise RuntimeError(f"The scan has not ended after {_DEADLINE_S:.0f} s")


@contextmanager
def browsing(server: Server, folders: list[str], pause_s: float = 0.1) -> Iterator[list[float]]:
    """Open random folders in a thread until the block ends; gives the seconds of each, as they come."""
    latencies: list[float] = []
    ended = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        browsed = pool.submit(_browse, server, folders, pause_s, latencies, ended)
        try:
            yield latencies
        finally:
            ended.set()
        browsed.result()


def open_folders(server: Server, folders: list[str], count: int) -> list[float]:
    """Seconds of each of `count` listings of random folders, one after the other."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    chosen = random.Random(2).choices(folders, k=count)
    try:
        return [_timed(connection, folder) for folder in chosen]
    finally:
        connection.close()


def _browse(server: Server, folders: list[str], pause_s: float, latencies: list[float], ended: threading.Event) -> None:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    chosen = random.Random(1)
    while not ended.is_set():
        latencies.append(_timed(connection, chosen.choice(folders)))
        ended.wait(pause_s)
    connection.close()


def _timed(connection: http.client.HTTPConnection, folder: str) -> float:
    began = time.perf_counter()
    connection.request("GET", f"/api/folders?path={quote(folder, safe='')}")
    reply = connection.getresponse()
    reply.read()
    if reply.status != 200:
        raise RuntimeError(f"The listing of {folder} answered {reply.status}")
    return time.perf_counter() - began

"""A light HTTP client with many keep-alive connections: `python -m benchmarks.client`, its work as JSON on stdin.

Raw streams and no parsing beyond what is needed, so that the core time goes to the server.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import uvloop

from benchmarks.processes import Server, run_module


@dataclass(frozen=True, slots=True)
class Fetched:
    """How it went: seconds in all, seconds of each request, and each target's ETag."""

    seconds: float
    latencies: list[float]
    etags: dict[str, str]


@dataclass(slots=True)
class _Record:
    latencies: list[float] = field(default_factory=list)
    etags: dict[str, str] = field(default_factory=dict)


def fetch_all(server: Server, targets: Sequence[str], connections: int) -> Fetched:
    """GET every target once from a process of its own; raises if any answer is not a 200."""
    given = {"host": server.host, "port": server.port, "targets": list(targets), "connections": connections}
    return Fetched(**run_module("client", given=given))


async def _fetch(given: dict[str, Any]) -> dict[str, Any]:
    record = _Record()
    targets = iter(given["targets"])
    opened = [await asyncio.open_connection(given["host"], given["port"]) for _ in range(given["connections"])]
    began = time.perf_counter()
    await asyncio.gather(*(_work(reader, writer, targets, record) for reader, writer in opened))
    seconds = time.perf_counter() - began
    for _, writer in opened:
        writer.close()
    return {"seconds": seconds, "latencies": record.latencies, "etags": record.etags}


async def _work(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, targets: Iterator[str], record: _Record
) -> None:
    for target in targets:
        began = time.perf_counter()
        writer.write(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        body = await reader.readexactly(int(headers["content-length"]))
        if " 200 " not in lines[0] + " ":
            raise RuntimeError(f"{target}: {lines[0]} {body[:200]!r}")
        record.latencies.append(time.perf_counter() - began)
        record.etags[target] = headers.get("etag", "")


def main() -> None:
    """Do the work given on standard input, print the outcome."""
    uvloop.install()
    print(json.dumps(asyncio.run(_fetch(json.load(sys.stdin)))))


if __name__ == "__main__":
    main()

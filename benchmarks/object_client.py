"""Bare loops over the object store's client library: `python -m benchmarks.object_client`, their work as JSON on stdin.

Each is what a program without any gallery would do: as many requests at once as Lenscat makes, nothing done with them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import obstore
from obstore.store import S3Store

from benchmarks.processes import run_module
from benchmarks.radosgw import Bucket

T = TypeVar("T")
AT_ONCE = 16
HEAD_BYTES = 65536
_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Done:
    """Seconds (for `list` the median of ten listings), requests by kind, bytes received; listings are not counted."""

    seconds: float
    requests: dict[str, int]
    received: int


def bare(bucket: Bucket, work: str, prefix: str) -> Done:
    """Do the `work` on everything below `prefix`, from a process of its own.

    ``list``: the folder's keys. ``heads``: the first 64 KiB of each object. ``gets``: each object. ``naive``: of each
    object a HEAD, a GET of the whole, and a HEAD each for a sidecar and a thumbnail that are not there.
    """
    given = {"name": bucket.name, "endpoint": bucket.endpoint, "work": work, "prefix": prefix}
    return Done(**run_module("object_client", given=given))


async def each(work: Callable[[T], Awaitable[object]], things: Iterable[T]) -> None:
    """`work` on all of them, `AT_ONCE` at a time."""
    waiting = iter(things)

    async def drain() -> None:
        for thing in waiting:
            await work(thing)

    await asyncio.gather(*(drain() for _ in range(AT_ONCE)))


class _Loops:
    def __init__(self, store: S3Store, prefix: str) -> None:
        self._store = store
        self._prefix = prefix
        listed = (meta for page in obstore.list(store, prefix) for meta in page)
        self._sizes = {meta["path"]: meta["size"] for meta in listed if not meta["path"].endswith(".json")}
        self.received = 0
        self.requests: dict[str, int] = {}

    def _count(self, kind: str, received: int = 0) -> None:
        self.requests[kind] = self.requests.get(kind, 0) + 1
        self.received += received

    async def list(self) -> float:
        """The median of some listings."""
        took = []
        for _ in range(_ROUNDS):
            began = time.perf_counter()
            await obstore.list_with_delimiter_async(self._store, self._prefix)
            took.append(time.perf_counter() - began)
        return sorted(took)[_ROUNDS // 2]

    async def heads(self) -> float:
        return await self._timed(self._head)

    async def gets(self) -> float:
        return await self._timed(self._get)

    async def naive(self) -> float:
        return await self._timed(self._naive)

    async def _timed(self, work: Callable[[str], Awaitable[object]]) -> float:
        began = time.perf_counter()
        await each(work, self._sizes)
        return time.perf_counter() - began

    async def _head(self, key: str) -> None:
        data = await obstore.get_range_async(self._store, key, start=0, end=min(self._sizes[key], HEAD_BYTES))
        self._count("GET", len(data))

    async def _get(self, key: str) -> None:
        self._count("GET", len(await (await obstore.get_async(self._store, key)).bytes_async()))

    async def _naive(self, key: str) -> None:
        await self._exists(key)
        await self._get(key)
        await self._exists(key + ".json")
        await self._exists(key + ".thumbnail")

    async def _exists(self, key: str) -> bool:
        self._count("HEAD")
        try:
            await obstore.head_async(self._store, key)
        except FileNotFoundError:
            return False
        return True


async def _run(given: dict[str, Any]) -> dict[str, Any]:
    loops = _Loops(Bucket(given["name"], given["endpoint"]).open(), given["prefix"])
    seconds = await getattr(loops, given["work"])()
    return {"seconds": seconds, "requests": loops.requests, "received": loops.received}


def main() -> None:
    """Do the work given on standard input, print the outcome."""
    print(json.dumps(asyncio.run(_run(json.load(sys.stdin)))), flush=True)
    os._exit(0)  # the client library's threads now and then abort an interpreter that ends in the usual way


if __name__ == "__main__":
    main()

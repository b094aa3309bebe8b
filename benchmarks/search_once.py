"""Searches over one catalog, in a process of their own: `python -m benchmarks.search_once`, work as JSON on stdin."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil

from benchmarks.search_words import queries, updates
from lenscat_backend.catalog.catalog import Catalog
from lenscat_backend.models.search.parser import parse_query

_BATCH = 20
_PAGE = 100


def main() -> None:
    """Do the work given on standard input, print the outcome."""
    given = json.load(sys.stdin)
    work = {"fill": _fill, "ask": _ask}[given["work"]]
    print(json.dumps(asyncio.run(work(Path(given["catalog"]), given["count"]))))


async def _fill(path: Path, images: int) -> dict[str, Any]:
    """Enter so many pictures, and put them into blocks; seconds of both."""
    catalog = Catalog(path)
    batch = []
    for update in updates(images):
        batch.append(update)
        if len(batch) == _BATCH:
            await catalog.apply(batch)
            batch = []
    await catalog.apply(batch)
    began = time.perf_counter()
    while await catalog.make_block(1):
        pass
    seconds = time.perf_counter() - began
    await catalog.empty_log()
    catalog.close()
    return {"block_seconds": seconds, "bytes": path.stat().st_size}


async def _ask(path: Path, count: int) -> dict[str, Any]:
    """Seconds of each query's first page, with its total; of its facets; of a search after an edit."""
    catalog, asked = Catalog(path), queries(count)
    began = time.perf_counter()
    await catalog.search(parse_query(asked[0]).root, limit=_PAGE)
    first = time.perf_counter() - began
    pages = [await _timed(lambda root: catalog.search(root, limit=_PAGE), query) for query in asked]
    counts = [await _timed(catalog.facets, query) for query in asked]
    suggestions = [await _timed(lambda _, text=query: catalog.suggest(text, 10), query) for query in _typed(asked)]
    memory = psutil.Process(os.getpid()).memory_info().rss
    catalog.close()
    return {"first": first, "pages": pages, "facets": counts, "suggestions": suggestions, "rss": memory}


def _typed(asked: list[str]) -> list[str]:
    return [query for query in asked if query.isalpha()]


async def _timed(work: Callable[[Any], Awaitable[object]], query: str) -> float:
    began = time.perf_counter()
    await work(parse_query(query).root)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

"""Scans through the Python API, each figure the scan itself: `python -m benchmarks.scan_once ROOT CACHE ROUNDS`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from benchmarks.processes import run_module
from lenscat_backend.library.library import Library
from lenscat_backend.library.options import LibraryOptions


def scans(root: Path, cache: Path, rounds: int) -> list[dict[str, float]]:
    """Scan `rounds` times in one fresh process: seconds, images read and folders changed of each."""
    found: list[dict[str, float]] = run_module("scan_once", root, cache, rounds)
    return found


async def _scan(root: str, cache: Path, rounds: int) -> list[dict[str, float]]:
    outcomes = []
    async with Library.open(root, LibraryOptions(cache_dir=cache)) as library:
        for _ in range(rounds):
            began = time.perf_counter()
            progress = await library.scan()
            seconds = time.perf_counter() - began
            outcomes.append({"seconds": seconds, "read": progress.images_read, "changed": progress.folders_changed})
    return outcomes


def main() -> None:
    """Scan, and print the outcomes."""
    print(json.dumps(asyncio.run(_scan(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))))


if __name__ == "__main__":
    main()

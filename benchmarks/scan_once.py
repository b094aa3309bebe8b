"""A scan through the Python API, without its process starting: `python -m benchmarks.scan_once ROOT CACHE`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.processes import run_module
from lenscat_backend.library.library import Library
from lenscat_backend.library.options import LibraryOptions
from lenscat_backend.storage.object_options import ObjectOptions


@dataclass(frozen=True, slots=True)
class Scanned:
    """What one scan took and did."""

    seconds: float
    images_read: int
    folders_changed: int


def scan_once(root: Path | str, cache: Path) -> Scanned:
    """Scan a library in a fresh process, with the catalog that is in `cache` or a new one."""
    return Scanned(**run_module("scan_once", root, cache))


async def _scan(root: str, cache: Path) -> Scanned:
    objects = ObjectOptions().with_environment(os.environ)
    async with Library.open(root, LibraryOptions(cache_dir=cache, objects=objects)) as library:
        began = time.perf_counter()
        progress = await library.scan()
        return Scanned(time.perf_counter() - began, progress.images_read, progress.folders_changed)


def main() -> None:
    """Scan, and print the outcome."""
    print(json.dumps(asdict(asyncio.run(_scan(sys.argv[1], Path(sys.argv[2]))))))


if __name__ == "__main__":
    main()

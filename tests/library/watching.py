"""A watch over a folder, for tests: what has it heard since it was last asked?"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from lenscat_backend.library.watch import Watch
from lenscat_backend.library.watch_system import SystemWatch

Heard = Callable[[], Awaitable[set[str]]]


@asynccontextmanager
async def listening(root: Path, kind: type[Watch] = SystemWatch, **options: Any) -> AsyncIterator[tuple[Watch, Heard]]:
    """A watch over `root`, and a call that gives the folders in which something changed since the last call."""
    watch = kind(
        str(root),
        options.pop("overlay", None),
        root.parent / "markers",
        asyncio.get_running_loop(),
        options.pop("on_change", lambda: None),
        **options,
    )
    try:
        await asyncio.to_thread(watch.start)
    except asyncio.CancelledError:
        watch.stop()
        raise

    async def heard() -> set[str]:
        assert await watch.heard_all()
        return set(watch.take_changed())

    try:
        await heard()
        yield watch, heard
    finally:
        await asyncio.to_thread(watch.close)


def heard_of(root: Path, *acts: Callable[[], object], **options: Any) -> list[set[str]]:
    """What is heard of after each of `acts`."""

    async def run() -> list[set[str]]:
        async with listening(root, **options) as (_, heard):
            replies = []
            for act in acts:
                act()
                replies.append(await heard())
            return replies

    return asyncio.run(run())


def watch_count() -> int:
    """How many folders this process listens to."""
    count = 0
    for number in os.listdir("/proc/self/fdinfo"):  # noqa: PTH208 - names only
        with suppress(OSError):
            count += Path(f"/proc/self/fdinfo/{number}").read_text().count("inotify wd")
    return count


def watched_inodes() -> set[int]:
    """The inodes of the folders that this process listens to."""
    found = set()
    for number in os.listdir("/proc/self/fdinfo"):  # noqa: PTH208 - names only
        with suppress(OSError):
            for line in Path(f"/proc/self/fdinfo/{number}").read_text().splitlines():
                if line.startswith("inotify wd"):
                    found.add(int(line.split(" ino:")[1].split()[0], 16))
    return found

"""How a library's folders on this machine are watched: its own, and those that pointers lead to."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from functools import partial

from lenscat_backend.library.options import LibraryOptions, Opened
from lenscat_backend.library.watch import Watch
from lenscat_backend.library.watch_system import SystemWatch
from lenscat_backend.library.watch_targets import TargetWatches

OnChange = Callable[[], None]


def watch_maker(opened: Opened, options: LibraryOptions, on_change: OnChange) -> Callable[[], Watch] | None:
    """What makes a watch of the library itself; None where it is not on this machine."""
    if opened.spec is None:
        return None
    return partial(
        SystemWatch,
        opened.spec.base,
        opened.spec.upper if options.overlay is not None else None,
        opened.cache / "markers",
        asyncio.get_running_loop(),
        on_change,
        follow_outside=options.follow_links_outside,
    )


def target_watches(opened: Opened, options: LibraryOptions, on_change: OnChange) -> TargetWatches:
    """The watches of what pointers lead to on this machine; none where nothing is watched."""
    loop, numbers = asyncio.get_running_loop(), itertools.count()

    def make(folder: str) -> Watch:
        markers = opened.cache / f"markers-{next(numbers)}"  # each watch hears only its own
        return SystemWatch(folder, None, markers, loop, on_change, follow_outside=options.follow_links_outside)

    return TargetWatches(make if options.watch else None)

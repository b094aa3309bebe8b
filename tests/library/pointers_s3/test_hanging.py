"""Buckets that do not answer: whoever wants nothing of them is not held up."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from lenscat_backend import Library
from tests.conftest import picture
from tests.library.opening import Opens, errors_in
from tests.s3.faulty_proxy import Fault, faulty_proxy
from tests.s3.shelves import Shelf, point
from tests.serving import DEADLINE_S

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("known", ["known before", "new"])
@pytest.mark.parametrize("where", ["disk", "bucket"])
async def test_targets_that_hang_hold_nobody_up(
    library: Path, shelf: Shelf, other: Shelf, opens: Opens, where: str, known: str
) -> None:
    """What waits for them waits alone: the folder above, other folders, pictures, edits, scans and searches do not."""
    waiting = threading.Event()
    for path in ("a.jpg", "trip/one.jpg", "trip/two.jpg"):
        other.put(path, picture())
    for number in range(6):
        shelf.put(f"in{number}/p.jpg", picture())
    with faulty_proxy(shelf.server.port) as proxy:
        targets = {f"hangs{number}": shelf.target(f"in{number}", endpoint=proxy.url) for number in range(6)}
        for name, target in {**targets, "good": shelf.target("art")}.items():
            point(library / name, target)
            other.point(name, target)
        place = library if where == "disk" else f"s3://{other.name}"
        leave: dict[str, Any] = {"pointer_endpoints": (proxy.url,), "objects": {"timeout_s": DEADLINE_S}}
        if known == "known before":
            async with opens(place, **leave) as opened:
                await opened.scan()
            proxy.plan = lambda seen: Fault(delay=waiting, hang_up=True)
        async with opens(place, **leave) as opened:
            proxy.plan = lambda seen: Fault(delay=waiting, hang_up=True)
            async with asyncio.timeout(DEADLINE_S):
                assert {*targets, "good"} == set(await errors_in(opened))  # what a page asks for first
            hanging = [asyncio.ensure_future(opened.folder(name)) for name in targets]
            scan = asyncio.ensure_future(opened.scan())
            try:
                async with asyncio.timeout(DEADLINE_S):
                    assert {*targets, "good"} == set(await errors_in(opened))
                    assert len((await opened.folder("trip")).items) == 2
                    assert len((await opened.folder("good/deep")).items) == 1
                    await opened.edit("good/x.jpg", tags=["x"])
                    await opened.thumbnail("a.jpg")
                    await opened.thumbnail("good/x.jpg")
                    while "trip/two.jpg" not in await stored(opened):
                        await asyncio.sleep(0.01)
                assert [task for task in (*hanging, scan) if task.done()] == []
            finally:
                waiting.set()
                await asyncio.gather(scan, *hanging, return_exceptions=True)


async def stored(opened: Library) -> set[str]:
    """The pictures that are known so far."""
    return {item.path async for item in opened.stored_search("")}

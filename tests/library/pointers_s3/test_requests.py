"""What pointers into buckets cost: as many requests as needed, and none that writes where none may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lenscat_backend.errors import ReadOnlyError
from lenscat_backend.library.scan_agenda import WHOLE, ScanAgenda
from lenscat_backend.models.paths import parse_path
from tests.conftest import picture
from tests.library.opening import Opens, found
from tests.s3.faulty_proxy import FaultyProxy, faulty_proxy
from tests.s3.servers import S3Server
from tests.s3.shelves import Shelf, point

pytestmark = pytest.mark.anyio
PICTURES = 50


class Meter:
    """The requests that pass a proxy since the last look."""

    def __init__(self, proxy: FaultyProxy) -> None:
        self.proxy = proxy

    def taken(self) -> Counter[str]:
        counts = self.proxy.counts()
        self.proxy.seen.clear()
        return counts


def leave(meter: Meter) -> dict[str, Any]:
    """Options under which a pointer in a bucket may name the proxy."""
    return {"pointer_endpoints": (meter.proxy.url,)}


@pytest.fixture
def meter(ministack: S3Server) -> Iterator[Meter]:
    with faulty_proxy(ministack.port) as proxy:
        yield Meter(proxy)


@pytest.fixture
def full(ministack: S3Server) -> Shelf:
    """A bucket with 50 pictures in ``in/``, one of them with a sidecar, and one in ``in/deep``."""
    made = Shelf(ministack, ministack.new_bucket())
    data = picture()
    for number in range(PICTURES):
        made.put(f"in/{number}.jpg", data)
    made.put("in/0.jpg.json", b'{"v": 1, "tags": ["theirs"]}')
    made.put("in/deep/d.jpg", data)
    return made


@pytest.mark.parametrize("where", ["disk", "bucket"])
@pytest.mark.parametrize("pointers", [1, 2])
async def test_as_many_requests_as_needed(
    library: Path, full: Shelf, other: Shelf, opens: Opens, meter: Meter, where: str, pointers: int
) -> None:
    for number in range(pointers):
        target = full.target("in", endpoint=meter.proxy.url)
        point(library / f"p{number}", target)
        other.point(f"p{number}", target)
    place = library if where == "disk" else f"s3://{other.name}"
    async with opens(place, **leave(meter)) as opened:
        await opened.scan()
        heads = PICTURES + 1 + 1  # of each picture, and a sidecar
        assert meter.taken() == {"LIST": 2 * pointers, "GET": heads * pointers}
        await opened.scan()
        assert meter.taken() == {"LIST": 2 * pointers}
        for _ in range(2):
            await opened.folder("p0")
            assert meter.taken() == {"LIST": 1}
        await opened.folder("p0/deep")
        assert meter.taken() == {"LIST": 1}
        await opened.folder("p0", 0)
        assert meter.taken() == {"LIST": 1}
        await opened.folder("")
        assert meter.taken() == {}
        assert len(await found(opened, "")) >= pointers * (PICTURES + 1)
        assert meter.taken() == {}
    async with opens(place, **leave(meter)) as opened:  # another process, that knows all of it
        await opened.folder("")
        assert meter.taken() == {}
        await opened.folder("p0/deep")
        assert meter.taken() == {"LIST": 1}
        await opened.scan()
        assert meter.taken() == {"LIST": 2 * pointers}


async def test_a_folder_that_a_scan_passes_on_is_looked_at_once(library: Path, shelf: Shelf, opens: Opens) -> None:
    """Whoever looks at disks finds that it is a pointer into a bucket, and another takes it before his batch ends."""
    point(library / "away", shelf.target("art"))
    async with opens(library) as opened:
        agenda = ScanAgenda(opened.catalog, opened.opened.place, WHOLE, ask_again=True)
        await agenda.begin()
        await opened.catalog.add_folder(parse_path("away"))
        batch = await agenda.next_on_disk()
        agenda.put_aside(next(task for task in batch if task.path == "away"))
        taken = await agenda.next_elsewhere()
        agenda.done(batch)
        assert [task.path for task in taken] == ["away"]
        assert "away" not in [task.path for task in await agenda.next()]


@pytest.mark.parametrize("where", ["disk", "bucket"])
async def test_pictures_of_a_listed_folder_cost_what_they_cost_in_a_library(
    library: Path, shelf: Shelf, other: Shelf, opens: Opens, meter: Meter, where: str
) -> None:
    target = shelf.target("art", endpoint=meter.proxy.url)
    point(library / "away", target)
    other.point("away", target)
    asked: list[Counter[str]] = []
    direct = {"endpoint": meter.proxy.url}
    for place, objects, folder in (
        (f"s3://{shelf.name}/art", direct, ""),
        (library if where == "disk" else f"s3://{other.name}", {}, "away/"),
    ):
        async with opens(place, f"cache{len(asked)}", objects, **leave(meter)) as opened:
            await opened.scan()
            for path in ("x.jpg", "deep/y.png", "deep/er/z.jpg"):
                await opened.folder((folder + path).rpartition("/")[0])
                meter.taken()
                await opened.thumbnail(folder + path)
                asked.append(meter.taken())
                await opened.thumbnail(folder + path)
                asked.append(meter.taken())
                await opened.item(folder + path)
                asked.append(meter.taken())
                await opened.edit(folder + path, tags=["x"])
                asked.append(meter.taken())
                (await opened.original(folder + path)).file.close()
                asked.append(meter.taken())
                await opened.remove_metadata(folder + path)
                asked.append(meter.taken())
            for key in shelf.listed():
                if key.endswith(".thumbnail"):
                    shelf.delete(key)
            shelf.put("art/x.jpg.json", b'{"v": 1, "tags": ["theirs"]}')
    assert asked[len(asked) // 2 :] == asked[: len(asked) // 2]


async def test_two_pointers_draw_a_thumbnail_once(library: Path, shelf: Shelf, opens: Opens, meter: Meter) -> None:
    for name in ("p", "q"):
        point(library / name, shelf.target("art", endpoint=meter.proxy.url))
    async with opens(library) as opened:
        await opened.scan()
        meter.taken()
        failed: list[object] = []
        await opened.draw_missing(lambda path, error: failed.append(error) if error else None)
        assert not failed
        puts = [seen.target for seen in meter.proxy.seen if seen.method == "PUT"]
        assert len(puts) == len(set(puts)) == 3
        for name in ("p", "q"):
            assert all(item.has_thumb for item in (await opened.folder(name)).items)
        drawn = {(await opened.thumbnail(f"{name}/x.jpg")).etag for name in ("p", "q")}
        assert len(drawn) == 1


READONLY = ["away/x.jpg", "away/deep/y.png", "away/on/i.jpg"]


@pytest.mark.parametrize("how", ["pointer", "overlay", "library"])
@pytest.mark.parametrize("where", ["disk", "bucket"])
async def test_a_readonly_target_is_never_written(
    library: Path, shelf: Shelf, other: Shelf, opens: Opens, meter: Meter, tmp_path: Path, where: str, how: str
) -> None:
    """Nor what it leads to itself; nor is it tried whether it keeps conditions."""
    inner = Shelf(shelf.server, shelf.server.new_bucket())
    inner.put("i.jpg", picture())
    shelf.point("art/on", inner.target(endpoint=meter.proxy.url))
    for number, name in enumerate(("away", "twice")):
        target = shelf.target("art", endpoint=meter.proxy.url)
        point(library / name, target, readonly=how != "library", label=str(number))
        other.point(name, target, readonly=how != "library", label=str(number))
    before = shelf.listed() | inner.listed()
    given: dict[str, Any] = (
        leave(meter)
        | {"read_only": how == "library"}
        | ({"overlay": str(tmp_path / "over")} if how == "overlay" else {})
    )
    async with opens(library if where == "disk" else f"s3://{other.name}", **given) as opened:
        opened.start_background()
        await opened.scan()
        for path in READONLY:
            if how == "overlay":
                await opened.edit(path, tags=["mine"])
                assert (await opened.item(path)).fields["tags"] == ["mine"]
                assert (tmp_path / "over" / f"{path}.json").exists()
            else:
                with pytest.raises(ReadOnlyError, match="read-only"):
                    await opened.edit(path, tags=["mine"])
                with pytest.raises(ReadOnlyError, match="read-only"):
                    await opened.remove_metadata(path)
        failed: list[object] = []
        await opened.draw_missing(lambda path, error: failed.append(error) if error else None)
        assert not failed
        for path in ("away/x.jpg", "twice/x.jpg", "away/on/i.jpg"):
            await opened.thumbnail(path, force=True)
        await opened.reindex("away")
        await opened.write_manifests()
        await opened.check()
        assert all(item.has_thumb for item in (await opened.folder("away")).items)
        assert await found(opened, "tag:mine") == (READONLY if how == "overlay" else [])
        shadows = [path.name for path in (opened.opened.cache / "targets").rglob("x.jpg.thumbnail")]
        assert len(shadows) == (how == "pointer")
    assert {kind for kind in meter.proxy.counts() if kind not in ("LIST", "GET", "HEAD")} == set()
    assert shelf.listed() | inner.listed() == before

"""Circles of pointers through disks and buckets, under whatever names: found, said, and ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lenscat_backend import Library
from lenscat_backend.errors import BrokenPointerError
from lenscat_backend.storage.location import parse_location
from lenscat_backend.storage.spots import spot_of
from tests.conftest import picture
from tests.library.opening import Opens, errors_in, found
from tests.s3.shelves import Shelf, local, point

pytestmark = pytest.mark.anyio


async def assert_ends(opened: Library, broken: str) -> None:
    """The pointer at `broken` says that it is a circle, wherever one looks, and all else ends."""
    await opened.scan()
    with pytest.raises(BrokenPointerError, match="circle"):
        await opened.folder(broken)
    above, _, name = broken.rpartition("/")
    assert "circle" in ((await errors_in(opened, above))[name] or "")
    report = await opened.check()
    assert [path.partition("/.lenscat")[0] for path in report.broken_pointers.paths] == [broken]
    assert all("circle" in path for path in report.broken_pointers.paths)


NAMES: dict[str, Callable[[Shelf], dict[str, Any]]] = {
    "itself": lambda shelf: shelf.target("art"),
    "slash": lambda shelf: shelf.target("art/"),
    "its own folder": lambda shelf: shelf.target("art/deep/its own folder"),
    "the folder above": lambda shelf: shelf.target("art/deep"),
    "whole bucket": lambda shelf: shelf.target(),
    "endpoint": lambda shelf: shelf.target("art", endpoint=shelf.server.url),
    "endpoint and slash": lambda shelf: shelf.target("art", endpoint=shelf.server.url + "/"),
    "localhost": lambda shelf: shelf.target("art", endpoint=f"http://localhost:{shelf.server.port}"),
    "capitals": lambda shelf: shelf.target("art", endpoint=f"http://LocalHost:{shelf.server.port}"),
    "region": lambda shelf: shelf.target("art", region="us-east-1"),
    "unsigned": lambda shelf: shelf.target("art", anonymous=True),
}


async def assert_all_end(opened: Library, folder: str) -> None:
    await opened.scan()
    errors = await errors_in(opened, folder)
    assert set(errors) == set(NAMES)
    assert [name for name, error in errors.items() if "circle" not in (error or "")] == []
    assert (await opened.check()).broken_pointers.count == len(NAMES)
    for name in NAMES:
        with pytest.raises(BrokenPointerError, match="circle"):
            await opened.item(f"{folder}/{name}/x.jpg")


async def test_a_bucket_that_holds_pointers_to_itself(shelf: Shelf, opens: Opens) -> None:
    for name, target in NAMES.items():
        shelf.point(f"art/deep/{name}", target(shelf))
    async with opens(f"s3://{shelf.name}/art/") as opened:
        await assert_all_end(opened, "deep")
        assert await found(opened, "") == ["x.jpg", "deep/y.png", "deep/er/z.jpg"]


async def test_a_disk_that_leads_to_such_a_bucket(library: Path, shelf: Shelf, opens: Opens) -> None:
    for name, target in NAMES.items():
        shelf.point(f"art/deep/{name}", target(shelf))
    point(library / "away", shelf.target("art"))
    async with opens(library) as opened:
        await assert_all_end(opened, "away/deep")
        assert await found(opened, "x.jpg") == ["away/x.jpg"]


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("", "https://s3.amazonaws.com"),
        ("", "https://s3.eu-west-1.amazonaws.com/"),
        ("", "https://s3.dualstack.eu-west-1.amazonaws.com"),
        ("", "https://S3-eu-west-1.amazonaws.com:443"),
        ("https://store.example", "https://Store.example.:443/"),
        ("http://store.example", "http://store.example:80"),
        ("http://localhost:9000", "http://[::1]:9000"),
    ],
)
def test_addresses_of_one_server(one: str, another: str) -> None:
    place = parse_location("s3://bucket/a")
    assert spot_of(place, one) == spot_of(place, another)


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("", "https://s3.amazonaws.com.example"),
        ("", "https://store.example"),
        ("http://store.example", "http://store.example:9000"),
        ("http://one.example", "http://two.example"),
    ],
)
def test_addresses_of_two_servers(one: str, another: str) -> None:
    place = parse_location("s3://bucket/a")
    assert spot_of(place, one) != spot_of(place, another)


async def test_from_a_disk_through_a_bucket_to_the_disk(library: Path, shelf: Shelf, opens: Opens) -> None:
    point(library / "trip" / "away", shelf.target("art"))
    shelf.point("art/home", local(library))
    async with opens(library) as opened:
        await assert_ends(opened, "trip/away/home")
        assert len(await found(opened, "a.jpg")) == 1


async def test_from_a_bucket_through_a_disk_to_the_bucket(shelf: Shelf, opens: Opens, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    point(disk / "home", shelf.target())
    shelf.point("art/deep/disk", local(disk))
    async with opens(f"s3://{shelf.name}/art") as opened:
        await assert_ends(opened, "deep/disk/home")


async def test_a_long_way_round(shelf: Shelf, other: Shelf, opens: Opens, tmp_path: Path) -> None:
    """Disk, bucket, disk, bucket ... each a folder of its own; the last leads back to the second."""
    steps = 9
    for number in range(steps):
        target = other.target(f"s{number + 1}") if number % 2 == 0 else local(tmp_path / f"s{number + 1}")
        if number == steps - 1:
            target = other.target("s1")
        if number % 2 == 0:
            (tmp_path / f"s{number}").mkdir()
            (tmp_path / f"s{number}" / "p.jpg").write_bytes(picture())
            point(tmp_path / f"s{number}" / "on", target)
        else:
            other.put(f"s{number}/p.jpg", picture())
            other.point(f"s{number}/on", target)
    async with opens(tmp_path / "s0") as opened:
        await assert_ends(opened, "/".join(["on"] * steps))
        assert len(await found(opened, "p.jpg")) == steps


async def test_pointers_that_are_nothing_but_pointers(shelf: Shelf, other: Shelf, opens: Opens) -> None:
    """Targets that are pointers themselves, in a ring: no folder lies between them to be shown."""
    shelf.point("ring", other.target("ring"))
    other.point("ring", shelf.target("ring"))
    shelf.point("lib/in", shelf.target("ring"))
    async with opens(f"s3://{shelf.name}/lib") as opened:
        await assert_ends(opened, "in")


async def test_more_than_sixteen_pointers_within_each_other(other: Shelf, opens: Opens) -> None:
    for number in range(20):
        other.put(f"s{number}/p.jpg", picture())
        other.point(f"s{number}/on", other.target(f"s{number + 1}"))
    async with opens(f"s3://{other.name}/s0") as opened:
        await opened.scan()
        report = await opened.check()
        assert [path for path in report.broken_pointers.paths if "More than 16" in path]
        assert len(await found(opened, "p.jpg")) == 17

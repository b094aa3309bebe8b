"""Pointers into real buckets, and out of them: what one tree can do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lenscat_backend.errors import NotFoundError
from tests.conftest import picture
from tests.library.opening import Opens, errors_in, found
from tests.s3.shelves import POINTER, Shelf, local, point

pytestmark = pytest.mark.anyio


async def test_nested_from_disk_to_bucket_to_bucket_to_disk(
    library: Path, shelf: Shelf, other: Shelf, opens: Opens, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "end.jpg").write_bytes(picture())
    point(library / "one", shelf.target("art"), label="One")
    shelf.point("art/two", other.target(), label="Two")
    other.put("o.jpg", picture("blue"))
    other.point("three", local(disk), label="Three")
    async with opens(library) as opened:
        assert [item.path for item in (await opened.folder("one/two/three")).items] == ["one/two/three/end.jpg"]
        for above, name, label in (("", "one", "One"), ("one", "two", "Two"), ("one/two", "three", "Three")):
            assert {"name": name, "kind": "leaf-pointer", "label": label} in (await opened.folder(above)).dirs
        assert await found(opened, "name:end.jpg") == ["one/two/three/end.jpg"]
        assert await found(opened, "name:o.jpg -two.jpg -end") == ["one/two/o.jpg"]
        for path in ("one/x.jpg", "one/two/o.jpg", "one/two/three/end.jpg"):
            await opened.edit(path, tags=["mine"])
            assert (await opened.thumbnail(path)).data[8:12] == b"WEBP"
        assert await found(opened, "tag:mine") == ["one/x.jpg", "one/two/o.jpg", "one/two/three/end.jpg"]
        assert (await opened.check()).broken_pointers.count == 0
    assert (shelf.tags("art/x.jpg"), other.tags("o.jpg")) == (["mine"], ["mine"])
    assert json.loads((disk / "end.jpg.json").read_bytes())["tags"] == ["mine"]
    assert shelf.get("art/x.jpg.thumbnail") and other.get("o.jpg.thumbnail") and (disk / "end.jpg.thumbnail").exists()
    assert sorted(path.name for path in (library / "one").iterdir()) == [POINTER]


@pytest.mark.parametrize("path", ["/absolute", "relative"])
async def test_a_local_target_in_a_bucket_needs_the_operators_leave(
    shelf: Shelf, opens: Opens, tmp_path: Path, path: str
) -> None:
    """A bucket has no folder of this machine that it is in: nothing of the disk is shown without leave."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "d.jpg").write_bytes(picture())
    shelf.point("art/disk", local(tmp_path / "disk" if path == "/absolute" else "disk"))
    url = f"s3://{shelf.name}/art"
    async with opens(url, "cache1", pointer_roots=()) as opened:
        error = (await errors_in(opened))["disk"]
        assert error and ("LENSCAT_POINTER_ROOTS" in error if path == "/absolute" else "absolute" in error)
        assert str(tmp_path) not in error
        assert await found(opened, "d.jpg") == []
    async with opens(url, "cache2") as opened:
        shown = path == "/absolute"
        assert ((await errors_in(opened))["disk"] is None) == shown
        assert await found(opened, "name:d.jpg") == (["disk/d.jpg"] if shown else [])


async def test_two_pointers_to_one_target_show_it_twice(library: Path, shelf: Shelf, opens: Opens) -> None:
    point(library / "p", shelf.target("art/"))
    point(library / "q", shelf.target("art"))
    async with opens(library) as opened:
        assert await found(opened, "tag:theirs") == ["p/x.jpg", "q/x.jpg"]
        await opened.edit("p/x.jpg", tags=["both"])
        assert (await opened.item("q/x.jpg")).fields["tags"] == ["both"]
        await opened.folder("q")
        assert await found(opened, "tag:both") == ["p/x.jpg", "q/x.jpg"]
        await opened.remove_metadata("q/x.jpg")
        assert (await opened.item("p/x.jpg")).fields["tags"] == []


@pytest.mark.parametrize("first", ["", "away"], ids=["above", "itself"])
@pytest.mark.parametrize("where", ["disk", "bucket"])
async def test_a_pointer_that_is_removed_shows_nothing_any_more(
    library: Path, shelf: Shelf, other: Shelf, opens: Opens, where: str, first: str
) -> None:
    """From the next listing on, of the folder above or of its own."""
    if where == "disk":
        point(library / "away", shelf.target("art"))
    else:
        other.point("away", shelf.target("art"))
        other.put("a.jpg", picture())
    async with opens(library if where == "disk" else f"s3://{other.name}") as opened:
        await opened.scan()
        assert len((await opened.folder("away/deep")).items) == 1
        if where == "disk":
            (library / "away" / POINTER).unlink()
            (library / "away").rmdir()
        else:
            other.delete(f"away/{POINTER}")
        if first:
            with pytest.raises(NotFoundError):
                await opened.folder(first)
        else:
            assert "away" not in [folder.name for folder in (await opened.folder()).dirs]
        for call in (opened.folder, opened.item, opened.thumbnail, opened.original):
            with pytest.raises(NotFoundError):
                await call("away/deep" if call == opened.folder else "away/deep/y.png")
        await opened.scan()
        assert [path for path in await found(opened, "") if path.startswith("away")] == []


async def test_a_pointer_in_a_bucket_led_elsewhere_counts_from_the_next_listing(
    shelf: Shelf, other: Shelf, opens: Opens
) -> None:
    other.put("new.jpg", picture())
    shelf.point("lib/away", shelf.target("art"))
    async with opens(f"s3://{shelf.name}/lib") as opened:
        assert "away/deep/y.png" in await found(opened, "")
        shelf.point("lib/away", other.target())
        assert [item.name for item in (await opened.folder("away")).items] == ["new.jpg"]
        with pytest.raises(NotFoundError):
            await opened.folder("away/deep")
        with pytest.raises(NotFoundError):
            await opened.item("away/x.jpg")
        await opened.scan()
        assert await found(opened, "") == ["away/new.jpg"]


@pytest.mark.parametrize("call", ["item", "thumbnail", "original", "folder", "edit", "remove_metadata"])
@pytest.mark.parametrize("where", ["disk", "bucket"])
async def test_an_address_far_behind_pointers_is_the_first_that_is_asked_for(
    library: Path, shelf: Shelf, other: Shelf, opens: Opens, where: str, call: str
) -> None:
    """Before any scan, with an empty cache: nobody has listed anything yet."""
    other.put("in/end.jpg", picture())
    other.put("in/end.jpg.json", b'{"v": 1}')
    shelf.point("art/deep/on", other.target())
    shelf.point("lib/away", shelf.target("art"))
    point(library / "away", shelf.target("art"))
    async with opens(library if where == "disk" else f"s3://{shelf.name}/lib") as opened:
        if call == "folder":
            assert [item.name for item in (await opened.folder("away/deep/on/in")).items] == ["end.jpg"]
        elif call == "edit":
            await opened.edit("away/deep/on/in/end.jpg", tags=["first"])
            assert other.tags("in/end.jpg") == ["first"]
        else:
            answer = await getattr(opened, call)("away/deep/on/in/end.jpg")
            if call == "original":
                assert answer.file.read(0, 1 << 20) == other.get("in/end.jpg")
                answer.file.close()
    assert ("in/end.jpg.json" in other.listed()) == (call != "remove_metadata")
    assert ("in/end.jpg.thumbnail" in other.listed()) == (call == "thumbnail")


@pytest.mark.parametrize("where", ["its own folder", "the target"])
async def test_a_thousand_names_before_the_pointers_do_not_hide_it(
    shelf: Shelf, other: Shelf, opens: Opens, where: str
) -> None:
    """A bucket gives names in their order, a thousand at a time: the pointer is not on the first page."""
    folder = "lib/away" if where == "its own folder" else "between"
    for number in range(1001):
        other.put(f"{folder}/!{number}.json", b"{}")
    other.point(folder, shelf.target("art"))
    if where == "the target":
        other.point("lib/away", other.target("between"))
    async with opens(f"s3://{other.name}/lib") as opened:
        await opened.scan()
        assert await found(opened, "tag:theirs") == ["away/x.jpg"]
        assert [item.name for item in (await opened.folder("away")).items] == ["x.jpg"]

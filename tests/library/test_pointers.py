"""Pointer folders: one tree out of many disks and stores."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from lenscat_backend import Library, LibraryOptions
from lenscat_backend.errors import (
    BrokenPointerError,
    LenscatError,
    NotFoundError,
    OutsideLibraryError,
    ReadOnlyError,
    UnreachableError,
)
from lenscat_backend.models.paths import ROOT, parse_path
from tests.conftest import picture

pytestmark = pytest.mark.anyio
POINTER = ".lenscat.folder.json"
Opens = Callable[..., AbstractAsyncContextManager[Library]]


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A folder of pictures outside the library."""
    folder = tmp_path / "disk"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "x.jpg").write_bytes(picture("red", (300, 200)))
    (folder / "x.jpg.json").write_text(json.dumps({"v": 1, "tags": ["theirs"]}))
    (folder / "deep" / "y.png").write_bytes(picture("blue", form="PNG"))
    (folder / "deep" / "er" / "z.jpg").write_bytes(picture("green"))
    return folder


@pytest.fixture
def opens(tmp_path: Path, library: Path) -> Opens:
    """Opens `library`; pointers may lead into all of `tmp_path`."""

    @asynccontextmanager
    async def opened(cache: str = "cache", **options: Any) -> AsyncIterator[Library]:
        given: dict[str, Any] = {"pointer_roots": (str(tmp_path),), "cache_dir": tmp_path / cache} | options
        async with Library.open(str(library), LibraryOptions(**given)) as found:
            yield found

    return opened


def point(folder: Path, path: str | Path, **fields: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    target = {"type": "local", "path": str(path)}
    (folder / POINTER).write_text(json.dumps({"version": 1, "kind": "pointer", "target": target} | fields))


async def found(library: Library, query: str) -> list[str]:
    return [item.path async for item in library.search(query)]


async def test_a_target_is_part_of_the_tree(library: Path, disk: Path, opens: Opens) -> None:
    point(library / "away", disk, label="The disk")
    async with opens() as opened:
        root = await opened.folder()
        assert {"name": "away", "kind": "leaf-pointer", "label": "The disk"} in root.dirs
        assert {"name": "trip", "kind": "leaf-real"} in root.dirs
        away = await opened.folder("away")
        assert [item.path for item in away.items] == ["away/x.jpg"]
        assert [(folder.name, folder.kind) for folder in away.dirs] == [("deep", "leaf-real")]
        assert [item.path for item in (await opened.folder("away/deep/er")).items] == ["away/deep/er/z.jpg"]
        assert await found(opened, "ext:jpg") == ["a.jpg", "away/x.jpg", "away/deep/er/z.jpg", "trip/two.jpg"]
        assert await found(opened, "tag:theirs") == ["away/x.jpg"]
        assert (await opened.thumbnail("away/deep/y.png")).data[8:12] == b"WEBP"
        assert (disk / "deep" / "y.png.thumbnail").exists()
        await opened.edit("away/deep/y.png", tags=["ours"])
        assert orjson.loads((disk / "deep" / "y.png.json").read_bytes())["tags"] == ["ours"]
        assert await found(opened, "tag:ours") == ["away/deep/y.png"]
        original = await opened.original("away/x.jpg")
        assert original.file.read(0, 1 << 20) == (disk / "x.jpg").read_bytes()
        original.file.close()
        await opened.write_manifests()
        rollup = orjson.loads((library / "_rollup.json").read_bytes())
        assert {"away/x.jpg", "away/deep/er/z.jpg"} <= {item["path"] for item in rollup["items"]}
        assert not list(disk.rglob("_*.json"))
        assert sorted(path.name for path in (library / "away").iterdir()) == [POINTER]


@pytest.mark.parametrize("call", ["item", "thumbnail", "original", "edit", "folder"])
async def test_an_address_behind_a_pointer_works_at_once(library: Path, disk: Path, opens: Opens, call: str) -> None:
    point(library / "away", disk)
    async with opens() as opened:
        if call == "folder":
            assert len((await opened.folder("away/deep")).items) == 1
        elif call == "edit":
            await opened.edit("away/deep/y.png", tags=["new"])
            assert (disk / "deep" / "y.png.json").exists()
        else:
            answer = await getattr(opened, call)("away/deep/y.png")
            if call == "original":
                answer.file.close()


async def test_relative_targets_are_the_roots(library: Path, opens: Opens) -> None:
    point(library / "trip" / "again" / "and", "trip/../empty")
    (library / "empty" / "e.jpg").write_bytes(picture())
    async with opens(pointer_roots=()) as opened:
        assert [item.name for item in (await opened.folder("trip/again/and")).items] == ["e.jpg"]


async def test_a_target_outside_must_be_allowed(library: Path, disk: Path, opens: Opens, tmp_path: Path) -> None:
    point(library / "away", disk)
    point(library / "up", "../disk")
    async with opens(pointer_roots=()) as opened:
        for name in ("away", "up"):
            with pytest.raises(OutsideLibraryError, match="LENSCAT_POINTER_ROOTS"):
                await opened.folder(name)
            with pytest.raises(OutsideLibraryError):
                await opened.item(f"{name}/x.jpg")
        errors = {folder.name: folder.get("error") for folder in (await opened.folder()).dirs}
        assert errors["away"] and errors["up"] and errors["trip"] is None
        assert str(tmp_path) not in str(errors)
    async with opens("cache2", pointer_roots=(str(disk / "deep"),)) as opened:
        with pytest.raises(OutsideLibraryError):
            await opened.folder("away")
    (library / "link").symlink_to(disk)
    point(library / "through", "link/deep")
    async with opens("cache3", pointer_roots=()) as opened:
        with pytest.raises(OutsideLibraryError):
            await opened.folder("through")


@pytest.mark.parametrize(
    ("text", "error", "why"),
    [
        ("{", BrokenPointerError, "not valid JSON"),
        ("[]", BrokenPointerError, "kind"),
        ('{"kind": "pointer"}', BrokenPointerError, "target.type"),
        ('{"kind": "pointer", "target": {"type": "ftp"}}', BrokenPointerError, "target.type"),
        ('{"kind": "pointer", "target": {"type": "local"}}', BrokenPointerError, "target.path"),
        ('{"kind": "pointer", "target": {"type": "s3", "bucket": 7}}', BrokenPointerError, "must be a text"),
        (
            '{"kind": "pointer", "target": {"type": "s3", "bucket": "b", "prefix": "a/../b"}}',
            BrokenPointerError,
            "prefix",
        ),
        ('{"kind": "pointer", "version": 2, "target": {"type": "local", "path": "trip"}}', BrokenPointerError, "newer"),
        ('{"kind": "pointer", "target": {"type": "local", "path": "nothing"}}', UnreachableError, "does not exist"),
        ('{"kind": "pointer", "target": {"type": "local", "path": "a.jpg"}}', BrokenPointerError, "is a file"),
        (
            '{"kind": "pointer", "target": {"type": "local", "path": "nul\\u0000"}}',
            BrokenPointerError,
            "cannot be a path",
        ),
        (
            '{"kind": "pointer", "readonly": "yes", "target": {"type": "local", "path": "trip"}}',
            BrokenPointerError,
            "readonly",
        ),
    ],
)
async def test_a_broken_pointer_says_what_is_wrong(
    library: Path, opens: Opens, text: str, error: type[LenscatError], why: str
) -> None:
    (library / "bad").mkdir()
    (library / "bad" / POINTER).write_text(text)
    async with opens() as opened:
        for _ in range(2):
            bad = next(folder for folder in (await opened.folder()).dirs if folder.name == "bad")
            assert bad.kind == "leaf-pointer"
            assert why in bad["error"]
        with pytest.raises(error, match=why):
            await opened.folder("bad")
        with pytest.raises(error, match=why):
            await opened.item("bad/x.jpg")
        assert await found(opened, "") == ["a.jpg", "trip/one.png", "trip/two.jpg"]
        report = await opened.check()
        assert report.broken_pointers.count == 1
        assert report.broken_pointers.paths[0].startswith(f"bad/{POINTER}: ")
        assert report.other_problems.count == 0
        assert not report.healthy
        assert str(library) not in str(report) + bad["error"]


async def test_a_pointer_is_mended_by_making_its_target(library: Path, opens: Opens, tmp_path: Path) -> None:
    point(library / "later", tmp_path / "later")
    async with opens() as opened:
        with pytest.raises(UnreachableError):
            await opened.folder("later")
        (tmp_path / "later").mkdir()
        (tmp_path / "later" / "l.jpg").write_bytes(picture())
        assert await found(opened, "name:l.jpg") == ["later/l.jpg"]
        assert {"name": "later", "kind": "leaf-pointer"} in (await opened.folder()).dirs
        assert (await opened.check()).broken_pointers.count == 0


async def test_what_is_out_of_reach_is_kept(library: Path, disk: Path, opens: Opens) -> None:
    point(library / "away", disk)
    async with opens() as opened:
        await opened.scan()
        disk.rename(disk.parent / "unplugged")
        with pytest.raises(UnreachableError):
            await opened.folder("away")
        await opened.scan()
        assert await found(opened, "theirs") == ["away/x.jpg"]
        (disk.parent / "unplugged").rename(disk)
        assert len((await opened.folder("away")).items) == 1


async def test_a_pointer_led_elsewhere(library: Path, disk: Path, opens: Opens) -> None:
    point(library / "away", disk)
    async with opens() as opened:
        assert "away/deep/y.png" in await found(opened, "")
        point(library / "away", disk / "deep")
        assert [item.name for item in (await opened.folder("away")).items] == ["y.png"]
        assert [path for path in await found(opened, "") if path.startswith("away")] == ["away/y.png", "away/er/z.jpg"]
        with pytest.raises(NotFoundError):
            await opened.item("away/x.jpg")
        (library / "away" / POINTER).unlink()
        assert (await opened.folder("away")).items == []
        assert {"name": "away", "kind": "branch"} in (await opened.folder()).dirs
        assert [path for path in await found(opened, "") if path.startswith("away")] == []
        with pytest.raises(NotFoundError):
            await opened.item("away/y.png")


async def test_a_new_label_shows(library: Path, disk: Path, opens: Opens) -> None:
    point(library / "away", disk, label="Old")
    async with opens() as opened:
        await opened.folder()
        point(library / "away", disk, label="New")
        assert {"name": "away", "kind": "leaf-pointer", "label": "New"} in (await opened.folder()).dirs


@pytest.mark.parametrize("workers", [False, True])
async def test_a_broken_pointer_keeps_its_label(
    library: Path, tmp_path: Path, opens: Opens, monkeypatch: pytest.MonkeyPatch, workers: bool
) -> None:
    if workers:  # which meet the pointer in their own processes
        monkeypatch.setattr("lenscat_backend.library.tree_scan.WORKERS_FROM_IMAGES", 0)
    point(library / "away", tmp_path / "gone", label="Gone")
    async with opens() as opened:
        await opened.scan()
        (away,) = [folder for folder in (await opened.folder()).dirs if folder.name == "away"]
        assert away["label"] == "Gone" and "does not exist" in away["error"]


async def test_nested_pointers(library: Path, disk: Path, opens: Opens, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    (more / "m.jpg").write_bytes(picture())
    point(library / "away", disk)
    point(disk / "deep" / "more", more, label="More")
    async with opens() as opened:
        assert [item.path for item in (await opened.folder("away/deep/more")).items] == ["away/deep/more/m.jpg"]
        assert {"name": "more", "kind": "leaf-pointer", "label": "More"} in (await opened.folder("away/deep")).dirs
        assert await found(opened, "m.jpg") == ["away/deep/more/m.jpg"]
        await opened.edit("away/deep/more/m.jpg", notes="there")
        assert (more / "m.jpg.json").exists()
    async with opens() as opened:  # and from a catalog that knows it already
        assert (await opened.item("away/deep/more/m.jpg")).fields["notes"] == "there"


async def test_a_target_that_is_a_pointer_itself(library: Path, disk: Path, opens: Opens, tmp_path: Path) -> None:
    point(tmp_path / "middle", disk, label="inner")
    point(library / "away", tmp_path / "middle")
    async with opens() as opened:
        assert [item.path for item in (await opened.folder("away")).items] == ["away/x.jpg"]
        assert {"name": "away", "kind": "leaf-pointer", "label": "inner"} in (await opened.folder()).dirs
        assert (await opened.thumbnail("away/x.jpg")).data


async def assert_ends(opened: Library, broken: str) -> None:
    await opened.scan()
    report = await opened.check()
    assert [path for path in report.broken_pointers.paths if "circle" in path]
    with pytest.raises(BrokenPointerError, match="circle"):
        await opened.folder(broken)
    above, _, name = broken.rpartition("/")
    assert "circle" in next(folder for folder in (await opened.folder(above)).dirs if folder.name == name)["error"]


async def test_a_pointer_to_its_own_library(library: Path, opens: Opens) -> None:
    point(library / "trip" / "self", library)
    async with opens() as opened:
        await assert_ends(opened, "trip/self")
        assert len(await found(opened, "a.jpg")) == 1


@pytest.mark.parametrize("target", [".", "trip", "trip/self", ".."])
async def test_a_pointer_to_a_folder_it_is_in(library: Path, opens: Opens, target: str) -> None:
    point(library / "trip" / "self", target)
    async with opens() as opened:
        await assert_ends(opened, "trip/self")


async def test_two_pointers_to_each_other(library: Path, disk: Path, opens: Opens, tmp_path: Path) -> None:
    other = tmp_path / "other"
    point(library / "p", disk)
    point(disk / "q", other)
    point(other / "r", disk)
    (other / "o.jpg").write_bytes(picture())
    async with opens() as opened:
        await assert_ends(opened, "p/q/r")
        assert await found(opened, "o.jpg -two") == ["p/q/o.jpg"]


async def test_a_circle_through_a_link(library: Path, opens: Opens, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    point(outside, library)
    (library / "link").symlink_to(outside)
    async with opens(follow_links_outside=True) as opened:
        await opened.scan()
        report = await opened.check()
        assert any("circle" in path for path in report.broken_pointers.paths)
        assert len(await found(opened, "a.jpg")) <= 3


async def test_a_readonly_pointer_is_not_written(library: Path, disk: Path, opens: Opens) -> None:
    point(library / "away", disk, readonly=True)
    point(library / "twice", disk, readonly=True)
    before = sorted(disk.rglob("*"))
    async with opens() as opened:
        with pytest.raises(ReadOnlyError, match="read-only pointer"):
            await opened.edit("away/x.jpg", tags=["no"])
        with pytest.raises(ReadOnlyError):
            await opened.remove_metadata("away/x.jpg")
        drawn = []
        await opened.scan()
        await opened.draw_missing(lambda path, error: drawn.append((path, error)))
        assert {path for path, _ in drawn} >= {"away/x.jpg", "twice/x.jpg", "away/deep/y.png"}
        assert not [error for _, error in drawn if error]
        assert next(item for item in (await opened.folder("away")).items).has_thumb
        assert next(item for item in (await opened.folder("twice")).items).has_thumb
        assert len(list((opened.opened.cache / "targets").rglob("x.jpg.thumbnail"))) == 1
        await opened.thumbnails.remove(parse_path("twice/x.jpg"))
        assert not list((opened.opened.cache / "targets").rglob("x.jpg.thumbnail"))
    assert sorted(disk.rglob("*")) == before


@pytest.mark.parametrize("inside", [True, False], ids=["a pointer within", "the target itself"])
async def test_a_readonly_pointer_is_so_all_the_way(library: Path, disk: Path, opens: Opens, inside: bool) -> None:
    """What it leads to may lead on, to a place that another pointer says nothing of."""
    between = disk.parent / "between"
    point(between / "on" if inside else between, disk)
    point(library / "away", between, readonly=True)
    point(library / "open", between)
    path = "on/x.jpg" if inside else "x.jpg"
    async with opens() as opened:
        await opened.scan()
        with pytest.raises(ReadOnlyError):
            await opened.edit(f"away/{path}", tags=["mine"])
        await opened.thumbnail(f"away/{path}")
        assert not (disk / "x.jpg.thumbnail").exists()
        await opened.edit(f"open/{path}", tags=["mine"])
    assert json.loads((disk / "x.jpg.json").read_text())["tags"] == ["mine"]


async def test_a_readonly_pointer_with_an_overlay(library: Path, disk: Path, opens: Opens, tmp_path: Path) -> None:
    point(library / "away", disk, readonly=True)
    before = sorted(disk.rglob("*"))
    async with opens(overlay=str(tmp_path / "overlay")) as opened:
        await opened.edit("away/x.jpg", tags=["mine"])
        assert (tmp_path / "overlay" / "away" / "x.jpg.json").exists()
        assert await found(opened, "tag:mine") == ["away/x.jpg"]
        await opened.thumbnail("away/deep/y.png")
    assert sorted(disk.rglob("*")) == before


async def test_a_readonly_library_does_not_write_behind_pointers(library: Path, disk: Path, opens: Opens) -> None:
    point(library / "away", disk)
    before = sorted(disk.rglob("*"))
    async with opens(read_only=True) as opened:
        with pytest.raises(ReadOnlyError):
            await opened.edit("away/x.jpg", tags=["no"])
        await opened.thumbnail("away/x.jpg")
        await opened.write_manifests()
    assert sorted(disk.rglob("*")) == before


async def test_two_pointers_share_thumbnails(library: Path, disk: Path, opens: Opens) -> None:
    for name in ("p", "q"):
        point(library / name, disk)
    os.utime(disk / "x.jpg", (1, 1))
    async with opens() as opened:
        await opened.thumbnail("p/x.jpg")
        made = (disk / "x.jpg.thumbnail").stat()
        await opened.thumbnail("q/x.jpg")
        assert (disk / "x.jpg.thumbnail").stat().st_mtime_ns == made.st_mtime_ns
        drawn: list[tuple[str, Any]] = []
        await opened.scan()
        await opened.draw_missing(lambda path, error: drawn.append((path, error)))
        assert not [error for _, error in drawn if error]
        assert (disk / "x.jpg.thumbnail").stat().st_mtime_ns == made.st_mtime_ns
        assert sorted(await found(opened, "x.jpg")) == ["p/x.jpg", "q/x.jpg"]
        await opened.edit("p/x.jpg", tags=["both"])
        assert await found(opened, "tag:both") == ["p/x.jpg", "q/x.jpg"]


async def test_pictures_beside_a_pointer_are_reported(library: Path, disk: Path, opens: Opens) -> None:
    point(library / "trip", disk)
    async with opens() as opened:
        report = await opened.check()
        assert any("are not shown" in problem for problem in report.other_problems.paths)
        assert [item.name for item in (await opened.folder("trip")).items] == ["x.jpg"]


async def test_a_library_whose_own_folder_is_a_pointer(library: Path, disk: Path, opens: Opens) -> None:
    point(library, disk)
    async with opens() as opened:
        assert [item.name for item in (await opened.folder()).items] == ["a.jpg"]
        assert any("cannot be a pointer" in problem for problem in (await opened.check()).other_problems.paths)


@pytest.mark.parametrize("watch", [True, False])
async def test_changes_behind_a_pointer_are_found(library: Path, disk: Path, opens: Opens, watch: bool) -> None:
    point(library / "away", disk)
    async with opens(watch=watch) as opened:
        opened.start_background()
        await opened.scan()
        assert await found(opened, "new") == []
        (disk / "deep" / "new.jpg").write_bytes(picture())
        assert await found(opened, "new") == ["away/deep/new.jpg"]
        (disk / "deep" / "new.jpg.json").write_text('{"v": 1, "tags": ["late"]}')
        assert await found(opened, "tag:late") == ["away/deep/new.jpg"]
        (disk / "deep" / "new.jpg").unlink()
        assert await found(opened, "new.jpg") == []


async def test_a_large_target_is_scanned_by_workers(
    library: Path, disk: Path, opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lenscat_backend.library.tree_scan.WORKERS_FROM_IMAGES", 1)
    data = picture()
    for number in range(80):
        folder = disk / f"f{number}" / "g"
        folder.mkdir(parents=True)
        (folder / "p.jpg").write_bytes(data)
    point(library / "away", disk, label="Large")
    point(disk / "f7" / "broken", "nothing")
    async with opens() as opened:
        progress = await opened.scan()
        assert len(await found(opened, "p.jpg")) == 80
        assert progress.images_read == 80 + 3 + 3
        assert {"name": "away", "kind": "leaf-pointer", "label": "Large"} in (await opened.folder()).dirs
        again = await opened.scan()
        assert (again.images_read, again.folders_changed) == (0, 0)
        assert (await opened.check()).broken_pointers.count == 1


async def test_clean_leaves_targets_alone(library: Path, disk: Path, opens: Opens) -> None:
    point(library / "away", disk)
    async with opens() as opened:
        await opened.thumbnail("away/x.jpg")
        assert ROOT == ""
    from lenscat_backend.library.clean import derived_files, open_to_clean

    places, _ = open_to_clean(str(library), LibraryOptions(pointer_roots=(str(disk),)))
    assert not [file for place in places for file in derived_files(place.store) if "away" in file.path]

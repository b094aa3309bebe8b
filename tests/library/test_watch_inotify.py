"""On Linux: every change is heard of, under each of its names, and nothing is listened to without need."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.library.watching import heard_of, listening, watch_count, watched_inodes

INotify: Any = pytest.importorskip("inotify_simple", reason="Linux only").INotify


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """`a.jpg`, `trip/two.jpg`, `trip/day/three.jpg`, and an empty folder."""
    root = tmp_path / "library"
    (root / "trip" / "day").mkdir(parents=True)
    (root / "empty").mkdir()
    for name in ("a.jpg", "trip/two.jpg", "trip/day/three.jpg"):
        (root / name).write_bytes(b"1")
    return root


def inodes(*folders: Path) -> set[int]:
    return {folder.stat().st_ino for folder in folders}


def folders_of(root: Path) -> set[int]:
    """What must be listened to where there are no links: each folder that is not hidden, and the markers."""
    found = inodes(root.parent / "markers")
    for folder, names, _ in os.walk(root):
        names[:] = [name for name in names if not name.startswith(".")]
        found |= inodes(Path(folder))
    return found


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "new.jpg").write_bytes(b"1"),
        lambda folder: (folder / "two.jpg").write_bytes(b"2"),
        lambda folder: (folder / "two.jpg").unlink(),
        lambda folder: (folder / "two.jpg").rename(folder / "three.jpg"),
        lambda folder: os.utime(folder / "two.jpg", (1, 1)),
        lambda folder: (folder / "two.jpg").chmod(0o600),
        lambda folder: (folder / ".lenscat.folder.json").write_text("{}"),
        lambda folder: (folder / "day").rmdir() if not list((folder / "day").iterdir()) else (folder / "day").chmod(0),
        lambda folder: folder.chmod(0o750),
    ],
)
def test_a_change_in_a_folder(root: Path, change: Callable[[Path], object]) -> None:
    [heard] = heard_of(root, lambda: change(root / "trip"))
    assert "trip" in heard
    assert heard <= {"", "trip", "trip/day"}


def test_a_file_that_stays_open_for_writing(root: Path) -> None:
    with (root / "trip" / "two.jpg").open("ab", buffering=0) as file:
        assert heard_of(root, lambda: file.write(b"2")) == [{"trip"}]


@pytest.mark.parametrize("name", ["_index.json", "_rollup.json", "two.jpg.thumbnail", ".hidden", ".lenscat-tmp-1"])
def test_our_own_files_and_hidden_ones_are_not_told(root: Path, name: str) -> None:
    assert heard_of(root, lambda: (root / "trip" / name).write_bytes(b"1")) == [set()]


def test_names_that_are_not_utf8(root: Path) -> None:
    odd = os.fsencode(root) + b"/caf\xe9"

    def rewrite() -> None:
        Path(os.fsdecode(odd + b"/\xff.jpg")).write_bytes(b"2")

    below = Path(os.fsdecode(odd + b"/\xfe"))
    below.parent.mkdir()
    assert heard_of(root, rewrite, rewrite, below.mkdir, below.rmdir) == [
        {"caf\U0010fee9"},
        {"caf\U0010fee9"},
        {"caf\U0010fee9", "caf\U0010fee9/\U0010fefe"},
        {"caf\U0010fee9"},
    ]


def test_every_folder_is_listened_to_once_and_no_other(root: Path, tmp_path: Path) -> None:
    (root / ".hidden" / "below").mkdir(parents=True)
    (tmp_path / "outside" / "deep").mkdir(parents=True)
    for name, target in {"out": "../outside", "loop": "..", "album": "trip", "usr": "/usr", "no": "nothing"}.items():
        (root / name).symlink_to(target)
    (root / "out.jpg").symlink_to("../outside/x.jpg")

    async def run() -> None:
        async with listening(root):
            assert watched_inodes() == folders_of(root)
            assert watch_count() == len(watched_inodes())

    asyncio.run(run())


def test_a_link_out_of_the_library_is_followed_where_that_is_allowed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside" / "deep").mkdir(parents=True)
    (root / "out").symlink_to("../outside")
    (root / "x.jpg").symlink_to("../outside/x.jpg")
    changes = (
        lambda: (tmp_path / "outside" / "deep" / "y.jpg").write_bytes(b"1"),
        lambda: (tmp_path / "outside" / "x.jpg").write_bytes(b"1"),
        lambda: (tmp_path / "outside").rename(tmp_path / "away"),
    )
    assert heard_of(root, *changes, follow_outside=True) == [{"out/deep"}, {"out", ""}, {""}]
    (tmp_path / "away").rename(tmp_path / "outside")
    assert heard_of(root, *changes) == [set(), set(), set()]


# Folders that come and go


def test_a_tree_that_is_filled_before_it_is_listened_to(root: Path) -> None:
    def make() -> None:
        for number in range(50):
            folder = root / f"new{number}" / "x" / "y"
            folder.mkdir(parents=True)
            (folder / "z.jpg").write_bytes(b"1")

    [made, changed] = heard_of(root, make, lambda: (root / "new7" / "x" / "y" / "z.jpg").write_bytes(b"2"))
    assert made == {"", *(f"new{number}{below}" for number in range(50) for below in ("", "/x", "/x/y"))}
    assert changed == {"new7/x/y"}


def test_a_folder_that_was_moved_is_told_by_its_new_name(root: Path) -> None:
    async def run() -> None:
        async with listening(root) as (_, heard):
            (root / "trip").rename(root / "empty" / "journey")
            assert await heard() == {"", "empty", "empty/journey", "empty/journey/day"}
            (root / "empty" / "journey" / "day" / "three.jpg").write_bytes(b"2")
            assert await heard() == {"empty/journey/day"}
            assert watched_inodes() == folders_of(root)

    asyncio.run(run())


@pytest.mark.parametrize("away", ["../trip", ".trip"])
def test_a_folder_that_was_moved_away_is_not_listened_to(root: Path, away: str) -> None:
    async def run() -> None:
        async with listening(root) as (_, heard):
            (root / "trip").rename(root / away)
            assert await heard() == {""}
            assert watched_inodes() == folders_of(root)
            (root / away / "day" / "x.jpg").write_bytes(b"1")
            assert await heard() == set()
            (root / away).rename(root / "trip")
            assert await heard() == {"", "trip", "trip/day"}
            (root / "trip" / "day" / "x.jpg").write_bytes(b"2")
            assert await heard() == {"trip/day"}

    asyncio.run(run())


def test_folders_that_change_places(root: Path) -> None:
    async def run() -> None:
        async with listening(root) as (_, heard):
            (root / "trip").rename(root / "third")
            (root / "empty").rename(root / "trip")
            (root / "third").rename(root / "empty")
            assert await heard() >= {"", "empty", "empty/day", "trip"}
            (root / "empty" / "day" / "x.jpg").write_bytes(b"1")
            (root / "trip" / "x.jpg").write_bytes(b"1")
            assert await heard() == {"empty/day", "trip"}
            assert watched_inodes() == folders_of(root)

    asyncio.run(run())


def test_a_folder_that_was_removed_and_made_again(root: Path) -> None:
    async def run() -> None:
        async with listening(root) as (_, heard):
            for _ in range(20):
                (root / "empty").rmdir()
                (root / "empty").mkdir()
            assert await heard() == {"", "empty"}
            (root / "empty" / "x.jpg").write_bytes(b"1")
            assert await heard() == {"empty"}
            assert watched_inodes() == folders_of(root)

    asyncio.run(run())


def test_an_overlay_is_listened_to_as_well(root: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    changes = (lambda: (overlay / "trip").mkdir(), lambda: (overlay / "trip" / "two.jpg.json").write_text("{}"))
    assert heard_of(root, *changes, overlay=str(overlay)) == [{"", "trip"}, {"trip"}]


# Links to folders


def test_a_linked_folder_is_told_by_each_of_its_names(root: Path) -> None:
    (root / "album").symlink_to("trip")
    (root / "empty" / "day").symlink_to(root / "trip" / "day")
    changes = (
        lambda: (root / "trip" / "two.jpg").write_bytes(b"2"),
        lambda: (root / "trip" / "day" / "three.jpg").write_bytes(b"2"),
        lambda: (root / "trip" / "night").mkdir(),
        lambda: (root / "trip" / "night" / "x.jpg").write_bytes(b"2"),
    )
    assert heard_of(root, *changes) == [
        {"trip", "album"},
        {"trip/day", "album/day", "empty/day"},
        {"trip", "album", "trip/night", "album/night"},
        {"trip/night", "album/night"},
    ]


def test_a_folder_link_that_is_made_pointed_elsewhere_and_removed(root: Path) -> None:
    (root / ".kept" / "below").mkdir(parents=True)

    def point_elsewhere() -> None:
        (root / "new").symlink_to("trip")
        (root / "new").rename(root / "album")

    async def run() -> None:
        async with listening(root) as (_, heard):
            (root / "album").symlink_to(".kept")
            assert await heard() == {"", "album", "album/below"}
            (root / ".kept" / "below" / "x.jpg").write_bytes(b"1")
            assert await heard() == {"album/below"}
            point_elsewhere()
            assert await heard() >= {"", "album", "album/day"}
            assert not watched_inodes() & inodes(root / ".kept", root / ".kept" / "below")
            (root / "trip" / "day" / "x.jpg").write_bytes(b"1")
            assert await heard() == {"trip/day", "album/day"}
            (root / "album").unlink()
            await heard()
            (root / "trip" / "day" / "x.jpg").write_bytes(b"2")
            assert await heard() == {"trip/day"}
            assert watched_inodes() == folders_of(root)

    asyncio.run(run())


def test_a_linked_folder_that_goes_away_and_comes_back(root: Path) -> None:
    (root / "empty" / "album").symlink_to("../trip")

    async def run() -> None:
        async with listening(root) as (_, heard):
            (root / "trip").rename(root / "away")
            assert await heard() >= {"", "away", "empty"}
            (root / "away" / "two.jpg").write_bytes(b"2")
            assert await heard() == {"away"}
            (root / "away").rename(root / "trip")
            assert await heard() >= {"", "trip", "trip/day", "empty", "empty/album", "empty/album/day"}
            (root / "trip" / "day" / "three.jpg").write_bytes(b"2")
            assert await heard() == {"trip/day", "empty/album/day"}

    asyncio.run(run())


def test_a_folder_with_links_that_is_moved(root: Path) -> None:
    (root / "empty" / "album").symlink_to(root / "trip")

    async def run() -> None:
        async with listening(root) as (_, heard):
            (root / "empty").rename(root / "full")
            assert await heard() >= {"", "full", "full/album", "full/album/day"}
            (root / "trip" / "two.jpg").write_bytes(b"2")
            assert await heard() == {"trip", "full/album"}

    asyncio.run(run())


# Links to pictures


@pytest.mark.parametrize("hidden", [False, True])
def test_a_picture_behind_a_link(root: Path, hidden: bool) -> None:
    home = root / (".kept" if hidden else "kept")
    home.mkdir()
    (home / "x.jpg").write_bytes(b"1")
    (root / "trip" / "linked.jpg").symlink_to(home / "x.jpg")

    def replace() -> None:
        (home / "y.jpg").write_bytes(b"3")
        (home / "y.jpg").rename(home / "x.jpg")

    changes = (
        lambda: (home / "x.jpg").write_bytes(b"2"),
        replace,
        lambda: (home / "x.jpg").unlink(),
        lambda: (home / "x.jpg").write_bytes(b"4"),
    )
    expected = {"trip"} if hidden else {"trip", "kept"}
    assert heard_of(root, *changes) == [expected] * 4


def test_a_link_to_a_picture_that_is_made_later(root: Path) -> None:
    changes = (
        lambda: (root / "empty" / "linked.jpg").symlink_to("../trip/two.jpg"),
        lambda: (root / "trip" / "two.jpg").write_bytes(b"2"),
    )
    assert heard_of(root, *changes) == [{"empty"}, {"trip", "empty"}]


def test_a_picture_behind_a_link_whose_folder_is_moved(root: Path) -> None:
    (root / "empty" / "linked.jpg").symlink_to("../trip/day/three.jpg")
    changes = (
        lambda: (root / "trip").rename(root / "away"),
        lambda: (root / "away").rename(root / "trip"),
        lambda: (root / "trip" / "day" / "three.jpg").write_bytes(b"2"),
    )
    heard = heard_of(root, *changes)
    assert all("empty" in folders for folders in heard)


def test_a_link_behind_a_link_that_is_pointed_elsewhere(root: Path) -> None:
    (root / "trip" / "first.jpg").symlink_to("day/second.jpg")
    (root / "trip" / "day" / "second.jpg").symlink_to("../../a.jpg")
    (root / "empty" / "far.jpg").symlink_to("../trip/first.jpg")

    def point_elsewhere() -> None:
        (root / "new").symlink_to("three.jpg")
        (root / "new").rename(root / "trip" / "day" / "second.jpg")

    changes = (
        lambda: (root / "a.jpg").write_bytes(b"2"),
        point_elsewhere,
        lambda: (root / "trip" / "day" / "three.jpg").write_bytes(b"2"),
    )
    assert heard_of(root, *changes) == [{"", "trip", "trip/day", "empty"}] * 2 + [{"trip/day", "trip", "empty"}]


def test_a_broken_link_that_comes_to_life_step_by_step(root: Path) -> None:
    (root / "empty" / "linked.jpg").symlink_to("../.kept/deep/x.jpg")
    changes = (
        lambda: (root / ".kept").mkdir(),
        lambda: (root / ".kept" / "deep").mkdir(),
        lambda: (root / ".kept" / "deep" / "x.jpg").write_bytes(b"1"),
        lambda: (root / ".kept" / "deep" / "x.jpg").write_bytes(b"2"),
        lambda: (root / ".kept" / "deep" / "x.jpg").unlink() or (root / ".kept" / "deep").rmdir(),
        lambda: (root / ".kept" / "deep").mkdir(),
        lambda: (root / ".kept" / "deep" / "x.jpg").write_bytes(b"3"),
    )
    assert heard_of(root, *changes) == [{"empty"}] * 7


def test_a_folder_of_linked_pictures_that_goes_away_and_comes_back(root: Path) -> None:
    home = root / ".kept" / "deep"
    home.mkdir(parents=True)
    (home / "x.jpg").write_bytes(b"1")
    (root / "empty" / "linked.jpg").symlink_to("../.kept/deep/x.jpg")

    def remove() -> None:
        (home / "x.jpg").unlink()
        home.rmdir()

    def make() -> None:
        home.mkdir()
        (home / "x.jpg").write_bytes(b"2")

    changes = (
        remove,
        make,
        lambda: (home / "x.jpg").write_bytes(b"3"),
        lambda: home.rename(home.parent / "away"),
        lambda: (home.parent / "away").rename(home),
        lambda: (home / "x.jpg").write_bytes(b"4"),
    )
    assert heard_of(root, *changes) == [{"empty"}] * 6


def test_a_linked_picture_that_becomes_a_link_itself(root: Path) -> None:
    (root / "empty" / "linked.jpg").symlink_to("../trip/two.jpg")

    def make_a_link() -> None:
        (root / "trip" / "two.jpg").unlink()
        (root / "trip" / "two.jpg").symlink_to("day/three.jpg")

    changes = (make_a_link, lambda: (root / "trip" / "day" / "three.jpg").write_bytes(b"2"))
    assert heard_of(root, *changes) == [{"trip", "empty"}, {"trip", "trip/day", "empty"}]


# Limits


def test_what_is_lost_in_an_overflow_is_compared(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's queue really overflows here, while the thread that empties it is held."""
    held, go = threading.Event(), threading.Event()

    async def run() -> None:
        async with listening(root) as (watch, heard):
            hear: Any = watch._hear  # type: ignore[attr-defined]
            monkeypatch.setattr(watch, "_hear", lambda events: (held.set(), go.wait(), hear(events)))
            (root / "empty" / "x.jpg").write_bytes(b"1")
            await asyncio.to_thread(held.wait)
            limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
            for number in range(limit + 10):
                os.utime(root / ("a.jpg", "trip/two.jpg")[number % 2])
            (root / "lost").mkdir()
            (root / "trip").rename(root / "moved")
            (root / "empty").rename(root.parent / "away")
            asking = asyncio.ensure_future(heard())
            await asyncio.sleep(0.05)
            go.set()
            await asking
            assert watch.take_missed()
            assert not watch.take_missed()
            assert watched_inodes() == folders_of(root)
            (root / "lost" / "x.jpg").write_bytes(b"1")
            (root / "moved" / "day" / "x.jpg").write_bytes(b"1")
            assert await heard() == {"lost", "moved/day"}

    asyncio.run(run())


def full_after(count: int) -> Any:
    """A system that lets us listen to so many folders."""

    class Full(INotify):
        added = 0

        def add_watch(self, path: Any, mask: int) -> int:
            self.added += 1
            if self.added > count:
                raise OSError(errno.ENOSPC, "No space left on device")
            return int(super().add_watch(path, mask))

    return Full


def test_the_limit_of_watches_at_the_start(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lenscat_backend.library.watch_inotify.INotify", full_after(3))
    with pytest.raises(OSError, match=r"fs\.inotify\.max_user_watches"):
        heard_of(root)
    assert_nothing_is_left()


def test_the_limit_of_watches_later(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lenscat_backend.library.watch_inotify.INotify", full_after(5))
    told = []

    async def run() -> None:
        async with listening(root, on_change=lambda: told.append(1)) as (watch, _):
            (root / "one-too-many").mkdir()
            assert not await watch.heard_all()
            assert "fs.inotify.max_user_watches" in str(watch.failed)
            assert not await watch.heard_all()

    asyncio.run(run())
    assert told
    assert_nothing_is_left()


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        heard_of(tmp_path / "nothing")
    assert_nothing_is_left()


def test_closing_leaves_nothing(root: Path) -> None:
    heard_of(root, lambda: (root / "x.jpg").write_bytes(b"1"))
    assert_nothing_is_left()


def test_closing_while_it_starts(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half_way, go = threading.Event(), threading.Event()

    class Slow(INotify):
        def add_watch(self, path: Any, mask: int) -> int:
            if os.fsencode(path).endswith(b"library"):
                half_way.set()
                go.wait()
            return int(super().add_watch(path, mask))

    async def run() -> None:
        async with listening(root):
            pass

    async def cancelled() -> None:
        starting = asyncio.ensure_future(run())
        await asyncio.to_thread(half_way.wait)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):  # at once: the loop is free meanwhile
            await starting
        go.set()

    monkeypatch.setattr("lenscat_backend.library.watch_inotify.INotify", Slow)
    asyncio.run(cancelled())
    assert_nothing_is_left()


def assert_nothing_is_left() -> None:
    assert watch_count() == 0
    assert "watch" not in {thread.name for thread in threading.enumerate()}
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names only
        with suppress(OSError):
            assert "inotify" not in str(Path(f"/proc/self/fd/{number}").readlink())


def test_a_watch_takes_little_memory(root: Path) -> None:
    for number in range(2000):
        (root / "trip" / f"folder-with-a-name-{number}").mkdir()

    async def run() -> int:
        tracemalloc.start()
        async with listening(root):
            used = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return used

    assert asyncio.run(run()) / 2000 < 400

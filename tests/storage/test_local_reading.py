"""Reading a local disk: etags and when to trust them, special files, a disk that is gone."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lenscat_backend.errors import (
    BusyError,
    ForbiddenError,
    LenscatError,
    NotFoundError,
    TooLargeError,
    UnreachableError,
    UnsupportedError,
)
from lenscat_backend.models.paths import ROOT, LibraryPath, decode_name, parse_path
from lenscat_backend.storage.base import Entry, Listing
from lenscat_backend.storage.folder_listing import COARSE_TICK_NS, FINE_TICK_NS
from lenscat_backend.storage.local import LocalDisk

A = parse_path("a.jpg")
SECOND = 1_000_000_000


class Clock:
    """A clock that stands where it is put, in nanoseconds since 1970."""

    def __init__(self, now_ns: int = 0) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def disk(tmp_path: Path, clock: Clock) -> LocalDisk:
    return LocalDisk(tmp_path, clock=clock)


def only_entry(disk: LocalDisk) -> Entry:
    (entry,) = disk.list_folder(ROOT).entries
    assert entry == disk.stat(parse_path(entry.name))
    assert entry.etag == disk.quick_etag(parse_path(entry.name))
    return entry


# Etags


def test_an_entry_settles_when_the_clock_has_ticked(disk: LocalDisk, tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "a.jpg").write_bytes(b"1")
    changed = (tmp_path / "a.jpg").stat().st_ctime_ns
    tick = FINE_TICK_NS if changed % SECOND else COARSE_TICK_NS
    for now_ns, settled in ((changed - SECOND, False), (changed + tick, False), (changed + tick + 1, True)):
        clock.now_ns = now_ns
        assert only_entry(disk).settled is settled


def test_a_time_set_into_the_future_tells_nothing(disk: LocalDisk, tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "a.jpg").write_bytes(b"1")
    changed = (tmp_path / "a.jpg").stat().st_ctime_ns
    os.utime(tmp_path / "a.jpg", ns=(0, changed + 10**15))
    clock.now_ns = (tmp_path / "a.jpg").stat().st_ctime_ns + 3 * SECOND
    assert only_entry(disk).settled


@pytest.mark.parametrize(
    ("changed", "modified", "now", "settled"),
    [
        (100 * SECOND, 0, 102 * SECOND, False),  # no part below a second: a file system with coarse times
        (100 * SECOND, 0, 102 * SECOND + 1, True),
        (100 * SECOND + 1, 0, 101 * SECOND, True),
        (50 * SECOND + 1, 100 * SECOND, 100 * SECOND, False),  # change times that do not follow (some FUSE)
        (50 * SECOND + 1, 100 * SECOND, 101 * SECOND, True),
        (200 * SECOND + 1, 0, 100 * SECOND, False),  # the clocks differ
    ],
)
def test_when_to_trust_an_etag(
    disk: LocalDisk, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, changed: int, modified: int,
    now: int, settled: bool,
) -> None:  # fmt: skip
    class Info:
        st_mode, st_size, st_ino = 0o100644, 1, 7
        st_ctime_ns, st_mtime_ns = changed, modified

    class Item:
        name = "a.jpg"

        def is_file(self, *, follow_symlinks: bool) -> bool:
            return True

        def stat(self, *, follow_symlinks: bool) -> Info:
            return Info()

    @contextmanager
    def scandir(descriptor: int) -> Iterator[list[Item]]:
        yield [Item()]

    clock.now_ns = now
    monkeypatch.setattr(os, "scandir", scandir)
    (entry,) = disk.list_folder(ROOT).entries
    assert entry.settled is settled
    monkeypatch.setattr("lenscat_backend.storage.root_folder.FolderHandle.stat", lambda self, name: Info())
    assert disk.stat(A) == entry


def test_a_replacement_of_the_same_size_and_time_shows(disk: LocalDisk, tmp_path: Path, clock: Clock) -> None:
    """In place and by rename, with the modification time put back: the etag differs, or had not settled."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"11")
    for number in range(200):
        clock.now_ns = path.stat().st_ctime_ns + number * 1_000_000
        before, times = only_entry(disk), path.stat()
        if number % 2:
            path.write_bytes(b"2%d" % (number % 10))
        else:
            (tmp_path / ".new").write_bytes(b"3%d" % (number % 10))
            (tmp_path / ".new").rename(path)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert only_entry(disk).etag != before.etag or not before.settled


def test_the_folder_etag_is_kept_back_until_it_settles(disk: LocalDisk, tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "x").mkdir()
    path = parse_path("x")
    clock.now_ns = (tmp_path / "x").stat().st_ctime_ns
    assert disk.list_folder(path).etag == disk.stat(path).etag == disk.quick_folder_etag(path) == ""
    clock.now_ns += 3 * SECOND
    before = disk.list_folder(path).etag
    assert before == disk.stat(path).etag == disk.quick_folder_etag(path) != ""
    (tmp_path / "x/new").touch()
    clock.now_ns += 3 * SECOND
    assert disk.list_folder(path).etag != before


def test_what_happens_during_a_listing_shows_in_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(descriptor: int) -> object:
        found = real(descriptor)
        (tmp_path / "late.jpg").touch()
        return found

    os.utime(tmp_path, ns=(0, SECOND + 1))
    disk = LocalDisk(tmp_path, clock=lambda: 2**62)
    monkeypatch.setattr(os, "scandir", scandir)
    during = disk.list_folder(ROOT).etag
    monkeypatch.undo()
    assert disk.list_folder(ROOT).etag != during


def test_a_file_that_vanishes_during_a_listing(
    disk: LocalDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()
    real = os.scandir

    @contextmanager
    def scandir(descriptor: int) -> Iterator[list[os.DirEntry[str]]]:
        with real(descriptor) as found:
            items = list(found)
        (tmp_path / "b").unlink()
        yield items

    monkeypatch.setattr(os, "scandir", scandir)
    assert [entry.name for entry in disk.list_folder(ROOT).entries] == ["a"]


def test_quick_etags_of_nothing(disk: LocalDisk) -> None:
    assert disk.quick_etag(A) is None
    assert disk.quick_folder_etag(A) == ""


def test_peeking(disk: LocalDisk, tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff")).touch()
    (tmp_path / ".hidden").touch()
    (tmp_path / ".lenscat.folder.json").touch()
    (tmp_path / "l").symlink_to("nothing")
    assert sorted(disk.peek(ROOT)) == sorted([".lenscat.folder.json", "l", decode_name(b"\xff")])


# Special files


def test_special_files_are_left_out_and_never_waited_for(
    disk: LocalDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "link.jpg").symlink_to("pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # the path of a socket may have 107 bytes
        server.bind("socket.jpg")
        assert disk.list_folder(ROOT) == Listing((), disk.list_folder(ROOT).etag)
        for name in ("pipe.jpg", "socket.jpg", "link.jpg"):
            path = parse_path(name)
            for call in (
                lambda path=path: disk.read(path, 9), lambda path=path: disk.read_range(path, 0, 9),
                lambda path=path: disk.open(path), lambda path=path: disk.stat(path),
                lambda path=path: disk.write(path, b""),
                lambda name=name: disk.open_folder(ROOT).open_file(name),
            ):  # fmt: skip
                with pytest.raises(UnsupportedError):
                    call()


def test_a_folder_handle(disk: LocalDisk, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.jpg").write_bytes(b"123")
    with disk.open_folder(parse_path("x")) as folder:
        descriptor = folder.open_file("a.jpg")
        assert os.read(descriptor, 9) == b"123"
        os.close(descriptor)
        with pytest.raises(NotFoundError):
            folder.open_file("b.jpg")
    folder.close()


def test_no_descriptor_is_left_open(disk: LocalDisk, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/l").symlink_to("..")
    (tmp_path / "f").symlink_to("x/a")
    before = set(Path("/dev/fd").iterdir())
    for path in ("x/a", "x/l/a", "f", "x", "", "nothing/x", "x/nothing", "x/a/b"):
        for call in (disk.list_folder, disk.stat, disk.delete, lambda path: disk.read(path, 2)):
            try:
                disk.write(parse_path("x/a"), b"123", durable=False)
                call(parse_path(path))
            except LenscatError:
                pass
    assert set(Path("/dev/fd").iterdir()) == before


# A disk that is gone or fails


@pytest.mark.parametrize("path", [ROOT, A, parse_path("x/a.jpg")])
def test_a_missing_root_is_unreachable(tmp_path: Path, path: LibraryPath) -> None:
    disk = LocalDisk(tmp_path / "gone")
    for call in (disk.list_folder, disk.stat, disk.open_folder, disk.peek, lambda path: disk.identity()):
        with pytest.raises(UnreachableError) as caught:
            call(path)
        assert str(tmp_path) not in str(caught.value)
    with pytest.raises(UnreachableError):
        disk.write(parse_path("x/a.jpg"), b"1")
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_is_a_file_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnreachableError):
        LocalDisk(tmp_path / "file").list_folder(ROOT)


def test_a_missing_folder_is_just_missing(disk: LocalDisk) -> None:
    with pytest.raises(NotFoundError):
        disk.list_folder(parse_path("x"))


def test_an_unmounted_disk_is_unreachable_not_empty(tmp_path: Path) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "none", tmp_path], check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here; the next test plays it")
    try:
        (tmp_path / "x").mkdir()
        disk = LocalDisk(tmp_path)
        disk.list_folder(ROOT)
    finally:
        subprocess.run(["umount", tmp_path], check=True)
    _assert_unreachable(disk)


def test_an_empty_root_on_another_device_is_unreachable(tmp_path: Path) -> None:
    disk = LocalDisk(tmp_path)
    disk.list_folder(ROOT)
    disk._root._device = -1
    _assert_unreachable(disk)
    (tmp_path / "x").touch()  # another disk was put there on purpose
    assert len(disk.list_folder(ROOT).entries) == 1
    with pytest.raises(NotFoundError):
        disk.list_folder(parse_path("y"))


def _assert_unreachable(disk: LocalDisk) -> None:
    for path in (ROOT, parse_path("x")):
        with pytest.raises(UnreachableError):
            disk.list_folder(path)
    for path in (A, parse_path("x/y")):
        with pytest.raises(UnreachableError):
            disk.stat(path)
        with pytest.raises(UnreachableError):
            disk.read(path, 1)


def test_an_emptied_library_is_empty(disk: LocalDisk, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    disk.list_folder(ROOT)
    (tmp_path / "a").unlink()
    assert disk.list_folder(ROOT).entries == ()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.EIO, UnreachableError),
        (errno.ESTALE, UnreachableError),
        (errno.EMFILE, BusyError),
        (errno.EACCES, ForbiddenError),
        (errno.EPERM, ForbiddenError),
    ],
)
def test_failures_of_the_disk(
    disk: LocalDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, expected: type[LenscatError]
) -> None:
    (tmp_path / "a.jpg").touch()

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code), str(tmp_path))

    for name in ("open", "scandir", "fstat"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(expected) as caught:
                disk.list_folder(ROOT)
        assert str(tmp_path) not in str(caught.value)


def test_one_file_that_cannot_be_looked_at_fails_the_listing(disk: LocalDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing with a hole would pass for a deletion."""

    class Item:
        name = "a.jpg"

        def is_file(self, *, follow_symlinks: bool) -> bool:
            return True

        def stat(self, *, follow_symlinks: bool) -> None:
            raise OSError(errno.EIO, "broken")

    @contextmanager
    def scandir(descriptor: int) -> Iterator[list[Item]]:
        yield [Item()]

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(UnreachableError):
        disk.list_folder(ROOT)


def test_a_file_that_grows_while_it_is_read(disk: LocalDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").write_bytes(b"12345")
    assert disk.read(A, 5).data == b"12345"
    real = os.pread

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        with (tmp_path / "a.jpg").open("ab") as file:
            file.write(b"x")
        return real(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", pread)
    with pytest.raises(TooLargeError):
        disk.read(A, 5)


def test_reads_that_come_in_pieces(disk: LocalDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").write_bytes(b"0123456789")
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda descriptor, length, offset: real(descriptor, min(length, 3), offset))
    assert disk.read(A, 99).data == b"0123456789"
    assert disk.read_range(A, 1, 8) == b"12345678"

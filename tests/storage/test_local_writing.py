"""Writing to a local disk: modes, full disks, locks, and what is left when a writer dies."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lenscat_backend.errors import (
    AlreadyExistsError,
    BusyError,
    InvalidPathError,
    LenscatError,
    ReadOnlyError,
    TooLargeError,
    TransientError,
    UnreachableError,
)
from lenscat_backend.models.paths import ROOT, parse_path
from lenscat_backend.storage import folder_lock as locks
from lenscat_backend.storage.file_writing import SWEEP_AGE_NS
from lenscat_backend.storage.local import LocalDisk

A = parse_path("a.json")


@pytest.fixture
def disk(tmp_path: Path) -> LocalDisk:
    return LocalDisk(tmp_path)


def all_names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def failing(code: int) -> Callable[..., Any]:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code), "/secret/place")

    return fail


# Modes


def test_a_new_file_has_the_mode_of_the_umask(disk: LocalDisk, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        disk.write(A, b"1")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o666, 0o664])
def test_a_replaced_file_keeps_its_mode(disk: LocalDisk, tmp_path: Path, mode: int) -> None:
    (tmp_path / "a.json").touch()
    (tmp_path / "a.json").chmod(mode)
    disk.write(A, b"1")
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == mode


def test_a_replaced_file_keeps_its_owner(disk: LocalDisk, tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root gives files away")
    (tmp_path / "a.json").touch()
    os.chown(tmp_path / "a.json", 12345, 23456)
    disk.write(A, b"1")
    info = (tmp_path / "a.json").stat()
    assert (info.st_uid, info.st_gid) == (12345, 23456)


def test_an_owner_that_cannot_be_kept_does_not_fail_the_write(
    disk: LocalDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid():
        pytest.skip("only root makes a file of another owner")
    (tmp_path / "a.json").touch()
    os.chown(tmp_path / "a.json", 12345, 23456)
    monkeypatch.setattr(os, "fchown", failing(errno.EPERM))
    disk.write(A, b"1")
    assert (tmp_path / "a.json").read_bytes() == b"1"


# Failures


@pytest.mark.parametrize(
    ("code", "expected", "words"),
    [
        (errno.ENOSPC, TransientError, "full"),
        (errno.EDQUOT, TransientError, "full"),
        (errno.EFBIG, TooLargeError, "larger"),
        (errno.EROFS, ReadOnlyError, "cannot be written"),
        (errno.EACCES, ReadOnlyError, "cannot be written"),
        (errno.EPERM, ReadOnlyError, "cannot be written"),
        (errno.EIO, UnreachableError, "disk"),
        (errno.EMFILE, BusyError, "try again"),
    ],
)
@pytest.mark.parametrize("call", ["write", "fsync", "close", "rename", "link", "flock"])
def test_a_failure_changes_nothing_and_leaves_nothing(
    disk: LocalDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int,
    expected: type[LenscatError], words: str,
) -> None:  # fmt: skip
    disk.write(A, b"old")
    if (call, code) == ("link", errno.EPERM):
        pytest.skip("that is how a file system without hard links answers")
    if (call, code) == ("flock", errno.EACCES):
        pytest.skip("that is how a held lock answers on some systems")
    with monkeypatch.context() as patch:
        if call == "close":  # that of the duplicate, before the rename, as on NFS
            patch.setattr(os, "dup", failing(code))
        elif call == "flock":
            patch.setattr(fcntl, "flock", failing(code))
        else:
            patch.setattr(os, call, failing(code))
        with pytest.raises(expected, match=words) as caught:
            if call == "link":
                disk.write(parse_path("b.json"), b"new", create_only=True)
            else:
                disk.write(A, b"new")
    assert "/secret" not in str(caught.value) and str(tmp_path) not in str(caught.value)
    assert (tmp_path / "a.json").read_bytes() == b"old"
    assert all_names(tmp_path) == ["a.json"]


def test_a_write_in_pieces(disk: LocalDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:3]))
    disk.write(A, b"0123456789")
    assert (tmp_path / "a.json").read_bytes() == b"0123456789"


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A mounted file system with room for 64 KiB."""
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here; the test above plays the full disk")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def test_a_disk_that_is_really_full(tiny_disk: Path) -> None:
    disk = LocalDisk(tiny_disk)
    disk.write(A, b"old")
    with pytest.raises(TransientError, match="full"):
        disk.write(A, bytes(100_000))
    with pytest.raises(TransientError, match="full"):
        disk.write_chunks(A, (bytes(10_000) for _ in range(10)))
    assert (tiny_disk / "a.json").read_bytes() == b"old"
    assert all_names(tiny_disk) == ["a.json"]
    disk.write(A, bytes(10_000))


def test_a_read_only_mount(tiny_disk: Path) -> None:
    disk = LocalDisk(tiny_disk)
    disk.write(A, b"old")
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)
    for call in (lambda: disk.write(A, b"new"), lambda: disk.delete(A), lambda: disk.write(parse_path("x/b"), b"")):
        with pytest.raises(ReadOnlyError):
            call()
    assert disk.read(A, 9).data == b"old"


def test_read_only_by_configuration_touches_nothing(tmp_path: Path) -> None:
    disk = LocalDisk(tmp_path / "gone", writable=False)
    for call in (lambda: disk.write(A, b""), lambda: disk.delete(A), lambda: disk.write_chunks(A, iter(()))):
        with pytest.raises(ReadOnlyError):
            call()


def test_file_systems_without_hard_links(disk: LocalDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    disk.write(A, b"1", create_only=True)
    with pytest.raises(AlreadyExistsError):
        disk.write(A, b"2", create_only=True)
    assert all_names(tmp_path) == ["a.json"]


def test_a_foreign_program_that_is_faster(disk: LocalDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Creating is atomic against programs that know nothing of our lock."""
    real = os.link

    def link(*args: Any, **kwargs: Any) -> None:
        (tmp_path / "a.json").write_bytes(b"foreign")
        real(*args, **kwargs)

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(AlreadyExistsError):
        disk.write(A, b"ours", create_only=True)
    assert (tmp_path / "a.json").read_bytes() == b"foreign"
    assert all_names(tmp_path) == ["a.json"]


def test_folders_that_cannot_be_flushed(disk: LocalDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    disk.write(A, b"1")
    assert (tmp_path / "a.json").read_bytes() == b"1"


def test_durable_flushes_the_file_before_its_name(disk: LocalDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    real_fsync, real_rename = os.fsync, os.rename

    def fsync(descriptor: int) -> None:
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_fsync(descriptor)

    def rename(*args: Any, **kwargs: Any) -> None:
        calls.append("rename")
        real_rename(*args, **kwargs)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    disk.write(A, b"1")
    assert calls == ["file", "rename", "folder"]
    calls.clear()
    disk.write(parse_path("x/a"), b"1")
    assert calls == ["folder", "file", "rename", "folder"]
    calls.clear()
    disk.write(A, b"1", durable=False)
    assert calls == ["rename"]


def test_an_error_of_the_producer_leaves_the_old_file(disk: LocalDisk, tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"new"
        raise KeyboardInterrupt

    disk.write(A, b"old")
    with pytest.raises(KeyboardInterrupt):
        disk.write_chunks(A, chunks())
    assert (tmp_path / "a.json").read_bytes() == b"old"
    assert all_names(tmp_path) == ["a.json"]
    disk.write_chunks(A, iter([b"n", b"", b"ew"]))
    assert (tmp_path / "a.json").read_bytes() == b"new"


def test_others_write_while_chunks_are_made(disk: LocalDisk, tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"1"
        disk.write(parse_path("b.json"), b"2")
        yield b"3"

    disk.write_chunks(A, chunks())
    assert all_names(tmp_path) == ["a.json", "b.json"]


def test_a_folder_is_never_replaced(disk: LocalDisk, tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    for conditions in ({}, {"create_only": True}, {"if_version": "1"}):
        with pytest.raises(InvalidPathError):
            disk.write(A, b"1", **conditions)
    assert all_names(tmp_path / "a.json") == []


# Locks


def hold(folder: Path) -> int:
    """A lock held as by another process: flock belongs to the open file, not to the process."""
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def test_a_folder_that_stays_locked_is_busy(disk: LocalDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LIMIT_S", 0.002)
    held = hold(tmp_path)
    for call in (lambda: disk.write(A, b"1"), lambda: disk.delete(A)):
        with pytest.raises(BusyError):
            call()
    os.close(held)
    assert all_names(tmp_path) == []
    disk.write(A, b"1")


def test_a_lock_of_another_folder_is_no_matter(disk: LocalDisk, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    held = hold(tmp_path)
    disk.write(parse_path("x/a"), b"1")
    os.close(held)


@pytest.mark.parametrize("code", [errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL])
def test_folders_that_cannot_be_locked(
    disk: LocalDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    real = fcntl.flock

    def flock(descriptor: int, operation: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, "no")
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    monkeypatch.setattr(locks, "LIMIT_S", 0.002)
    disk.write(A, b"1")
    assert all_names(tmp_path) == [".lenscat.lock", "a.json"]
    held = os.open(tmp_path / ".lenscat.lock", os.O_RDWR)
    real(held, fcntl.LOCK_EX)
    with pytest.raises(BusyError):
        disk.write(A, b"2")
    os.close(held)
    disk.write(A, b"3")
    assert [entry.name for entry in disk.list_folder(ROOT).entries] == ["a.json"]


def test_file_systems_without_any_lock(disk: LocalDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    with pytest.raises(ReadOnlyError, match="locks"):
        disk.write(A, b"1")


def test_no_lock_is_remembered(disk: LocalDisk) -> None:
    disk.write(A, b"1")
    assert locks._waiters == {}


# Sweeping


def test_sweep_takes_only_old_writes_of_ours(tmp_path: Path) -> None:
    old, new = [f".lenscat-tmp-{number:016x}" for number in (1, 2)], f".lenscat-tmp-{3:016x}"
    others = [".lenscat-tmp-diary", ".other-tmp", "a.json", "lenscat-tmp-1"]
    for name in [*old, new, *others]:
        (tmp_path / name).touch()
    (tmp_path / ".lenscat-tmp-folder").mkdir()
    for name in all_names(tmp_path):
        os.utime(tmp_path / name, ns=(0, 1000 + (name == new)))
    disk = LocalDisk(tmp_path, clock=lambda: 1001 + SWEEP_AGE_NS)
    assert sorted(disk.sweep(ROOT)) == old
    assert all_names(tmp_path) == sorted([".lenscat-tmp-folder", new, *others])

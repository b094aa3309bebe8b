"""Writing and removing whole files on a local disk: a temporary file beside, then one atomic step under a lock.

The slow part, filling and flushing the temporary file, comes before the lock; under it the condition is checked and
the file gets its name, so that writers of one folder hardly wait for each other.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

from blake3 import blake3

from lenscat_backend.errors import (
    AlreadyExistsError,
    BrokenLinkError,
    ConflictError,
    InvalidPathError,
    NotFoundError,
    VersionMismatchError,
)
from lenscat_backend.models.paths import LibraryPath, encode_name, split
from lenscat_backend.storage.descent import OPEN_FILE, is_a_folder, not_regular
from lenscat_backend.storage.folder_lock import folder_lock
from lenscat_backend.storage.names import TEMP_PREFIX
from lenscat_backend.storage.os_errors import missing
from lenscat_backend.storage.root_folder import FolderHandle, RootFolder

SWEEP_AGE_NS = 3600 * 1_000_000_000
"""An unfinished write this old has lost its writer."""

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_CHUNK_BYTES = 1 << 20
_REFUSED = frozenset((errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EINVAL))
"""How file systems say that they have no hard links, or cannot flush a folder (EBADF and EISDIR as well)."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """When a write is allowed: always, only over the version `if_version`, or only where nothing is."""

    if_version: str | None = None
    create_only: bool = False

    def __post_init__(self) -> None:
        if self.create_only and self.if_version is not None:
            raise ValueError("if_version and create_only exclude each other")


class FileWriter:
    """Writes files below `root`. Raises `OSError` as it comes, beside the errors of ours that it decides on."""

    def __init__(self, root: RootFolder, *, makes_folders: bool) -> None:
        self._root = root
        self._makes_folders = makes_folders

    def write(
        self, path: LibraryPath, chunks: Iterable[bytes], conditions: Conditions, *, durable: bool
    ) -> os.stat_result:
        """Write the chunks as one file under the conditions of `Store.write`; returns its stat after the write."""
        make = conditions.if_version is None and self._makes_folders
        with self._target(path, make=make, durable=durable) as target:
            _check(target, conditions)  # early, for a write that is refused costs no writing then
            with _temporary(target, chunks, durable=durable) as (temp, descriptor):
                with folder_lock(target.folder):
                    old = _check(target, conditions)
                    if old is not None:
                        _keep_owner_and_mode(descriptor, old)
                    _put_in_place(target, temp, create_only=conditions.create_only)
                    info = os.fstat(descriptor)  # now, for the rename changed the change time
                if durable:
                    _sync_folder(target.folder)
                return info

    def delete(self, path: LibraryPath, if_version: str | None) -> None:
        """Remove one file under the conditions of `Store.delete`; a link is removed itself, not its target."""
        folder, name = split_file(path)
        raw = encode_name(name)
        with self._root.open_folder(folder) as handle, folder_lock(handle.descriptor):
            info = os.stat(raw, dir_fd=handle.descriptor, follow_symlinks=False)
            if stat.S_ISDIR(info.st_mode):
                raise is_a_folder(path)
            if if_version is not None:
                _check_version(handle.open_regular(name)[0], if_version, path)
            os.unlink(raw, dir_fd=handle.descriptor)

    @contextmanager
    def _target(self, path: LibraryPath, *, make: bool, durable: bool) -> Iterator[_Target]:
        folder, name = split_file(path)
        with self._root.open_folder(folder, make=make, durable=durable) as handle:
            real = _real_of_link(handle, name, path)
            if real is None:
                yield _Target(handle.descriptor, encode_name(name), path)
                return
        parent, _, last = real.rpartition(b"/")
        descriptor = self._root.open_real(parent or b"/")
        try:
            yield _Target(descriptor, last, path)
        finally:
            os.close(descriptor)


_TEMPORARY = re.compile(re.escape(TEMP_PREFIX) + "[0-9a-f]{16}")


def split_file(path: LibraryPath) -> tuple[LibraryPath, str]:
    """The folder and the name of a file; `InvalidPathError` for the root."""
    folder, name = split(path)
    if not name:
        raise InvalidPathError("The library itself is a folder, not a file: name a file.")
    return folder, name


def sweep_folder(folder: FolderHandle, now_ns: int) -> list[str]:
    """Remove unfinished writes older than an hour; returns their names."""
    removed = []
    with os.scandir(folder.descriptor) as found:
        left = [item for item in found if _TEMPORARY.fullmatch(item.name)]
        for item in left:
            with suppress(FileNotFoundError):  # another sweep was faster
                info = item.stat(follow_symlinks=False)
                if stat.S_ISREG(info.st_mode) and now_ns - info.st_mtime_ns > SWEEP_AGE_NS:
                    os.unlink(item.name, dir_fd=folder.descriptor)
                    removed.append(item.name)
    return removed


class _Target(NamedTuple):
    """Where the bytes go: an open folder, a name in it that is no link, and the path to speak of in errors."""

    folder: int
    name: bytes
    path: LibraryPath

    def look(self) -> os.stat_result | None:
        """What is there, None where nothing is. Raises for what a write must not replace."""
        try:
            info = os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if stat.S_ISDIR(info.st_mode):
            raise InvalidPathError(f"{self.path!r} is a folder, not a file: name a file.")
        if stat.S_ISLNK(info.st_mode):
            raise ConflictError(f"{self.path!r} was replaced by a link just now: try again.")
        if not stat.S_ISREG(info.st_mode):
            raise not_regular(self.path)
        return info


def _real_of_link(handle: FolderHandle, name: str, path: LibraryPath) -> bytes | None:
    """The real path of the file that the link `name` leads to; None where it is no link."""
    raw = encode_name(name)
    try:
        info = os.stat(raw, dir_fd=handle.descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISLNK(info.st_mode):
        return None
    try:
        target = handle.follow(raw)
    except NotFoundError as error:
        message = f"{path!r} is a link that leads nowhere: nothing was written. Mend or remove that link, then retry."
        raise BrokenLinkError(message) from error
    if stat.S_ISDIR(target.info.st_mode):
        raise InvalidPathError(f"{path!r} is a folder, not a file: name a file.")
    return target.real


def _check(target: _Target, conditions: Conditions) -> os.stat_result | None:
    """The file to be replaced, None where nothing is; raises where the conditions do not hold."""
    old = target.look()
    if conditions.create_only and old is not None:
        raise _exists(target.path)
    if conditions.if_version is not None:
        if old is None:
            raise missing(target.path)
        descriptor = os.open(target.name, OPEN_FILE, dir_fd=target.folder)
        _check_version(descriptor, conditions.if_version, target.path)
    return old


def _check_version(descriptor: int, expected: str, path: LibraryPath) -> None:
    """Raise `VersionMismatchError` unless the file's bytes have this version; closes the file."""
    hasher = blake3()
    try:
        while chunk := os.read(descriptor, _CHUNK_BYTES):
            hasher.update(chunk)
    finally:
        os.close(descriptor)
    if hasher.hexdigest() != expected:
        raise VersionMismatchError(f"{path!r} was changed meanwhile: read it again, merge and retry.")


@contextmanager
def _temporary(target: _Target, chunks: Iterable[bytes], *, durable: bool) -> Iterator[tuple[bytes, int]]:
    """The name and descriptor of a filled file beside the target; removed where the body fails."""
    temp = f"{TEMP_PREFIX}{secrets.token_hex(8)}".encode("ascii")
    old = target.look()
    # A replaced file's mode from the start: nobody may read the new bytes who could not read the old ones.
    mode = 0o666 if old is None else stat.S_IMODE(old.st_mode) & 0o777
    descriptor = os.open(temp, _CREATE, mode, dir_fd=target.folder)
    try:
        _fill(descriptor, chunks, durable=durable)
        yield temp, descriptor
    except BaseException:
        with suppress(OSError):  # it has its name already, or the disk is gone; `sweep` takes what stays
            os.unlink(temp, dir_fd=target.folder)
        raise
    finally:
        os.close(descriptor)


def _fill(descriptor: int, chunks: Iterable[bytes], *, durable: bool) -> None:
    for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    if durable:
        os.fsync(descriptor)
    # Network file systems report a full disk at a close, which must come before the rename.
    os.close(os.dup(descriptor))


def _keep_owner_and_mode(descriptor: int, old: os.stat_result) -> None:
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        for owner in (old.st_uid, -1):  # only root gives files away: the group alone is the next best
            try:
                os.fchown(descriptor, owner, old.st_gid)
                break
            except OSError:
                continue
    if stat.S_IMODE(new.st_mode) != stat.S_IMODE(old.st_mode):
        with suppress(OSError):  # file systems without modes
            os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _put_in_place(target: _Target, temp: bytes, *, create_only: bool) -> None:
    if not create_only or not _link_new(target, temp):
        os.rename(temp, target.name, src_dir_fd=target.folder, dst_dir_fd=target.folder)


def _link_new(target: _Target, temp: bytes) -> bool:
    """Give the file its name only where that is free, other programs included; False: no hard links here."""
    folder = target.folder
    try:
        os.link(temp, target.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError as error:
        raise _exists(target.path) from error
    except OSError as error:
        if error.errno in _REFUSED:
            return False
        raise
    os.unlink(temp, dir_fd=folder)
    return True


def _sync_folder(folder: int) -> None:
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in _REFUSED | {errno.EBADF, errno.EISDIR}:
            raise


def _exists(path: LibraryPath) -> AlreadyExistsError:
    return AlreadyExistsError(f"{path!r} exists already: nothing was written.")

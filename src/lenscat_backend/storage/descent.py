"""Walking down folders and opening files without ever following a link: each step is relative to an open folder.

No rename or link made meanwhile can lead such a walk astray. It is what ``openat2(RESOLVE_BENEATH)`` does in one call,
which Python does not offer.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from lenscat_backend.errors import NotFoundError, UnsupportedError
from lenscat_backend.models.paths import LibraryPath

OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
"""Flags for a folder that may be named by a link."""
OPEN_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
"""Flags for a file that is no link; O_NONBLOCK because a FIFO must not hang the open."""
MAYBE_LINK = frozenset((errno.ELOOP, errno.ENOTDIR, errno.EMLINK))
"""How systems refuse a link under O_NOFOLLOW: ELOOP, with O_DIRECTORY ENOTDIR (Linux), EMLINK (FreeBSD)."""

_STEP = OPEN_FOLDER | os.O_NOFOLLOW


class Making(NamedTuple):
    """Whether missing folders are made on the way, and flushed to the disk."""

    allowed: bool = False
    durable: bool = False


def descend(start: int, segments: Sequence[bytes], making: Making) -> int | None:
    """A descriptor of the folder reached from `start`, which is closed; None where a link is in the way.

    Raises `OSError` as it comes, `start` closed all the same.
    """
    here = start
    for segment in segments:
        try:
            below = _step(segment, here, making)
        except OSError as error:
            if error.errno in MAYBE_LINK and is_link(segment, here):
                return None
            raise
        finally:
            os.close(here)
        here = below
    return here


def is_link(name: bytes, folder: int) -> bool:
    """Whether `name` in the open folder is a symbolic link; raises `OSError` as it comes."""
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def open_regular(name: bytes, folder: int, path: LibraryPath) -> tuple[int, os.stat_result]:
    """A descriptor of an ordinary file for reading, and its own stat; `path` is for errors.

    `NotFoundError` for a folder, `UnsupportedError` for a FIFO, socket or device; `OSError` as it comes, for a link
    one of `MAYBE_LINK`.
    """
    try:
        descriptor = os.open(name, OPEN_FILE, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ENXIO:  # what opening a socket gives; a failing disk gives EIO
            raise not_regular(path) from error
        raise
    info = os.fstat(descriptor)
    if stat.S_ISREG(info.st_mode):
        return descriptor, info
    os.close(descriptor)
    raise is_a_folder(path) if stat.S_ISDIR(info.st_mode) else not_regular(path)


def is_a_folder(path: LibraryPath) -> NotFoundError:
    """The error for a folder where a file is asked for."""
    return NotFoundError(f"{path!r} is a folder, not a file.")


def not_regular(path: LibraryPath) -> UnsupportedError:
    """The error for a FIFO, a socket or a device."""
    return UnsupportedError(f"{path!r} is not an ordinary file.")


def _step(segment: bytes, here: int, making: Making) -> int:
    try:
        return os.open(segment, _STEP, dir_fd=here)
    except FileNotFoundError:
        if not making.allowed:
            raise
    with suppress(FileExistsError):  # another writer was faster
        os.mkdir(segment, dir_fd=here)
        if making.durable:
            os.fsync(here)
    return os.open(segment, _STEP, dir_fd=here)

"""One writer a folder at a time, across threads and processes of this machine."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lenscat_backend.errors import BusyError, ReadOnlyError
from lenscat_backend.storage.names import LOCK_NAME

LIMIT_S = 10.0
"""How long a writer waits for the folder before it gives up."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.0005, 0.01
_HELD = frozenset((errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES))
_NO_FOLDER_LOCKS = frozenset(
    (errno.EBADF, errno.ENOLCK, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EISDIR)
)
"""How file systems say that they cannot lock a folder (NFS: EBADF, for its locks need an open for writing)."""


@contextmanager
def folder_lock(descriptor: int) -> Iterator[None]:
    """Hold the lock of the open folder `descriptor`; `BusyError` where it is not free within `LIMIT_S` seconds.

    Threads of this process queue on a lock in memory; other processes see an ``flock`` on the folder itself, or on a
    hidden file in it where the file system cannot do that. Both end with the process, however it dies. The lock is
    advisory: it keeps Lenscat's writers apart, not other programs.
    """
    deadline = time.monotonic() + LIMIT_S
    with _thread_lock(descriptor, LIMIT_S):
        held = _hold(descriptor, deadline)
        try:
            yield
        finally:
            fcntl.flock(held, fcntl.LOCK_UN)
            if held != descriptor:
                os.close(held)


def _hold(folder: int, deadline: float) -> int:
    """The descriptor that holds the lock: the folder's own, or that of a lock file."""
    try:
        _lock(folder, deadline)
        return folder
    except OSError as error:
        if error.errno not in _NO_FOLDER_LOCKS:
            raise
    # Never removed: removing a lock file lets two writers each lock a file of that name.
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(LOCK_NAME, flags, 0o666, dir_fd=folder)
    try:
        _lock(descriptor, deadline)
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, OSError) and error.errno in _NO_FOLDER_LOCKS:
            raise ReadOnlyError("The library's file system has no locks: mount it with locks to edit.") from error
        raise
    return descriptor


def _lock(descriptor: int, deadline: float) -> None:
    pause = _FIRST_PAUSE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in _HELD:
                raise
        if time.monotonic() >= deadline:
            raise _busy()
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_S)


class _Waiters:
    """The lock of one folder in this process, and how many hold it or wait for it."""

    __slots__ = ("count", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0


_waiters: dict[tuple[int, int], _Waiters] = {}
_waiters_lock = threading.Lock()


@contextmanager
def _thread_lock(descriptor: int, limit_s: float) -> Iterator[None]:
    info = os.fstat(descriptor)
    key = (info.st_dev, info.st_ino)
    with _waiters_lock:
        waiters = _waiters.setdefault(key, _Waiters())
        waiters.count += 1
    try:
        if not waiters.lock.acquire(timeout=limit_s):
            raise _busy()
        try:
            yield
        finally:
            waiters.lock.release()
    finally:
        with _waiters_lock:
            waiters.count -= 1
            if not waiters.count:
                del _waiters[key]


def _busy() -> BusyError:
    return BusyError("Another writer holds this folder: nothing was saved. Try again.")

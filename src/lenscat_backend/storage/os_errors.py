"""What an operating system's error means to a caller: the one place that translates `OSError`.

No message holds a path of the host: only the library path, which the caller knows already.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from lenscat_backend.errors import (
    BusyError,
    ForbiddenError,
    InvalidPathError,
    LenscatError,
    NotFoundError,
    ReadOnlyError,
    TooLargeError,
    TransientError,
    UnreachableError,
    UnsupportedError,
)
from lenscat_backend.models.paths import LibraryPath

MISSING = frozenset((errno.ENOENT, errno.ENOTDIR))
"""Nothing is there, or a file is where a folder should be."""

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
_BUSY = frozenset((errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.EBUSY, errno.ENOMEM))
_DENIED = frozenset((errno.EACCES, errno.EPERM))
_UNSUPPORTED = frozenset((errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV))
# Everything else (EIO, ESTALE, ENXIO, ENODEV, ETIMEDOUT, EUCLEAN, ...) is a disk or a mount that fails.


def translate(error: OSError, path: LibraryPath, *, writing: bool = False) -> LenscatError:
    """The error of ours that says what `error` means for `path`, to be raised ``from error``."""
    code = error.errno
    if code in MISSING:
        return missing(path)
    if code == errno.ELOOP:
        return NotFoundError(f"{path!r} is, or lies behind, a link that leads to itself.")
    if code == errno.ENAMETOOLONG:
        return InvalidPathError("A name in the path is longer than the file system allows: shorten it.")
    if code in (errno.EINVAL, errno.EILSEQ):
        return InvalidPathError(f"The file system refuses the name of {path!r}: use other characters.")
    if code == errno.EROFS or (writing and code in _DENIED):
        return ReadOnlyError(f"{path!r} cannot be written: nothing was saved. Allow it on the disk, or use an overlay.")
    if code in _DENIED:
        return ForbiddenError(f"{path!r} cannot be read: the server has no permission on the disk.")
    return _trouble(error, path)


def missing(path: LibraryPath) -> NotFoundError:
    """The error for a path at which nothing is."""
    return NotFoundError(f"There is no {path!r} in the library.")


@contextmanager
def translated(path: LibraryPath, *, writing: bool = False) -> Iterator[None]:
    """Raise any `OSError` of the body as what it means for `path`."""
    try:
        yield
    except OSError as error:
        raise translate(error, path, writing=writing) from error


def _trouble(error: OSError, path: LibraryPath) -> LenscatError:
    code = error.errno
    if code in _FULL:
        return TransientError("The disk is full: nothing was saved. Free some space and try again.", 30.0)
    if code == errno.EFBIG:
        return TooLargeError(f"{path!r} would be larger than the file system allows: nothing was saved.")
    if code in (errno.EISDIR, errno.ENOTEMPTY):
        return InvalidPathError(f"{path!r} is a folder, not a file: name a file.")
    if code in _BUSY:
        return BusyError("The server has no free file handles or memory just now: try again.")
    if code in _UNSUPPORTED:
        return UnsupportedError(f"The file system cannot do this with {path!r}.")
    return UnreachableError("The library's disk fails to answer: check the disk or the mount, then try again.", 10.0)

"""Every error of the system becomes one of ours, and none names a place on the host."""

from __future__ import annotations

import errno
import os

import pytest

from lenscat_backend.errors import (
    BusyError,
    ForbiddenError,
    InvalidPathError,
    LenscatError,
    NotFoundError,
    ReadOnlyError,
    TransientError,
    UnreachableError,
)
from lenscat_backend.models.paths import parse_path
from lenscat_backend.storage.os_errors import translate, translated

PATH = parse_path("x/a.jpg")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.ENOENT, NotFoundError),
        (errno.ENOTDIR, NotFoundError),
        (errno.ELOOP, NotFoundError),
        (errno.ENAMETOOLONG, InvalidPathError),
        (errno.EINVAL, InvalidPathError),
        (errno.EISDIR, InvalidPathError),
        (errno.EACCES, ForbiddenError),
        (errno.EROFS, ReadOnlyError),
        (errno.ENOSPC, TransientError),
        (errno.EDQUOT, TransientError),
        (errno.EMFILE, BusyError),
        (errno.ENFILE, BusyError),
        (errno.EIO, UnreachableError),
        (errno.ESTALE, UnreachableError),
        (errno.ENXIO, UnreachableError),
        (errno.ETIMEDOUT, UnreachableError),
    ],
)
def test_what_errors_mean(code: int, expected: type[LenscatError]) -> None:
    assert type(translate(OSError(code, "x"), PATH)) is expected


@pytest.mark.parametrize("code", sorted(errno.errorcode))
@pytest.mark.parametrize("writing", [False, True])
def test_every_error_is_translated_without_the_place(code: int, writing: bool) -> None:
    error = OSError(code, os.strerror(code), "/secret/place", None, "/secret/other")
    message = str(translate(error, PATH, writing=writing))
    assert message.endswith(".") and "secret" not in message


def test_a_refusal_to_write_is_read_only() -> None:
    cause = PermissionError(errno.EACCES, "x")
    with pytest.raises(ReadOnlyError) as caught, translated(PATH, writing=True):
        raise cause
    assert caught.value.__cause__ is cause

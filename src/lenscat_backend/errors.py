"""The whole tree of Lenscat's exceptions: each branch says what the caller can do about it.

The message of every error says what is wrong and what to do, in words fit for a user; it never holds a path of the
host. `api` maps the branches to HTTP statuses and `cli` to exit codes, each in one table.
"""

from __future__ import annotations


class LenscatError(Exception):
    """Root of all errors that Lenscat raises on purpose."""


class NotFoundError(LenscatError):
    """The thing asked for does not exist: check the path, or reload the folder."""


class InvalidError(LenscatError):
    """The request itself is wrong: correct it before trying again."""


class InvalidPathError(InvalidError):
    """A library path that is malformed (``..``, an empty segment, a NUL, a leading slash)."""


class InvalidQueryError(InvalidError):
    """A search query that does not parse; `column` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


class InvalidSidecarError(InvalidError):
    """A sidecar sent by a client whose fields have the wrong type or size."""


class TooLargeError(InvalidError):
    """A request body over the limit."""


class SettingsError(InvalidError):
    """A setting, argument or library location that cannot be used as given."""


class ForbiddenError(LenscatError):
    """Not allowed here: no retry will help until a permission or a setting changes."""


class ReadOnlyError(ForbiddenError):
    """The library, or this place in it, cannot be written."""


class OutsideLibraryError(ForbiddenError):
    """The path leads out of the library, through a symbolic link for example."""


class ConflictError(LenscatError):
    """Somebody else changed the thing meanwhile: read it again, merge, try again."""


class VersionMismatchError(ConflictError):
    """A conditional write whose condition no longer holds; nothing was written."""


class AlreadyExistsError(ConflictError):
    """A create-only write of something that exists; nothing was written."""


class SidecarDamagedError(ConflictError):
    """A sidecar on disk that is not valid JSON: it is never overwritten; mend or remove the file first."""


class SidecarNewerError(ConflictError):
    """A sidecar of a later format than this version knows: it is never rewritten; update Lenscat first."""


class BrokenLinkError(ConflictError):
    """A link that leads nowhere stands where a file should be written: mend or remove the link first."""


class UnsupportedError(LenscatError):
    """Something Lenscat does not handle."""


class UnsupportedImageError(UnsupportedError):
    """Bytes or a name that are not one of the supported image formats."""


class CorruptError(LenscatError):
    """Stored bytes that cannot be understood."""


class BrokenPointerError(CorruptError):
    """A pointer file that does not say where it leads, or leads in a circle: correct it."""


class CorruptImageError(CorruptError):
    """An image that cannot be decoded."""


class ImageTooLargeError(CorruptError):
    """An image that claims more pixels or bytes than the configured limit; it was not decoded."""


class TransientError(LenscatError):
    """It may work later: try again after `retry_after_s` seconds."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class BusyError(TransientError):
    """A bounded queue or a lock is full or held."""


class PictureGoneError(NotFoundError):
    """The picture, with its folder, was renamed or removed while it was edited: nothing was saved."""


class UnreachableError(TransientError):
    """The library's place (disk, mount, bucket) cannot be reached; it is not empty, it is unreachable."""

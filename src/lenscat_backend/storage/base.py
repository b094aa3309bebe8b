"""The one store interface: a place that holds files under library paths.

It is coarse-grained on purpose: a folder's names, sizes, times and ETags come from one call, never from a call a file.
Two kinds of token tell versions apart. An `Entry.etag` comes with a listing and says *whether to look again*; it is
cheap (on a local disk: size, times and inode). A `Blob.version` comes with the bytes and is the condition of a
*conditional write*; on a local disk it is the hash of the bytes, in an object store the ETag. Both are opaque.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from lenscat_backend.errors import LenscatError
from lenscat_backend.models.paths import LibraryPath


class Entry(NamedTuple):
    """One name in a folder.

    `changed_ns` is when the file system last changed anything about the file, 0 where the store does not tell.
    `size` is in bytes and `mtime_ns` in nanoseconds since 1970 (both 0 for a folder). `settled` is False where the
    entry changed so recently that a second change within the clock's tick could carry the same `etag`: whoever keeps
    the etag must look again next time.
    """

    name: str
    is_folder: bool
    size: int
    mtime_ns: int
    etag: str
    settled: bool
    changed_ns: int = 0

    @property
    def newest_ns(self) -> int:
        """When the bytes under this name became these: a file moved here, or given an old time, is as new as that."""
        return max(self.mtime_ns, self.changed_ns)


class Listing(NamedTuple):
    """One folder: its entries in no particular order, and the folder's own etag ("" where the store has none).

    The folder's etag changes whenever an entry is added, renamed or removed. `problems` names entries that exist but
    cannot be shown, with the reason (a link out of the library, a name the store refuses). Where the folder is a
    pointer, `label` is what it is to be called and `error` what is wrong with its target, else both are "".
    """

    entries: tuple[Entry, ...]
    etag: str
    problems: tuple[str, ...] = ()
    label: str = ""
    error: str = ""


Report = Callable[[str], None]


def ignore(problem: str) -> None:
    """A `Report` for those who do not want to know."""


class Blob(NamedTuple):
    """A whole small file: its bytes, its version for a conditional write, and its listing etag and time.

    `source` is the etag of what it was made from, "" where its writer did not say or the store does not keep that.
    """

    data: bytes
    version: str
    etag: str
    mtime_ns: int
    source: str = ""


class RangeReader(Protocol):
    """A file's bytes, by ranges. Not for several threads at once."""

    @property
    def size(self) -> int:
        """In bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Bytes `offset` to `offset + length` (end excluded), fewer at the end of the file, b"" beyond it.

        Raises `OSError` as it comes, or what the store's own calls raise.
        """
        ...


class OpenedFile(RangeReader, Protocol):
    """One file, open for reading, as it was when it was opened; a context manager."""

    @property
    def etag(self) -> str:
        """As `Entry.etag`."""
        ...

    @property
    def mtime_ns(self) -> int:
        """As `Entry.mtime_ns`."""
        ...

    def stream(self, offset: int, length: int) -> Iterator[bytes]:
        """The same range in chunks of at most 1 MiB, for sending on."""
        ...

    def on_disk(self) -> Path:
        """A path on this machine with the file's bytes, good until `close`; from a remote place it is downloaded."""
        ...

    def close(self) -> None:
        """Give everything back; harmless a second time."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store can do.

    `folder_etag`: `Listing.etag` is meaningful, so an unchanged folder is known without listing it.
    `writable`: writes are allowed by configuration (they may still fail). `remote`: every call is a request that takes
    milliseconds and may cost money, so that nobody asks twice for what a listing has told.
    """

    folder_etag: bool
    writable: bool
    remote: bool = False


class Store(Protocol):
    """A place. All calls may raise `UnreachableError` (place gone or failing) and `ForbiddenError` (no permission).

    Calls block: whoever serves others meanwhile makes them in threads. They may come from several threads at once.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this store can do; constant for its lifetime."""
        ...

    def describe(self) -> str:
        """A short text for health pages and logs, without secrets and without a path of the host."""
        ...

    def local_path(self, path: LibraryPath) -> Path | None:
        """Where the file lies on this machine's disk, or None for a remote place; does not touch the disk."""
        ...

    def list_folder(self, folder: LibraryPath) -> Listing:
        """The entries of `folder`. `NotFoundError` where there is no such folder."""
        ...

    def list_pages(self, folder: LibraryPath, report: Report = ignore) -> Iterator[Sequence[Entry]]:
        """The entries of `folder` in parts; where the store is remote a request each, and in key order.

        Key order is by UTF-8 bytes, a folder as ``name/``. `report` hears of what cannot be shown, as
        `Listing.problems` says it. `NotFoundError`, at the first step, where there is no such folder.
        """
        ...

    def walk(self) -> Iterator[tuple[LibraryPath, Sequence[Entry]]]:
        """Every folder that can be read, in no order, with its files and perhaps its folders; a large one in parts.

        Links to folders are not followed.
        """
        ...

    def peek(self, folder: LibraryPath) -> Sequence[str]:
        """The names in `folder`, or the first thousand where more would cost more. `NotFoundError` where none is."""
        ...

    def quick_folder_etag(self, folder: LibraryPath) -> str:
        """The etag that a listing of `folder` would have, "" where it cannot be had for next to nothing."""
        ...

    def quick_etag(self, path: LibraryPath) -> str | None:
        """A file's etag at the least cost, None where it cannot be had; to compare with one that another call gave."""
        ...

    def identity(self) -> str:
        """Tells the place from another under the same name: a disk mounted there, or not. "" where that cannot be."""
        ...

    def stat(self, path: LibraryPath) -> Entry:
        """The entry of one file or folder. `NotFoundError` where nothing is there."""
        ...

    def read(self, path: LibraryPath, max_bytes: int) -> Blob:
        """The whole of a small file. `TooLargeError` above `max_bytes`, `NotFoundError` where missing."""
        ...

    def read_range(self, path: LibraryPath, offset: int, length: int) -> bytes:
        """Bytes `offset` to `offset + length` (end excluded), fewer at the end of the file, b"" beyond it."""
        ...

    def open(self, path: LibraryPath, entry: Entry | None = None) -> OpenedFile:
        """The file, open for reading. `NotFoundError` where missing or a folder.

        Where a listing has told its `entry`, a remote store believes it and asks nothing now: what is read later fails
        with `VersionMismatchError` if the file is no longer that one.
        """
        ...

    def signed_url(self, path: LibraryPath, expires_s: float) -> str:
        """An address where anybody can read the file until it expires; made without a request, also if it is missing.

        `UnsupportedError` where this store hands out none.
        """
        ...

    def open_each(self, folder: LibraryPath, entries: Sequence[Entry]) -> Iterator[RangeReader | LenscatError]:
        """Files of one folder that a listing has just told, in their order, each good until the next is asked for.

        The way to read the heads of many pictures: a remote store asks for many at once. An error stands in the place
        of its file.
        """
        ...

    def read_each(
        self, folder: LibraryPath, entries: Sequence[Entry], max_bytes: int
    ) -> Iterator[bytes | LenscatError]:
        """The same for whole small files; `TooLargeError` stands for one above `max_bytes`."""
        ...

    def write(
        self,
        path: LibraryPath,
        data: bytes,
        *,
        if_version: str | None = None,
        create_only: bool = False,
        durable: bool = True,
        source: str = "",
    ) -> Blob:
        """Write a whole file atomically: a reader sees the old bytes or the new, never a part.

        With `if_version`: only where the file's version is that (`VersionMismatchError`, `NotFoundError`). With
        `create_only`: only where no file is there (`AlreadyExistsError`). The check and the write are one atomic step
        against every other Lenscat writer. `durable` flushes to the disk before returning (sidecars), without it a
        power cut may lose the write or leave the file empty (caches, whose readers check what they read). A remote
        store keeps `source` with the file, see `Blob`. Missing parent folders are made.
        """
        ...

    def delete(self, path: LibraryPath, *, if_version: str | None = None) -> None:
        """Remove one file. `NotFoundError` where missing, `VersionMismatchError` as for `write`."""
        ...

    def write_chunks(self, path: LibraryPath, chunks: Iterable[bytes]) -> None:
        """Write a large file atomically as its chunks come, without a condition and not durably.

        An error that making the chunks raises leaves the old file as it is.
        """
        ...

    def conditions_problem(self) -> str | None:
        """Why writes on a condition cannot be trusted here, or None: a remote store is tried, with a few requests."""
        ...

    def sweep(self, folder: LibraryPath) -> Sequence[str]:
        """Remove what a crash left of our own unfinished writes in `folder`; returns the names removed."""
        ...

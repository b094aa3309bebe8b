"""One SQLite file: a single writer thread in short transactions, readers apart."""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from lenscat_backend.catalog.checkpoints import Checkpointer
from lenscat_backend.catalog.schema import SCHEMA_VERSION, TABLES
from lenscat_backend.errors import BusyError, SettingsError

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT_MS = 30_000
READERS = 3
_DAMAGED = (apsw.CorruptError, apsw.NotADBError)
_CACHE_KIB_WRITER = 24_000
_CACHE_KIB_READER = 6_000


class Database:
    """The catalog's file, open for one process; other processes may have it open too (WAL).

    A file that is damaged, of another schema version or no database at all is wiped and made anew: nothing but time
    is lost. All connections are opened at once, so that a file deleted under a running server goes on serving it.
    `prepare` gets a file that was made anew under a running server, in a transaction.
    """

    def __init__(self, path: Path, prepare: Callable[[apsw.Connection], None] = lambda connection: None) -> None:
        self.path = path
        self._prepare = prepare
        self._times_made_anew = 0
        self._writer = _open_or_rebuild(path)
        self._checkpointer = Checkpointer(path)
        self._writer.set_wal_hook(self._checkpointer.grown)
        self._readers: queue.SimpleQueue[apsw.Connection] = queue.SimpleQueue()
        for _ in range(READERS):
            self._readers.put(_connect(path, _CACHE_KIB_READER))
        self._write_pool = ThreadPoolExecutor(1, "catalog-write")
        self._read_pool = ThreadPoolExecutor(READERS, "catalog-read")

    async def write(self, work: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kw: P.kwargs) -> T:
        """Run `work(connection, ...)` in one transaction on the writer thread; it commits, or raises and rolls back."""
        return await self._run(self._write_pool, lambda: self._in_transaction(work, *args, **kw))

    async def read(self, work: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kw: P.kwargs) -> T:
        """Run `work(connection, ...)` on a reader thread, on one consistent snapshot."""
        return await self._run(self._read_pool, lambda: self._in_snapshot(work, *args, **kw))

    def connect(self) -> apsw.Connection:
        """Another connection, to read outside any snapshot; whoever gets it closes it."""
        return _connect(self.path, _CACHE_KIB_READER)

    def close(self) -> None:
        """Wait for what runs and close every connection; the file stays."""
        self._read_pool.shutdown(cancel_futures=True)
        self._write_pool.shutdown()
        self._checkpointer.close()
        while not self._readers.empty():
            self._readers.get().close()
        self._writer.close()

    async def empty_log(self) -> None:
        """Give back the disk space of the write-ahead log, where nobody needs it right now."""
        await asyncio.to_thread(self._checkpointer.empty)

    def size_bytes(self) -> int:
        """Size of the file and its write-ahead log, in bytes."""
        return sum(_size(path) for path in _files(self.path)[:2])

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        loop, before = asyncio.get_running_loop(), self._times_made_anew
        try:
            return await loop.run_in_executor(pool, work)
        except _DAMAGED as error:
            await loop.run_in_executor(self._write_pool, self._make_anew, before)
            raise BusyError("The catalog was damaged and is being made anew: try again in a moment.") from error

    def _make_anew(self, times_before: int) -> None:
        """On the writer thread: wipe the file, unless somebody did it since it had been made anew `times_before`."""
        if self._times_made_anew != times_before:
            return
        readers = [self._readers.get() for _ in range(READERS)]
        try:
            for connection in (*readers, self._writer):
                connection.close(True)
            self._writer = _wipe_and_open(self.path)
            self._writer.set_wal_hook(self._checkpointer.grown)
            self._in_transaction(self._prepare)
            readers = [_connect(self.path, _CACHE_KIB_READER) for _ in readers]
            self._times_made_anew += 1
        finally:
            for reader in readers:
                self._readers.put(reader)

    def _in_transaction(self, work: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kw: P.kwargs) -> T:
        with _translated():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                result = work(self._writer, *args, **kw)
            except BaseException:
                if self._writer.in_transaction:  # a full disk has ended it already
                    self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")
            return result

    def _in_snapshot(self, work: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kw: P.kwargs) -> T:
        connection = self._readers.get()
        try:
            with _translated():
                connection.execute("BEGIN")
                try:
                    return work(connection, *args, **kw)
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
        finally:
            self._readers.put(connection)


def _open_or_rebuild(path: Path) -> apsw.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"The cache directory cannot be made ({error.strerror}): set LENSCAT_CACHE_DIR to a place you can write."
        ) from error
    try:
        return _open(path)
    except (apsw.NotADBError, apsw.CorruptError, apsw.SQLError, apsw.SchemaChangeError):
        return _wipe_and_open(path)
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError, apsw.IOError) as error:
        raise SettingsError(
            "The catalog cannot be opened in the cache directory: set LENSCAT_CACHE_DIR to a place you can write."
        ) from error


def _wipe_and_open(path: Path) -> apsw.Connection:
    for file in _files(path):
        file.unlink(missing_ok=True)
    return _open(path)


def _open(path: Path) -> apsw.Connection:
    connection = _connect(path, _CACHE_KIB_WRITER)
    try:
        connection.execute("BEGIN IMMEDIATE")  # two servers that start at once: one makes the tables, the other waits
        _ensure_tables(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.close(True)
        raise
    return connection


def _ensure_tables(connection: apsw.Connection) -> None:
    version = connection.pragma("user_version")
    if version == SCHEMA_VERSION:
        return
    if version != 0 or connection.execute("SELECT count(*) FROM sqlite_schema").get:
        raise apsw.SchemaChangeError(f"schema {version}")
    connection.execute(TABLES)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def _connect(path: Path, cache_kib: int) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")  # a power cut may lose the last commits: the next scan finds them
    connection.execute(f"PRAGMA cache_size=-{cache_kib}")
    connection.execute("PRAGMA temp_store=MEMORY")
    return connection


def _files(path: Path) -> tuple[Path, Path, Path]:
    return path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise BusyError("The catalog is busy with another process's work: try again.") from error
    except apsw.FullError as error:
        raise BusyError("The disk that holds the cache is full: free some space and try again.") from error

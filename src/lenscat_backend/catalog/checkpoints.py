"""Moving the write-ahead log into the database file, beside the writer instead of in its transactions."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw

_log = logging.getLogger("lenscat")
LOG_PAGES = 8_000
"""A log of 32 MiB: a scan changes the same pages again and again, and each checkpoint waits for the disk."""


class Checkpointer:
    """Checkpoints of one database, in a thread of their own, one at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "catalog-checkpoint")
        self._busy = threading.Lock()

    def grown(self, connection: apsw.Connection, name: str, pages: int) -> int:
        """The writer's hook (`sqlite3_wal_hook`): called after each commit with the length of the log in pages."""
        if pages >= LOG_PAGES and self._busy.acquire(blocking=False):
            self._thread.submit(self._checkpoint)
        return apsw.SQLITE_OK

    def empty(self) -> None:
        """Move all of it and give the space back, unless somebody reads or writes right now; waits for the disk."""
        self._thread.submit(self._run, apsw.SQLITE_CHECKPOINT_TRUNCATE).result()

    def close(self) -> None:
        """Wait for the one that runs."""
        self._thread.shutdown()

    def _checkpoint(self) -> None:
        """Move what no reader needs any more. PASSIVE: neither readers nor the writer wait for it."""
        try:
            self._run(apsw.SQLITE_CHECKPOINT_PASSIVE)
        finally:
            self._busy.release()

    def _run(self, mode: int) -> None:
        try:
            connection = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READWRITE)
            try:
                connection.wal_checkpoint(mode=mode)
            finally:
                connection.close()
        except apsw.Error as error:
            _log.debug("The catalog's log could not be moved now, and is after a later write: %s", error)

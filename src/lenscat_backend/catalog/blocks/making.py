"""Makes one block in a process of its own: a server goes on answering meanwhile, and its memory stays small.

Run as ``python -m lenscat_backend.catalog.blocks.making CATALOG LEAST``; see `storing.make_block` for what is made. It
says nothing, and exits with 0 where a block was made, 3 where there was none to make, and else with 1.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import apsw

from lenscat_backend.catalog.blocks import storing

_NOTHING = 3
_BUSY_TIMEOUT_MS = 60_000
_NICENESS = 5


def make_apart(path: Path, least: int) -> bool:
    """Make a block of the catalog at `path` in another process, and wait for it; whether there was one to make."""
    ended = subprocess.run([sys.executable, "-m", __name__, str(path), str(least)], stdin=subprocess.DEVNULL)
    return ended.returncode == 0


def make(path: Path, least: int) -> bool:
    """Make a block of the catalog at `path` and store it; whether there was one to make."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(_BUSY_TIMEOUT_MS)
    connection.execute("PRAGMA temp_store=MEMORY; PRAGMA synchronous=NORMAL")
    try:
        connection.execute("BEGIN")
        made = storing.make_block(connection, least)
        connection.execute("COMMIT")
        if made is None:
            return False
        connection.execute("BEGIN IMMEDIATE")
        stored = storing.store_block(connection, made)
        connection.execute("COMMIT")
        return stored
    finally:
        connection.close()


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    sys.exit(0 if make(Path(sys.argv[1]), int(sys.argv[2])) else _NOTHING)

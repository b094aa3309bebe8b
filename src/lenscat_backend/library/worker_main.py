"""A scan worker: a process of its own that looks at folders. Started by `library.workers`, never by hand.

Requests and replies are pickles over pipes, so that only processes of the same program talk to each other.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from lenscat_backend.catalog.records import FolderUpdate, KnownItem
from lenscat_backend.errors import LenscatError
from lenscat_backend.library.probe import Disks, list_folder, updates_of
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.storage.local import LocalDisk


class DiskSpec(NamedTuple):
    """How a worker opens a library's disks."""

    base: str
    upper: str | None
    follow_outside: bool


class FolderTask(NamedTuple):
    """Look at one folder. Without `known` an unchanged `fingerprint` ends the work, and a change is only reported."""

    path: LibraryPath
    fingerprint: bytes | None
    known: dict[str, KnownItem] | None


class FolderReply(NamedTuple):
    """`state`: "part" (more follow), "done", "unchanged", "changed" (ask again with `known`) or "failed"."""

    state: str
    update: FolderUpdate | None = None
    error: LenscatError | None = None


def main() -> None:
    """Serve requests from standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent, which ends us by closing the pipe
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not garble the replies
    disks = open_disks(pickle.load(requests))
    while True:
        try:
            tasks: list[FolderTask] = pickle.load(requests)
        except EOFError:
            return
        for task in tasks:
            _serve(disks, task, replies)
        replies.flush()


def open_disks(spec: DiskSpec) -> Disks:
    """The disks of `spec`."""
    base = LocalDisk(Path(spec.base), writable=False, follow_outside=spec.follow_outside)
    upper = None if spec.upper is None else LocalDisk(Path(spec.upper), writable=False)
    return Disks(base, upper)


def _serve(disks: Disks, task: FolderTask, replies: BinaryIO) -> None:
    try:
        for reply in look_at(disks, task):
            pickle.dump(reply, replies, pickle.HIGHEST_PROTOCOL)
    except LenscatError as error:
        pickle.dump(FolderReply("failed", None, error), replies, pickle.HIGHEST_PROTOCOL)


def look_at(disks: Disks, task: FolderTask) -> Iterator[FolderReply]:
    """Do one task: the replies, of which the last one is final."""
    listing = list_folder(disks, task.path)
    if task.known is None:
        same = task.fingerprint is not None and task.fingerprint == listing.fingerprint
        yield FolderReply("unchanged" if same else "changed")
        return
    for update in updates_of(disks, task.path, listing, task.known):
        yield FolderReply("done" if update.complete else "part", update)


if __name__ == "__main__":
    main()

"""A scan worker: a process of its own that looks at folders. Started by `library.workers`, never by hand.

Requests and replies are pickles over pipes, so that only processes of the same program talk to each other.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
from typing import BinaryIO

from lenscat_backend.library.place import Place
from lenscat_backend.library.scan_tasks import FolderReply, FolderTask, look_or_fail, open_place

NICE = 5
"""Below the server: whoever opens a folder does not wait for a scan, nor does the writer that stores what it finds."""


def main() -> None:
    """Serve requests from standard input until it ends."""
    os.nice(NICE)
    gc.freeze()
    gc.set_threshold(100_000)  # rows are plain tuples in no cycles: looking for some costs a twentieth of the work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent, which ends us by closing the pipe
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not garble the replies
    place = open_place(pickle.load(requests))
    pickle.dump(FolderReply("ready"), replies)
    replies.flush()
    while True:
        try:
            tasks: list[FolderTask] = pickle.load(requests)
        except EOFError:
            return
        for task in tasks:
            _serve(place, task, replies)
        replies.flush()


def _serve(place: Place, task: FolderTask, replies: BinaryIO) -> None:
    for reply in look_or_fail(place, task):
        pickle.dump(reply, replies, pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    main()

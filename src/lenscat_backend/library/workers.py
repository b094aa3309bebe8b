"""Processes that look at folders for a large scan, so that it uses every core and never holds up the server."""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence

from lenscat_backend.errors import TransientError
from lenscat_backend.library.scan_tasks import DiskSpec, FolderReply, FolderTask

_MODULE = "lenscat_backend.library.worker_main"
_FINAL = frozenset(("done", "unchanged", "changed", "elsewhere", "failed"))


class ScanWorker:
    """One worker process. It ends when it is closed, or when this process dies and the pipe with it."""

    def __init__(self, spec: DiskSpec) -> None:
        # A group of its own: the terminal's Ctrl-C goes to the parent only, which ends its workers.
        self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
        )
        self._send(spec)

    def wait_until_ready(self) -> None:
        """Block until the worker has started; `TransientError` if it dies instead."""
        self._reply()

    def look(self, tasks: Sequence[FolderTask], on_reply: Callable[[FolderTask, FolderReply], None]) -> None:
        """Have the worker do `tasks` in order and hand on every reply. Blocks; `TransientError` if the worker dies."""
        self._send(list(tasks))
        for task in tasks:
            reply = FolderReply("part")
            while reply.state not in _FINAL:
                reply = self._reply()
                on_reply(task, reply)

    def close(self) -> None:
        """End the process and wait for it; a thread that waits in `look` gets its `TransientError`."""
        self._process.terminate()  # before the pipes: closing one that a thread reads from would wait for that thread
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _reply(self) -> FolderReply:
        assert self._process.stdout is not None
        try:
            reply: FolderReply = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError) as error:
            raise TransientError("A scan worker ended before its work was done.") from error
        return reply

    def _send(self, message: object) -> None:
        requests = self._process.stdin
        assert requests is not None
        try:
            pickle.dump(message, requests, pickle.HIGHEST_PROTOCOL)
            requests.flush()
        except OSError as error:
            raise TransientError("A scan worker ended before its work was done.") from error

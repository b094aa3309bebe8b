"""The one queue for drawing work: bounded, what a user looks at first, each piece once, cancellable."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from typing import Generic, TypeVar

from lenscat_backend.errors import BusyError

T = TypeVar("T")
MAX_WAITING = 5000


class Priority(IntEnum):
    """What goes first."""

    LOOKED_AT = 0
    BACKGROUND = 10


@dataclass(slots=True)
class _Job(Generic[T]):
    key: Hashable
    work: Callable[[], T]
    result: asyncio.Future[T]
    priority: Priority
    waiters: int = 0
    started: bool = False
    done: bool = field(default=False)


class WorkQueue(Generic[T]):
    """Runs work in `threads` threads. Of what a user looks at the newest goes first, of background work the oldest."""

    def __init__(self, threads: int, max_waiting: int = MAX_WAITING) -> None:
        self.threads = threads
        self._max_waiting = max_waiting
        self._pool = ThreadPoolExecutor(threads, "draw")
        self._heap: list[tuple[int, int, _Job[T]]] = []
        self._jobs: dict[Hashable, _Job[T]] = {}
        self._count = itertools.count()
        self._running = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """Jobs that have not started."""
        return len(self._jobs) - self._running

    @property
    def running(self) -> int:
        """Jobs in a thread right now."""
        return self._running

    async def run(self, key: Hashable, work: Callable[[], T], priority: Priority) -> T:
        """The result of `work`, which is shared with everyone who asks for the same `key` meanwhile.

        A caller that is cancelled leaves the others waiting; work that nobody waits for any more is not started.
        `BusyError` where too much is waiting.
        """
        job = self._jobs.get(key)
        if job is None:
            job = self._add(key, work, priority)
        elif priority < job.priority and not job.started:
            job.priority = priority
            self._push(job)
        job.waiters += 1
        try:
            return await asyncio.shield(job.result)
        finally:
            job.waiters -= 1
            if not job.waiters and not job.started:
                self._drop(job)

    async def close(self) -> None:
        """Drop what waits and wait for what runs; nothing is started any more."""
        self._closed = True
        for job in list(self._jobs.values()):
            if not job.started:
                self._drop(job)
        await asyncio.to_thread(self._pool.shutdown)

    def _add(self, key: Hashable, work: Callable[[], T], priority: Priority) -> _Job[T]:
        if self.waiting >= self._max_waiting and priority is not Priority.LOOKED_AT:
            raise BusyError("Too many pictures wait to be drawn: try again in a moment.", 2.0)
        if self.waiting >= 2 * self._max_waiting:
            raise BusyError("Too many pictures wait to be drawn: try again in a moment.", 2.0)
        job = _Job(key, work, asyncio.get_running_loop().create_future(), priority)
        self._jobs[key] = job
        self._push(job)
        self._start_some()
        return job

    def _push(self, job: _Job[T]) -> None:
        number = next(self._count)
        heapq.heappush(self._heap, (job.priority, -number if job.priority is Priority.LOOKED_AT else number, job))

    def _start_some(self) -> None:
        while self._running < self.threads and self._heap and not self._closed:
            job = heapq.heappop(self._heap)[2]
            if job.started or job.done:
                continue  # dropped, or pushed a second time with a higher priority
            job.started = True
            self._running += 1
            future = asyncio.get_running_loop().run_in_executor(self._pool, job.work)
            future.add_done_callback(partial(self._finish, job))

    def _finish(self, job: _Job[T], done: asyncio.Future[T]) -> None:
        self._running -= 1
        job.done = True
        self._jobs.pop(job.key, None)
        if not job.result.done():
            if done.cancelled():
                job.result.cancel()
            elif (error := done.exception()) is not None:
                job.result.set_exception(error)
                job.result.exception()  # nobody may be waiting any more: not worth a warning
            else:
                job.result.set_result(done.result())
        self._start_some()

    def _drop(self, job: _Job[T]) -> None:
        job.done = True
        job.result.cancel()
        if self._jobs.get(job.key) is job:
            del self._jobs[job.key]

"""Threads for calls that wait: for a disk, a bucket, another program's lock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

WAITING_CALLS = 64
"""Such calls at once: they wait far more than they work, and one slow disk must not stop the calls to all others."""
_POOL = ThreadPoolExecutor(WAITING_CALLS, "lenscat-store")


async def in_thread(call: Callable[P, T], *args: P.args, **kw: P.kwargs) -> T:
    """What `call` gives, made in a thread. Where the awaiting task is cancelled, a call that has begun goes on."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, partial(call, *args, **kw))

"""Trying background work again until it succeeds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from lenscat_backend.errors import LenscatError

_log = logging.getLogger("lenscat")
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0


async def until_done(
    work: Callable[[], Awaitable[object]], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Do `work`; whenever it fails, do it again after a wait that doubles each time, up to a minute."""
    wait = FIRST_WAIT_S
    while True:
        try:
            await work()
            return
        except LenscatError as error:
            _log.warning("%s Tried again in %.0f s.", error, wait)
        except Exception:  # a defect in one scan shall not end all scans
            _log.exception("Background work failed. Tried again in %.0f s.", wait)
        await sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT_S)

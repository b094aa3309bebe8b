"""When to try a failed request again, for those requests that the client library must not repeat by itself."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from lenscat_backend.storage.object_errors import CLIENT_ERRORS, Trouble, understand

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and after what pauses, in seconds: each twice as long as the one before, less a random part.

    Nothing is tried again once `window_s` have passed since the first attempt: somebody waits for it.
    """

    retries: int = 5
    first_delay_s: float = 0.1
    longest_delay_s: float = 5.0
    window_s: float = 20.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def delays_s(self) -> Iterator[float]:
        """The pause before each retry."""
        for number in range(self.retries):
            longest = min(self.first_delay_s * 2.0**number, self.longest_delay_s)
            yield longest * random.uniform(0.5, 1.0)

    def persist(self, attempt: Callable[[], T], may_pass: Callable[[Trouble], bool]) -> T:
        """What `attempt` gives, tried again after errors of which `may_pass` says so."""
        end = self.clock() + self.window_s
        for delay_s in self.delays_s():
            try:
                return attempt()
            except CLIENT_ERRORS as error:
                if not may_pass(understand(error)) or self.clock() + delay_s > end:
                    raise
                self.sleep(delay_s)
        return attempt()

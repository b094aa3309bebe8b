"""How many requests an object store was asked, how many bytes went either way, and about what that costs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple

Kind = Literal["LIST", "GET", "HEAD", "PUT", "DELETE"]
"""What a bill tells apart; PUT counts every step of a multipart upload too."""

KINDS: tuple[Kind, ...] = ("LIST", "GET", "HEAD", "PUT", "DELETE")

_S3_PER_1000: Mapping[Kind, float] = MappingProxyType(
    {"LIST": 0.005, "GET": 0.0004, "HEAD": 0.0004, "PUT": 0.005, "DELETE": 0.0}
)


class Tally(NamedTuple):
    """What one kind of request came to; bytes are those of objects, without headers and listings."""

    requests: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Prices:
    """What requests and bytes cost, in `currency`.

    The defaults are S3 us-east-1 list prices of the Standard class: USD per 1,000 requests by kind, and per GB
    (10^9 bytes) sent to the internet within the first 10 TB of a month. Traffic within a region costs nothing.
    """

    per_1000: Mapping[Kind, float] = field(default_factory=lambda: _S3_PER_1000)
    per_gb_received: float = 0.09
    currency: str = "USD"

    def cost(self, tallies: Mapping[Kind, Tally]) -> float:
        """The estimate for `tallies`: an upper bound where the traffic stays within the store's region."""
        requests = sum(tally.requests * self.per_1000.get(kind, 0.0) for kind, tally in tallies.items()) / 1000
        return requests + sum(tally.received_bytes for tally in tallies.values()) * self.per_gb_received / 1e9


class RequestCounter:
    """Counts requests by kind; for several threads at once.

    What is counted is each request that we make. Where the client library repeats one of its own accord, after a
    fault, the repetition is not seen; and how many requests it made for a listing is reckoned from its length.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies: dict[Kind, Tally] = dict.fromkeys(KINDS, Tally())

    def add(self, kind: Kind, requests: int = 1, *, received_bytes: int = 0, sent_bytes: int = 0) -> None:
        """Count `requests` more of `kind`, and what they moved."""
        with self._lock:
            old = self._tallies[kind]
            self._tallies[kind] = Tally(
                old.requests + requests, old.received_bytes + received_bytes, old.sent_bytes + sent_bytes
            )

    def tallies(self) -> dict[Kind, Tally]:
        """A copy of what was counted so far, with every kind."""
        with self._lock:
            return dict(self._tallies)

    def requests(self) -> dict[Kind, int]:
        """The number of requests so far, only of the kinds that occurred."""
        return {kind: tally.requests for kind, tally in self.tallies().items() if tally.requests}

"""What object stores were asked so far, for health pages and the log."""

from __future__ import annotations

import logging

from lenscat_backend.storage.object_requests import Prices, RequestCounter

_log = logging.getLogger("lenscat")


def figures_of(requests: RequestCounter, prices: Prices) -> dict[str, object] | None:
    """Requests by kind with their bytes, and an estimate of their price; None where there were none."""
    tallies = requests.tallies()
    by_kind = {kind: tally._asdict() for kind, tally in tallies.items() if tally.requests}
    if not by_kind:
        return None
    return {"by_kind": by_kind, "estimated_cost": round(prices.cost(tallies), 6), "currency": prices.currency}


def log_requests(requests: RequestCounter, prices: Prices) -> None:
    """One line after a scan, for whoever pays."""
    counts = requests.requests()
    if counts:
        said = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
        cost = prices.cost(requests.tallies())
        _log.info("Requests to object stores so far: %s; about %.4f %s.", said, cost, prices.currency)

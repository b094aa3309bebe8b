"""Medians, percentiles and the spread that says how much to believe them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def spread(values: Sequence[float]) -> float:
    """How far the rounds lie apart: (largest - smallest) / median; 0 for a single round."""
    middle = median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Round by round, ours over theirs: what disturbs a whole round disturbs both."""
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def noise_line(values: Sequence[float], what: str = "the bare loop") -> str:
    """How much the machine itself wavered, as seen by work that is none of ours."""
    if len(values) < 2:
        return "Noise: unknown, as there was one round only."
    return f"Noise: the rounds of {what} lie {spread(values):.0%} apart."

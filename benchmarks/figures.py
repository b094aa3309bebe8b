"""What a benchmark gives: figures with their targets, notes, and what to plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.stats import median, spread


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that a figure is held against."""

    bound: float
    at_least: bool = True

    def reached(self, value: float) -> bool:
        """Whether `value` is on the right side."""
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `spread` is None where there was one round only."""

    name: str
    value: float
    unit: str = ""
    target: Target | None = None
    spread: float | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        return None if self.target is None else self.target.reached(self.value)


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars (`x` holds labels) or lines (`x` holds numbers): each series has one value for each `x`."""

    title: str
    unit: str
    x: list[Any]
    series: dict[str, list[float]]
    x_label: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """The outcome of one benchmark."""

    name: str
    title: str
    figures: list[Figure]
    plots: list[Plot]
    notes: list[str] = field(default_factory=list)
    machine: str = ""
    date: str = ""


def figure_of(name: str, rounds: Sequence[float], unit: str = "", target: Target | None = None) -> Figure:
    """The median of `rounds`, with their spread."""
    return Figure(name, median(rounds), unit, target, spread(rounds) if len(rounds) > 1 else None)


def to_json(section: Section) -> dict[str, Any]:
    """A section as a JSON object."""
    return asdict(section)


def from_json(given: Mapping[str, Any]) -> Section:
    """The section that `to_json` wrote."""
    figures = [
        Figure(**(one | {"target": Target(**one["target"]) if one["target"] else None})) for one in given["figures"]
    ]
    return Section(**(dict(given) | {"figures": figures, "plots": [Plot(**one) for one in given["plots"]]}))

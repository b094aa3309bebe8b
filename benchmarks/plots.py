"""Plots of the figures, as SVG."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from benchmarks.figures import Plot, Section

_COLORS = ("#2f6f8f", "#c46a2b")


def draw_plots(section: Section, out: Path) -> list[Path]:
    """One file for each plot of the section; the same figures give the same bytes."""
    paths = []
    for number, plot in enumerate(section.plots):
        path = out / (f"{section.name}.svg" if not number else f"{section.name}-{number}.svg")
        with matplotlib.rc_context({"svg.hashsalt": section.name, "svg.fonttype": "none", "font.size": 10}):
            canvas = Canvas(figsize=(7, 3.2), layout="constrained")
            axes = canvas.add_subplot()
            axes.set_title(plot.title)
            axes.spines[["top", "right"]].set_visible(False)
            if plot.x and isinstance(plot.x[0], str):
                _draw_bars(axes, plot)
            else:
                _draw_lines(axes, plot)
            canvas.savefig(path, metadata={"Date": None, "Creator": None})
        paths.append(path)
    return paths


def _draw_bars(axes: Axes, plot: Plot) -> None:
    values = next(iter(plot.series.values()))
    bars = axes.barh(plot.x, values, color=_COLORS[0], height=0.6)
    axes.bar_label(bars, [f"{value:,.0f}" if value >= 100 else f"{value:.1f}" for value in values], padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel(plot.unit)


def _draw_lines(axes: Axes, plot: Plot) -> None:
    for color, (name, values) in zip(_COLORS, plot.series.items(), strict=False):
        axes.plot(plot.x, values, marker="o", color=color, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(plot.x, [f"{value:,}" for value in plot.x])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(plot.x_label)
    axes.set_ylabel(plot.unit)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)

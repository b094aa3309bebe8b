"""The outcome as a table on the terminal and as a page with plots."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, Section, from_json, to_json
from benchmarks.plots import draw_plots

_WIDTH = 120
_HOW = """# Benchmarks

Written by `make bench` (`python -m benchmarks`; `--quick` for small sizes, `--only NAME` for one of them,
`--photos DIR` for real photographs). A ratio compares two things of the same run, measured in
alternating rounds; figures are medians, and *spread* is how far their rounds lie apart: (largest - smallest) / median.
Absolute figures belong to the machine named with them.
"""


def print_section(section: Section) -> None:
    """The table of one benchmark, on standard output."""
    table = Table(title=section.title, title_justify="left")
    table.add_column("figure")
    for name in ("target", "measured", "spread", "reached"):
        table.add_column(name, justify="right")
    for figure in section.figures:
        table.add_row(*_cells(figure), style="red" if figure.reached is False else None)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    console.print(table)
    for note in section.notes:
        console.print(f"  {note}", highlight=False)


def write_report(out: Path, sections: Sequence[Section]) -> Path:
    """Put the sections into `results.json` in `out`, and write `results.md` and plots of all that it holds.

    A benchmark that was not run this time keeps its last figures, with their date.
    """
    out.mkdir(parents=True, exist_ok=True)
    store = out / "results.json"
    kept = json.loads(store.read_text(encoding="utf-8")) if store.exists() else []
    known = {one["name"]: from_json(one) for one in kept} | {section.name: section for section in sections}
    ordered = list(known.values())
    store.write_text(json.dumps([to_json(one) for one in ordered], indent=1, ensure_ascii=False) + "\n", "utf-8")
    parts = [_HOW, *(_markdown(section, draw_plots(section, out)) for section in ordered)]
    page = out / "results.md"
    page.write_text("\n".join(parts), encoding="utf-8")
    return page


def _markdown(section: Section, plots: Sequence[Path]) -> str:
    lines = [f"## {section.title}", "", "| figure | target | measured | spread | reached |", "|---|---:|---:|---:|---|"]
    lines += ["| " + " | ".join(_cells(figure)) + " |" for figure in section.figures]
    lines += ["", *(f"![{section.title}]({plot.name})" for plot in plots), ""]
    lines += [f"- {note}" for note in (*section.notes, f"{section.date}: {section.machine}")]
    return "\n".join(lines) + "\n"


def _cells(figure: Figure) -> tuple[str, str, str, str, str]:
    target = ""
    if figure.target is not None:
        sign = ">=" if figure.target.at_least else "<="
        target = f"{sign} {_number(figure.target.bound)} {figure.unit}".strip()
    reached = "" if figure.reached is None else "yes" if figure.reached else "no"
    apart = "" if figure.spread is None else f"{figure.spread:.0%}"
    return figure.name, target, f"{_number(figure.value)} {figure.unit}".strip(), apart, reached


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 20 else f"{value:.2f}"

"""Printing: plain lines or JSON to standard output, progress to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)


def print_json(value: object) -> None:
    """One JSON value on one line."""
    sys.stdout.buffer.write(orjson.dumps(value) + b"\n")
    sys.stdout.flush()


def print_line(text: str) -> None:
    """One line; control characters of file names are shown escaped, so that no name can steer a terminal."""
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    sys.stdout.write(shown + "\n")


@contextmanager
def progress_bars(quiet: bool) -> Iterator[Progress]:
    """Progress bars on standard error, where that is a terminal and `quiet` is not asked for."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True) as progress:
        yield progress

"""Running a command's work with an open library, and turning its errors into exit codes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import typer

from lenscat_backend.bootstrap import open_library
from lenscat_backend.cli.exits import INTERRUPTED, show_error
from lenscat_backend.errors import LenscatError
from lenscat_backend.library.library import Library
from lenscat_backend.settings import Settings, load_settings


def run_with_library(work: Callable[[Library], Awaitable[int]], as_json: bool, **given: Any) -> None:
    """Open the library that the arguments name, do `work`, and exit with the code that it returns."""
    run(lambda: _with_library(work, load_settings(**given)), as_json)


def run(work: Callable[[], Awaitable[int]], as_json: bool = False) -> None:
    """Do `work` and exit with the code it returns; errors are shown, and Ctrl-C ends it in order."""
    try:
        code = asyncio.run(_awaited(work))
    except LenscatError as error:
        code = show_error(error, as_json)
    except KeyboardInterrupt:
        code = INTERRUPTED
    raise typer.Exit(code)


async def _awaited(work: Callable[[], Awaitable[int]]) -> int:
    return await work()


async def _with_library(work: Callable[[Library], Awaitable[int]], settings: Settings) -> int:
    async with open_library(settings) as library:
        return await work(library)

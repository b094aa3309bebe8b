"""Open libraries, and what tests ask of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from lenscat_backend import Library

Opens = Callable[..., AbstractAsyncContextManager[Library]]


async def found(library: Library, query: str) -> list[str]:
    return [item.path async for item in library.search(query)]


async def errors_in(library: Library, folder: str = "") -> dict[str, str | None]:
    """What is said of each pointer in a folder."""
    dirs = (await library.folder(folder)).dirs
    return {entry.name: entry.get("error") for entry in dirs if entry.kind == "leaf-pointer"}

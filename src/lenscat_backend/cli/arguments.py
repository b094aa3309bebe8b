"""Arguments and options that several commands share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import typer

LIBRARY_HELP = (
    "The library: a folder, or a URL such as s3://bucket/prefix. Left out, the environment decides (LENSCAT_LIBRARY, "
    "else STORAGE_TYPE and LOCAL_ROOT)."
)

LibraryArgument = Annotated[str | None, typer.Argument(help=LIBRARY_HELP, show_default=False)]
RequiredLibrary = Annotated[str, typer.Argument(help="The library: a folder, or a URL such as s3://bucket/prefix.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts instead of text.")]
NoScan = Annotated[
    bool, typer.Option("--no-scan", help="Trust the catalog as it is: faster, but blind to recent changes.")
]


class LibraryOption(NamedTuple):
    """An option that says how a library is opened: the setting it stands for, its type, what its help says."""

    name: str
    kind: object
    help: str


LIBRARY_OPTIONS = (
    LibraryOption(
        "derived",
        Literal["beside", "cache"] | None,
        "Where thumbnails and manifests go: beside the pictures, or into the user's cache.",
    ),
    LibraryOption(
        "overlay", str | None, "A second folder that takes sidecars and thumbnails, for a read-only library."
    ),
    LibraryOption("read_only", bool | None, "Never write into the library."),
    LibraryOption("follow_links_outside", bool | None, "Follow symbolic links out of the library."),
    LibraryOption(
        "pointer_roots", str | None, "Folders outside the library that pointers may lead to, separated as in PATH."
    ),
    LibraryOption("cache_dir", Path | None, "Where the catalog is kept. It can be deleted at any moment."),
)
"""The same for every command, because all commands on a library share its catalog."""


def opens_library(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command whose last parameter is ``**given`` the `LIBRARY_OPTIONS` in its place; None: left out."""
    signature = inspect.signature(command, eval_str=True)
    own = [part for part in signature.parameters.values() if part.kind is not part.VAR_KEYWORD]
    options = [
        inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_annotation(option))
        for option in LIBRARY_OPTIONS
    ]
    changed = signature.replace(parameters=[*own, *options])
    command.__signature__ = changed  # type: ignore[attr-defined] # read by inspect, but typeshed's Callable lacks it
    return command


def _annotation(option: LibraryOption) -> object:
    flag = f"--{option.name.replace('_', '-')}"
    return Annotated[option.kind, typer.Option(flag, help=option.help, show_default=False)]

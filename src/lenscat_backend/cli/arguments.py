"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

LIBRARY_HELP = (
    "The library: a folder, or a URL such as file:///pictures. Left out, the environment decides (LOCAL_ROOT)."
)

LibraryArgument = Annotated[str | None, typer.Argument(help=LIBRARY_HELP, show_default=False)]
RequiredLibrary = Annotated[str, typer.Argument(help="The library: a folder, or a URL such as file:///pictures.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts instead of text.")]
DerivedOption = Annotated[
    Literal["beside", "cache"] | None,
    typer.Option("--derived", help="Where thumbnails and manifests go: beside the pictures, or into the user's cache."),
]
OverlayOption = Annotated[
    str | None,
    typer.Option("--overlay", help="A second folder that takes sidecars and thumbnails, for a read-only library."),
]
ReadOnlyOption = Annotated[
    bool | None, typer.Option("--read-only", help="Never write into the library.", show_default=False)
]
FollowOption = Annotated[
    bool | None,
    typer.Option("--follow-links-outside", help="Follow symbolic links out of the library.", show_default=False),
]
CacheOption = Annotated[
    Path | None,
    typer.Option("--cache-dir", help="Where the catalog is kept. It can be deleted at any moment."),
]
NoScan = Annotated[
    bool, typer.Option("--no-scan", help="Trust the catalog as it is: faster, but blind to recent changes.")
]

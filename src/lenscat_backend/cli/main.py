"""The commands. Each one parses its arguments and hands over to the module of its name.

That module is loaded only then: `lenscat search` must not wait for a web framework.
"""

from __future__ import annotations

import gc
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lenscat_backend.cli.arguments import (
    LIBRARY_HELP,
    AsJson,
    LibraryArgument,
    NoScan,
    RequiredLibrary,
    opens_library,
)
from lenscat_backend.cli.exits import INTERRUPTED
from lenscat_backend.version import VERSION

app = typer.Typer(
    name="lenscat",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Serve picture folders that already exist as a gallery. Nothing is imported; the files are the truth.",
    epilog="Exit codes: 0 done, 1 problems found, 2 wrong arguments, 3 not found, 4 not allowed, 5 conflict, "
    "6 busy or unreachable, 7 not a usable picture, 130 interrupted.",
)


def _run(command: str, *args: Any, **given: Any) -> None:
    gc.disable()  # nothing that importing makes is garbage: looking for some takes a sixth of the time to start
    module = import_module(f"lenscat_backend.cli.{command}")
    gc.freeze()
    gc.enable()
    module.run(*args, **given)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lenscat {VERSION}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Options before the command."""


@app.command("serve")
@opens_library
def serve_command(
    library: LibraryArgument = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one. [default: 8000]")] = None,
    **given: Any,
) -> None:
    """Serve a library to browsers and programs until Ctrl-C.

    Example: lenscat serve ~/Pictures
    """
    _run("serve", library=library, host=host, port=port, **given)


@app.command("index")
@opens_library
def index_command(
    library: LibraryArgument = None,
    thumbs: Annotated[bool, typer.Option("--thumbs", help="Also make every missing thumbnail.")] = False,
    hashes: Annotated[bool, typer.Option("--hash", help="Also hash every picture (BLAKE3).")] = False,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Read a whole library ahead of time: catalog, manifests and, if wanted, thumbnails and hashes.

    Exits with 1 if a folder could not be read, or with --thumbs if a picture has no thumbnail.

    Example: lenscat index ~/Pictures --thumbs
    """
    _run("index", thumbs, hashes, as_json, library=library, **given)


@app.command("search", context_settings={"ignore_unknown_options": True})
@opens_library
def search_command(
    library: RequiredLibrary,
    query: Annotated[list[str], typer.Argument(help='For example: beach tag:family "rating>=4" -sunset')],
    limit: Annotated[int, typer.Option(min=0, help="Print at most so many.")] = 1000,
    sort: Annotated[
        str, typer.Option(help="By path, name, date, rating, size, relevance or random:SEED; -date turns it round.")
    ] = "",
    no_scan: NoScan = False,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Print the paths of the pictures that match, one a line; with --json one object a line.

    Example: lenscat search ~/Pictures tag:family sunset
    """
    _run("search", " ".join(query), limit, sort, no_scan, as_json, library=library, **given)


@app.command("check")
@opens_library
def check_command(
    library: LibraryArgument = None,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Report what is missing, damaged or left over, and write it to _health.json. Exits with 1 if there is anything.

    Example: lenscat check ~/Pictures
    """
    _run("check", as_json, library=library, **given)


@app.command("export")
@opens_library
def export_command(
    library: LibraryArgument = None,
    query: Annotated[str, typer.Option("--query", help="Only the pictures that match.")] = "",
    form: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="jsonl: an object a line.")] = "jsonl",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of standard output.")] = None,
    no_scan: NoScan = False,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Write what is known of every picture: path, dimensions, tags, notes, facts.

    Example: lenscat export ~/Pictures --format csv -o pictures.csv
    """
    _run("export", query, form, output, no_scan, as_json, library=library, **given)


@app.command("clean")
@opens_library
def clean_command(
    library: RequiredLibrary,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Remove exactly what Lenscat derived: thumbnails, manifests, the catalog. Never a picture, never a sidecar.

    Looks into the overlay or the cache too. A read-only library stays as it is: only its overlay is cleaned.

    Example: lenscat clean ~/Pictures --dry-run
    """
    _run("clean", yes, dry_run, as_json, library=library, **given)


pointer_app = typer.Typer(
    no_args_is_help=True,
    help="Make, list and remove pointer folders: folders that stand for another disk or bucket.",
)
app.add_typer(pointer_app, name="pointer")

PointerPath = Annotated[
    str, typer.Argument(help="The pointer folder: its path in the library, or where it lies (a folder or URL).")
]
LibraryFlag = Annotated[str | None, typer.Option("--library", help=LIBRARY_HELP, show_default=False)]


@pointer_app.command("add")
@opens_library
def pointer_add_command(
    path: PointerPath,
    target: Annotated[
        str, typer.Argument(help="Where it leads: a folder (relative to the library's root), s3://bucket/prefix, ...")
    ],
    label: Annotated[str, typer.Option(help="What the folder is called in the gallery.")] = "",
    readonly: Annotated[bool, typer.Option("--readonly", help="Never write to the target.")] = False,
    region: Annotated[str, typer.Option(help="The bucket's region, where it is not the configured one.")] = "",
    endpoint: Annotated[str, typer.Option(help="The bucket's server, where it is not the configured one.")] = "",
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Send unsigned requests: a public bucket.")] = False,
    library: LibraryFlag = None,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Make a new or empty folder stand for another place. Nothing is copied.

    Example: lenscat pointer add characters s3://art/2024 --label "Characters 2024"
    """
    bucket = {"region": region, "endpoint": endpoint, "anonymous": anonymous}
    options = {"label": label, "readonly": readonly, "bucket": bucket}
    _run("pointer", "add", as_json, path=path, target=target, library=library, **options, **given)


@pointer_app.command("list")
@opens_library
def pointer_list_command(
    library: LibraryArgument = None, no_scan: NoScan = False, as_json: AsJson = False, **given: Any
) -> None:
    """List the pointer folders of a library and where they lead. Exits with 1 if one is broken.

    Example: lenscat pointer list ~/Pictures
    """
    _run("pointer", "list", as_json, no_scan=no_scan, library=library, **given)


@pointer_app.command("remove")
@opens_library
def pointer_remove_command(
    path: PointerPath, library: LibraryFlag = None, as_json: AsJson = False, **given: Any
) -> None:
    """Make a pointer a plain folder again. What it leads to is not touched.

    Example: lenscat pointer remove characters
    """
    _run("pointer", "remove", as_json, path=path, library=library, **given)


@app.command("sample")
def sample_command(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")], as_json: AsJson = False
) -> None:
    """Draw a small library of 9 pictures to try things with.

    Example: lenscat sample demo && lenscat serve demo
    """
    _run("sample", folder, as_json)


def main() -> None:
    """The entry point of the program `lenscat`."""
    try:
        app()
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None

"""How a library is opened: where its files lie and what may be done with them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from blake3 import blake3
from platformdirs import user_cache_path

from lenscat_backend.errors import SettingsError
from lenscat_backend.imaging.thumbnail import DecodeLimits
from lenscat_backend.library.place import Place
from lenscat_backend.library.scan_tasks import DiskSpec
from lenscat_backend.storage.local import LocalDisk
from lenscat_backend.storage.location import Location, parse_location


@dataclass(frozen=True, slots=True)
class LibraryOptions:
    """Options of one library; the defaults are those of `lenscat serve`.

    `derived`: where thumbnails and manifests go. `overlay`: a second place (a folder or URL) that takes sidecars too.
    `threads`: pictures drawn at once, and processes of a large scan.
    """

    cache_dir: Path = field(default_factory=lambda: user_cache_path("lenscat"))
    derived: Literal["beside", "cache"] = "beside"
    overlay: str | None = None
    read_only: bool = False
    follow_links_outside: bool = False
    watch: bool = False
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    limits: DecodeLimits = field(default_factory=DecodeLimits)


@dataclass(frozen=True, slots=True)
class Opened:
    """The places of one opened library; `cache` is the folder of its catalog."""

    place: Place
    spec: DiskSpec
    cache: Path


def open_places(location: str, options: LibraryOptions) -> Opened:
    """The places that `location` and `options` name. Raises `SettingsError` where they cannot be used together."""
    parsed = parse_location(location)
    root = _folder_of(parsed)
    cache = options.cache_dir.absolute() / "libraries" / _identity(root, options)
    base = LocalDisk(root, writable=not options.read_only, follow_outside=options.follow_links_outside)
    upper_root = _upper_root(root, cache, options)
    if upper_root is None:
        return Opened(Place(base, None, base), DiskSpec(str(root), None, options.follow_links_outside), cache)
    upper = LocalDisk(upper_root)
    sidecars = upper if options.overlay is not None else None if options.read_only else base
    spec = DiskSpec(str(root), str(upper_root), options.follow_links_outside)
    return Opened(Place(base, upper, sidecars), spec, cache)


def _identity(root: Path, options: LibraryOptions) -> str:
    """Tells libraries apart: the same folder with another overlay or rule for links has another content."""
    overlay = "" if options.overlay is None else os.path.realpath(_folder_of(parse_location(options.overlay), False))
    parts = (os.path.realpath(root), overlay, str(options.follow_links_outside))
    return blake3(os.fsencode("\0".join(parts))).hexdigest(16)


def _upper_root(root: Path, cache: Path, options: LibraryOptions) -> Path | None:
    if options.overlay is None:
        return _made(cache / "derived") if options.derived == "cache" or options.read_only else None
    overlay = _folder_of(parse_location(options.overlay), must_exist=False)
    if overlay.resolve().is_relative_to(root.resolve()) or root.resolve().is_relative_to(overlay.resolve()):
        raise SettingsError("The overlay lies inside the library, or the other way round: choose a place apart.")
    return _made(overlay)


def _folder_of(location: Location, must_exist: bool = True) -> Path:
    if location.scheme != "file" or location.path is None:
        raise SettingsError(
            f"{location.url} cannot be opened: this version serves folders of local disks. Object stores come next."
        )
    if must_exist and not location.path.exists():
        raise SettingsError(f"There is no folder {location.url}: check the spelling, or mount its disk.")
    if location.path.exists() and not location.path.is_dir():
        raise SettingsError(f"{location.url} is a file: give the folder that holds it.")
    return location.path


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"A folder for derived files cannot be made ({error.strerror}): set LENSCAT_CACHE_DIR or LENSCAT_OVERLAY "
            "to a place you can write."
        ) from error
    return folder

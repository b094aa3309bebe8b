"""How a library is opened: where its files lie and what may be done with them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from blake3 import blake3
from platformdirs import user_cache_path

from lenscat_backend.errors import SettingsError
from lenscat_backend.imaging.thumbnail import DecodeLimits
from lenscat_backend.library.place import Place
from lenscat_backend.library.scan_tasks import DiskSpec
from lenscat_backend.models.paths import ROOT
from lenscat_backend.storage.base import Store
from lenscat_backend.storage.local import LocalDisk
from lenscat_backend.storage.location import Location, parse_location
from lenscat_backend.storage.object_options import ObjectOptions
from lenscat_backend.storage.object_requests import Prices, RequestCounter
from lenscat_backend.storage.opening import open_store
from lenscat_backend.storage.pointer_store import PointerStore
from lenscat_backend.storage.shadows import Shadows
from lenscat_backend.storage.spots import spot_of
from lenscat_backend.storage.targets import PointerRules, Targets


@dataclass(frozen=True, slots=True)
class LibraryOptions:
    """Options of one library; the defaults are those of `lenscat serve`.

    `derived`: where thumbnails and manifests go. `overlay`: a second place (a folder or URL) that takes sidecars too.
    `threads`: pictures drawn at once, and processes of a large scan. `poll_s`: seconds between two scans of a library
    that is not on this machine. `signed_urls_s`: originals of an object store are not streamed but redirected to an
    address that is good for so long. `objects`: how object stores are reached, `prices`: what their requests cost.
    `pointer_roots`: the folders of this machine that pointers may lead to, besides those of the library itself;
    `pointer_endpoints`: the servers that they may name, where they lie in a bucket themselves or are not for S3.
    """

    cache_dir: Path = field(default_factory=lambda: user_cache_path("lenscat"))
    derived: Literal["beside", "cache"] = "beside"
    overlay: str | None = None
    read_only: bool = False
    follow_links_outside: bool = False
    pointer_roots: tuple[str, ...] = ()
    pointer_endpoints: tuple[str, ...] = ()
    watch: bool = False
    poll_s: float = 60.0
    signed_urls_s: float = 0.0
    objects: ObjectOptions = field(default_factory=ObjectOptions)
    prices: Prices = field(default_factory=Prices)
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    limits: DecodeLimits = field(default_factory=DecodeLimits)


@dataclass(frozen=True, slots=True)
class Opened:
    """The places of one opened library; `cache` is for its catalog, `requests` counts those to object stores."""

    place: Place
    spec: DiskSpec | None
    cache: Path
    requests: RequestCounter
    location: Location


def open_places(location: str, options: LibraryOptions, store: Store | None = None) -> Opened:
    """The places that `location` and `options` name. Raises `SettingsError` where they cannot be used together.

    With a `store`, the pictures are in that one, and `location` only names it.
    """
    parsed = parse_location(location)
    cache = options.cache_dir.absolute() / "libraries" / _identity(parsed, options)
    requests = RequestCounter()
    base = store or _open(parsed, options, requests, writable=not options.read_only, make_folders=False)
    upper = _upper(parsed, cache, options, requests)
    rules = PointerRules(
        options.pointer_roots,
        options.pointer_endpoints,
        str(cache / "targets"),
        options.follow_links_outside,
        writable=not options.read_only,
    )
    home = spot_of(parsed, options.objects.endpoint_of(parsed.scheme))
    pointers = PointerStore(base, home, Targets(rules, options.objects, requests))
    sidecars = upper if options.overlay is not None else None if options.read_only else pointers
    place = Place(pointers, upper, sidecars, Shadows(pointers))
    return Opened(place, _spec(base, upper, rules), cache, requests, parsed)


def _open(
    location: Location, options: LibraryOptions, requests: RequestCounter, *, writable: bool, make_folders: bool = True
) -> Store:
    return open_store(
        location,
        writable=writable,
        make_folders=make_folders,
        follow_outside=options.follow_links_outside,
        objects=options.objects,
        counter=requests,
    )


def _spec(base: Store, upper: Store | None, rules: PointerRules) -> DiskSpec | None:
    """How worker processes open the place; None where they are of no use, for it is not all on this machine."""
    if not isinstance(base, LocalDisk) or not (upper is None or isinstance(upper, LocalDisk)):
        return None
    upper_root = None if upper is None else str(upper.local_path(ROOT))
    return DiskSpec(str(base.local_path(ROOT)), upper_root, replace(rules, writable=False, buckets=False))


def _identity(location: Location, options: LibraryOptions) -> str:
    """Tells libraries apart: the same folder with another overlay or rule for links has another content."""
    overlay = "" if options.overlay is None else _name_of(parse_location(options.overlay), options)
    parts = (_name_of(location, options), overlay, str(options.follow_links_outside))
    return blake3(os.fsencode("\0".join(parts))).hexdigest(16)


def _name_of(location: Location, options: LibraryOptions) -> str:
    """Buckets of one name on two servers are two."""
    if location.path is not None:
        return os.path.realpath(location.path)
    return f"{location.url} {options.objects.endpoint_of(location.scheme).rstrip('/')}".rstrip()


def _upper(location: Location, cache: Path, options: LibraryOptions, requests: RequestCounter) -> Store | None:
    if options.overlay is None:
        return LocalDisk(_made(cache / "derived")) if options.derived == "cache" or options.read_only else None
    overlay = parse_location(options.overlay)
    if _is_inside(overlay, location) or _is_inside(location, overlay):
        raise SettingsError("The overlay lies inside the library, or the other way round: choose a place apart.")
    if overlay.path is not None:
        _made(overlay.path)
    return _open(overlay, options, requests, writable=True)


def _is_inside(inner: Location, outer: Location) -> bool:
    if inner.path is not None and outer.path is not None:
        return inner.path.resolve().is_relative_to(outer.path.resolve())
    same_bucket = (inner.scheme, inner.bucket) == (outer.scheme, outer.bucket) and inner.path is outer.path is None
    return same_bucket and (inner.prefix + "/").startswith(outer.prefix + "/" if outer.prefix else "")


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"A folder for derived files cannot be made ({error.strerror}): set LENSCAT_CACHE_DIR or LENSCAT_OVERLAY "
            "to a place you can write."
        ) from error
    return folder

"""Settings to a library. With `application`, the only place that wires things together."""

from __future__ import annotations

from lenscat_backend.imaging.thumbnail import DecodeLimits
from lenscat_backend.library.library import Library
from lenscat_backend.library.options import LibraryOptions
from lenscat_backend.settings import Settings


def library_options(settings: Settings, *, watch: bool = False) -> LibraryOptions:
    """How `settings` say that a library is to be opened."""
    return LibraryOptions(
        cache_dir=settings.cache_dir,
        derived=settings.derived,
        overlay=settings.overlay,
        read_only=settings.read_only,
        follow_links_outside=settings.follow_links_outside,
        watch=watch and settings.watch,
        threads=settings.threads,
        limits=DecodeLimits(settings.max_pixels, settings.max_image_bytes),
    )


def open_library(settings: Settings, *, watch: bool = False) -> Library:
    """The library that `settings` name, to be entered with ``async with``."""
    return Library.open(settings.location, library_options(settings, watch=watch))

"""The only place that wires things together: settings to a library, a library to an application."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from lenscat_backend.api.app import Application
from lenscat_backend.errors import SettingsError
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


def make_application(settings: Settings, on_start: Callable[[], None] | None = None) -> Application:
    """The ASGI application that `settings` describe; `on_start` is called once it is ready."""
    return Application(
        lambda: open_library(settings, watch=True), on_start=on_start, loopback_only=settings.auth != "none"
    )


def check_exposure(settings: Settings) -> None:
    """Refuse to listen beyond this machine while nobody has to sign in. Raises `SettingsError`."""
    if settings.auth == "none" or is_loopback(settings.host):
        return
    raise SettingsError(
        f"{settings.host} can be reached from other machines, and this version has no sign-in yet: everyone there "
        "could read and edit the library. Listen on 127.0.0.1, or set LENSCAT_AUTH=none if that is what you want."
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""Settings to a web application. Apart from `bootstrap`, so that commands which serve nothing load no web framework."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from lenscat_backend.api.app import Application
from lenscat_backend.bootstrap import open_library
from lenscat_backend.errors import SettingsError
from lenscat_backend.settings import Settings


def make_application(settings: Settings, on_start: Callable[[], None] | None = None) -> Application:
    """The ASGI application that `settings` describe; `on_start` is called once it is ready."""
    return Application(
        lambda: open_library(settings, watch=True),
        on_start=on_start,
        loopback_only=settings.auth != "none",
        hosts=settings.host_names,
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

"""`lenscat serve`: the web server."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from pathlib import Path
from typing import Any

import typer
import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.errors import FatalError
from granian.server.embed import Server
from watchfiles import run_process

from lenscat_backend.application import check_exposure, make_application
from lenscat_backend.cli.exits import OK, show_error
from lenscat_backend.cli.output import print_line
from lenscat_backend.cli.running import run as run_work
from lenscat_backend.errors import LenscatError, SettingsError
from lenscat_backend.settings import Settings, load_settings

CONNECTIONS = 4096
"""Open at once, idle ones too: beyond these, newcomers wait. Each costs a few KiB."""
PACKAGE = Path(__file__).resolve().parents[1]


def run(**given: Any) -> None:
    """Do the command; with RELOAD set, start anew whenever the program's own files change."""
    if load_or_exit(**given).reload:
        run_process(PACKAGE, target=run_once, kwargs=given)
    else:
        run_once(**given)


def run_once(**given: Any) -> None:
    """Serve until asked to stop."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    run_work(lambda: _serve(load_settings(**given)))


def load_or_exit(**given: Any) -> Settings:
    """The settings, or the program's end with what is wrong with them."""
    try:
        return load_settings(**given)
    except LenscatError as error:
        raise typer.Exit(show_error(error, as_json=False)) from error


async def _serve(settings: Settings) -> int:
    check_exposure(settings)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("pyvips").setLevel(logging.ERROR)  # what a damaged picture makes libvips say is in our reply
    address, port = _free_place(settings.host, settings.port)
    started = asyncio.Event()
    application = make_application(settings, on_start=started.set)
    server = Server(
        application,
        address=address,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.auto,
        websockets=False,
        backlog=CONNECTIONS,
        backpressure=CONNECTIONS,
        log_enabled=settings.log_level == "debug",
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    serving = asyncio.ensure_future(server.serve())
    saying = asyncio.ensure_future(started.wait())
    await asyncio.wait((serving, saying), return_when=asyncio.FIRST_COMPLETED)
    if started.is_set():
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        print_line(f"Lenscat serves {settings.location} at http://{host}:{port}/ (Ctrl-C stops it)")
    saying.cancel()
    try:
        await serving
    except FatalError:
        if application.failure is None:
            raise
    if application.failure is not None:
        raise application.failure
    return OK


def _free_place(host: str, port: int) -> tuple[str, int]:
    """The address and port to listen on; `SettingsError` where the port is taken or the address not this machine's."""
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            found = probe.getsockname()
            return str(found[0]), int(found[1])
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {host} port {port}: {error.strerror or error}. Choose another with --port, or stop the "
            "program that uses it."
        ) from error

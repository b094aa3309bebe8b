"""Thumbnails, answered before any routing: the one reply that a page asks for by the hundred.

Plain ASGI with ready bytes. Whatever is not exactly this case goes on to the application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from starlette.types import ASGIApp, Receive, Scope, Send

from lenscat_backend.api.conditions import etag_matches
from lenscat_backend.api.errors import reply_to
from lenscat_backend.api.requests import unless_gone
from lenscat_backend.errors import LenscatError
from lenscat_backend.models.paths import LibraryPath, parse_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from lenscat_backend.library.library import Library
    from lenscat_backend.library.thumbnails import Thumbnails

_PREFIX = b"path="
_KEPT_PATHS = 20_000
_KEPT_BYTES = 512
"""Longer addresses take the way through the routes: what strangers ask for must not fill the memory."""


class HotThumbnails:
    """ASGI middleware in front of the application."""

    def __init__(self, app: ASGIApp, library: Callable[[], Library | None]) -> None:
        self._app = app
        self._library = library
        self._paths: dict[bytes, LibraryPath] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] == "http" and scope["path"] == "/api/thumb" and scope["method"] == "GET":
            path = self._path(scope["query_string"])
            library = self._library()
            if path is not None and library is not None:
                await _answer(library.thumbnails, path, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _path(self, query: bytes) -> LibraryPath | None:
        path = self._paths.get(query)
        if path is None and query.startswith(_PREFIX) and b"&" not in query and len(query) <= _KEPT_BYTES:
            try:
                path = parse_path(unquote_plus(query[len(_PREFIX) :].decode("ascii"), errors="strict"))
            except (UnicodeDecodeError, LenscatError):
                return None
            if len(self._paths) >= _KEPT_PATHS:
                self._paths.clear()
            self._paths[query] = path
        return path


async def _answer(thumbnails: Thumbnails, path: LibraryPath, scope: Scope, receive: Receive, send: Send) -> None:
    found = thumbnails.held(path)
    try:
        if found is None:
            image, found = await thumbnails.look(path)
        if found is None:
            found = await unless_gone(receive, thumbnails.make(path, image))
    except Exception as error:
        await reply_to(error, scope)(scope, receive, send)
        return
    await _send(scope, send, found.data, found.etag)


async def _send(scope: Scope, send: Send, data: bytes, etag: str) -> None:
    condition = next((value for name, value in scope["headers"] if name == b"if-none-match"), None)
    fresh = condition is not None and etag_matches(condition.decode("latin-1"), etag)
    headers = [
        (b"content-type", b"image/webp"),
        (b"content-length", b"0" if fresh else b"%d" % len(data)),
        (b"etag", b'"%s"' % etag.encode()),
        (b"cache-control", b"private, no-cache"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if fresh:
        del headers[:2]
    await send({"type": "http.response.start", "status": 304 if fresh else 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if fresh else data})

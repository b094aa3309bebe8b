"""The application: routes, errors, the library's life."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from lenscat_backend.api import files, folders, health, items, page, search, thumbnails
from lenscat_backend.api.errors import install_error_handlers
from lenscat_backend.api.exposure import LoopbackOnly, OwnPageOnly
from lenscat_backend.api.head import HeadAsGet
from lenscat_backend.api.hot_path import HotThumbnails
from lenscat_backend.api.raw_names import RawNames
from lenscat_backend.errors import LenscatError
from lenscat_backend.library.library import Library
from lenscat_backend.version import VERSION


class Application:
    """The whole ASGI application of one library."""

    def __init__(
        self,
        open_library: Callable[[], Library],
        *,
        on_start: Callable[[], None] | None = None,
        loopback_only: bool = True,
        hosts: Collection[str] = (),
    ) -> None:
        self.failure: LenscatError | None = None
        self.routes = make_routes(open_library, on_start or (lambda: None), self._note_failure)
        hot = HotThumbnails(RawNames(self.routes), lambda: getattr(self.routes.state, "library", None))
        entry = HeadAsGet(hot)
        own = OwnPageOnly(entry, hosts)
        self._entry: ASGIApp = LoopbackOnly(own, hosts) if loopback_only else own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event."""
        await self._entry(scope, receive, send)

    def _note_failure(self, error: LenscatError) -> None:
        self.failure = error


class _Static(StaticFiles):
    """The page's files: asked about each time, so that an upgrade shows at once."""

    def file_response(self, *args: Any, **given: Any) -> Response:
        """The file, with its headers."""
        response = super().file_response(*args, **given)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def make_routes(
    open_library: Callable[[], Library],
    on_start: Callable[[], None],
    on_failure: Callable[[LenscatError], None],
) -> FastAPI:
    """The routes; the library is opened when the server starts and closed when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with open_library() as library:
                app.state.library = library
                library.start_background()
                on_start()
                yield
                app.state.library = None
        except LenscatError as error:
            on_failure(error)
            raise

    app = FastAPI(
        title="Lenscat",
        version=VERSION,
        description="Picture folders as a gallery: folders, thumbnails, sidecars, search. Paths are the library's.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    install_error_handlers(app)

    for module in (page, folders, items, thumbnails, search, health, files):
        app.include_router(module.router)
    app.mount("/static", _Static(directory=page.STATIC), name="static")
    return app

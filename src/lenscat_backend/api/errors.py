"""The one table from errors to HTTP replies."""

from __future__ import annotations

import logging
import math

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Scope

from lenscat_backend import errors
from lenscat_backend.api.replies import json_reply
from lenscat_backend.api.requests import ClientGoneError
from lenscat_backend.library.items import PreconditionError

_log = logging.getLogger("lenscat")

STATUS: tuple[tuple[type[errors.LenscatError], int], ...] = (
    (PreconditionError, 412),
    (errors.NotFoundError, 404),
    (errors.TooLargeError, 413),
    (errors.InvalidSidecarError, 422),
    (errors.InvalidError, 400),
    (errors.ForbiddenError, 403),
    (errors.ConflictError, 409),
    (errors.UnsupportedError, 415),
    (errors.CorruptError, 422),
    (errors.TransientError, 503),
)
"""The first class that fits decides."""

CLIENT_CLOSED_REQUEST = 499

_HTTP_WORDS = {
    404: "There is nothing at this address: the calls are listed in /openapi.json.",
    405: "This address does not know that method: the calls are listed in /openapi.json.",
}


def status_of(error: errors.LenscatError) -> int:
    """The HTTP status of an error."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def error_reply(error: errors.LenscatError) -> Response:
    """The reply to a request that ended with `error`."""
    body: dict[str, object] = {"detail": str(error)}
    headers: dict[str, str] = {"Cache-Control": "no-store"}
    if isinstance(error, PreconditionError):
        headers["ETag"] = f'"{error.etag}"'
        body |= {"current": error.current, "etag": headers["ETag"]}
    if isinstance(error, errors.TransientError):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    return json_reply(body, status_of(error), headers)


def reply_to(error: Exception, scope: Scope) -> Response:
    """The reply to a request that ended with whatever error; one that nobody foresaw is logged."""
    if isinstance(error, errors.LenscatError):
        return error_reply(error)
    if isinstance(error, ClientGoneError):
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    _log.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
    return json_reply({"detail": "The server met an error of its own; its log says more."}, 500)


def install_error_handlers(app: FastAPI) -> None:
    """Have `app` answer every error with `{"detail": ...}`."""

    @app.exception_handler(errors.LenscatError)
    @app.exception_handler(ClientGoneError)
    @app.exception_handler(Exception)
    async def ended(request: Request, error: Exception) -> Response:
        return reply_to(error, request.scope)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        return json_reply({"detail": "; ".join(_describe(found) for found in error.errors())}, 422)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        detail = _HTTP_WORDS.get(error.status_code, error.detail)
        return json_reply({"detail": detail}, error.status_code, error.headers)


def _describe(found: dict[str, object]) -> str:
    place = found.get("loc")
    name = ".".join(str(part) for part in place[1:]) if isinstance(place, tuple | list) else ""
    return f"{name or 'request'}: {found.get('msg')}".encode("utf-8", "replace").decode()

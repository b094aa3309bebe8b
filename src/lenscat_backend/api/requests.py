"""What the routes share: the library behind a request, its path arguments, clients that hang up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query, Request
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from lenscat_backend.api.wire import ErrorReply
from lenscat_backend.errors import TooLargeError
from lenscat_backend.library.library import Library
from lenscat_backend.models.edit import parse_body
from lenscat_backend.models.paths import MAX_PATH_CHARS

T = TypeVar("T")
MAX_BODY_BYTES = 1024 * 1024


class ClientGoneError(Exception):
    """The client hung up before its reply was ready."""


async def _library_of(request: Request) -> Library:  # FastAPI would call a plain function in a thread
    library = request.app.state.library
    assert isinstance(library, Library)
    return library


LibraryArgument = Annotated[Library, Depends(_library_of)]
PATH_LENGTH = {"maxLength": MAX_PATH_CHARS}
"""For the description only: a path that is too long is a malformed one (400), as the library says in better words."""
PathArgument = Annotated[
    str, Query(description="Path of a picture, relative to the library", json_schema_extra=PATH_LENGTH)
]

ERROR_REPLIES: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorReply, "description": "A malformed path or query"},
    403: {"model": ErrorReply, "description": "Not allowed: read-only, or outside of the library"},
    404: {"model": ErrorReply, "description": "No such thing"},
    409: {"model": ErrorReply, "description": "A conflict: a damaged sidecar, for example"},
    413: {"model": ErrorReply, "description": "The body is too large"},
    415: {"model": ErrorReply, "description": "Not a picture of a supported format"},
    422: {
        "model": ErrorReply,
        "description": "An argument of the wrong type, or a picture that cannot be decoded",
    },
    503: {"model": ErrorReply, "description": "Busy or unreachable: try again after Retry-After seconds"},
}


async def json_body(request: Request) -> object:
    """The JSON value that a client sent. `TooLargeError` above 1 MiB, `InvalidSidecarError` where it is no JSON."""
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > MAX_BODY_BYTES:
                raise TooLargeError(f"The body has more than {MAX_BODY_BYTES} bytes.")
    except ClientDisconnect as error:  # so a server also calls a body that breaks the protocol
        raise ClientGoneError from error
    return parse_body(bytes(data))


async def unless_gone(receive: Receive, work: Coroutine[object, object, T]) -> T:
    """The result of `work`; if the client hangs up first, `work` is cancelled and `ClientGoneError` raised."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGoneError
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""The originals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from lenscat_backend.api.conditions import ByteRange, etag_matches, parse_range
from lenscat_backend.api.head import is_head
from lenscat_backend.api.replies import json_reply
from lenscat_backend.api.requests import ERROR_REPLIES, LibraryArgument
from lenscat_backend.api.whole_path import WHOLE
from lenscat_backend.api.wire import ErrorReply
from lenscat_backend.errors import NotFoundError, VersionMismatchError
from lenscat_backend.library.originals import Original
from lenscat_backend.library.threads import in_thread

router = APIRouter(tags=["files"])
_PIECE = 64 * 1024
"""What is handed to the server at once: it keeps some of them for each client that does not read."""
_REPLIES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/*": {}}, "description": "The picture's own bytes"},
    206: {"description": "The range that was asked for"},
    307: {"description": "An address of the object store that is good for a while"},
    304: {"description": "Not modified"},
    416: {"model": ErrorReply, "description": "The range begins beyond the end"},
}


@router.get(f"/api/files/{{path:{WHOLE}}}", response_class=Response, responses=_REPLIES | ERROR_REPLIES)
async def get_file(
    request: Request,
    library: LibraryArgument,
    path: str,
    download: Annotated[bool, Query(description="Have browsers save it")] = False,
    range_header: Annotated[str | None, Header(alias="Range")] = None,
    if_range: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """The original, whole or a range of it."""
    address = await library.original_address(path)
    if address is not None:
        return RedirectResponse(address, 307, {"Cache-Control": "no-store"})
    wanted = _Wanted(request, download, range_header, if_range, if_none_match)
    if not wanted.is_conditional:
        with suppress(NotFoundError, VersionMismatchError):
            return await _reply(await library.original(path, fresh=False), wanted)
    return await _reply(await library.original(path), wanted)


class _Wanted(NamedTuple):
    """What a client asked for."""

    request: Request
    download: bool
    range_header: str | None
    if_range: str | None
    if_none_match: str | None

    @property
    def is_conditional(self) -> bool:
        """Whether the reply depends on the picture's present version, or is made of nothing else."""
        return self.if_range is not None or self.if_none_match is not None or is_head(self.request.scope)


async def _reply(original: Original, wanted: _Wanted) -> Response:
    headers = _headers(original, wanted.download)
    try:
        if etag_matches(wanted.if_none_match, original.file.etag):
            return _closing(original, Response(status_code=304, headers=headers))
        usable = wanted.if_range is None or wanted.if_range.strip() == headers["ETag"]
        span = parse_range(wanted.range_header if usable else None, original.file.size)
    except ValueError:
        return _closing(original, _beyond_the_end(original))
    return await _body(original, span, headers, is_head(wanted.request.scope))


def _headers(original: Original, download: bool) -> dict[str, str]:
    kind = "attachment" if download or not original.mime else "inline"
    return {
        "ETag": f'"{original.file.etag}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"{kind}; filename*=UTF-8''{quote(original.name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Type": original.mime or "application/octet-stream",
        "X-Content-Type-Options": "nosniff",
    }


def _closing(original: Original, response: Response) -> Response:
    original.file.close()
    return response


def _beyond_the_end(original: Original) -> Response:
    size = original.file.size
    detail = f"The range begins beyond the end: this file has {size} bytes. Ask for less, or for all of it."
    return json_reply({"detail": detail}, 416, {"Content-Range": f"bytes */{size}", "Cache-Control": "no-store"})


async def _body(original: Original, span: ByteRange | None, headers: dict[str, str], head: bool) -> Response:
    whole = span or ByteRange(0, original.file.size)
    headers["Content-Length"] = str(whole.end - whole.start)
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{original.file.size}"
    status = 206 if span else 200
    if head:
        return _closing(original, Response(status_code=status, headers=headers))
    chunks = original.file.stream(whole.start, whole.end - whole.start)
    try:
        first = await in_thread(next, chunks, b"")  # while an error can still be the reply
    except BaseException:
        original.file.close()
        raise
    return _Sending(original, _pieces(first, chunks), status, headers)


class _Sending(StreamingResponse):
    """A part of an open file, which is closed however the sending ends: a client may hang up at any chunk."""

    def __init__(self, original: Original, pieces: AsyncIterator[bytes], status: int, headers: dict[str, str]) -> None:
        super().__init__(pieces, status, headers)
        self._file = original.file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


async def _pieces(chunk: bytes, rest: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The bytes; where the file is cut short under us, the connection ends before its Content-Length."""
    while chunk:
        for start in range(0, len(chunk), _PIECE):
            yield chunk[start : start + _PIECE]
        chunk = await in_thread(next, rest, b"")

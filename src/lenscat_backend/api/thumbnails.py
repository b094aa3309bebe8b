"""Calls about thumbnails and previews."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

from lenscat_backend.api.conditions import etag_matches
from lenscat_backend.api.requests import ERROR_REPLIES, LibraryArgument, PathArgument, unless_gone
from lenscat_backend.api.wire import MessageReply, PathReply
from lenscat_backend.library.thumbnails import Thumbnail
from lenscat_backend.models.paths import parse_path

router = APIRouter(tags=["thumbnails"])
IfNoneMatch = Annotated[str | None, Header()]
_WEBP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/webp": {}}, "description": "A WebP image"},
    304: {"description": "Not modified"},
}


@router.get("/api/thumb", response_class=Response, responses=_WEBP | ERROR_REPLIES)
async def get_thumbnail(
    request: Request, library: LibraryArgument, path: PathArgument, if_none_match: IfNoneMatch = None
) -> Response:
    """The thumbnail: WebP, long edge at most 256 pixels; made if missing or older than its picture."""
    thumbnail = await unless_gone(request.receive, library.thumbnail(path))
    return _reply(thumbnail, if_none_match)


@router.post("/api/thumb", responses=ERROR_REPLIES)
async def make_thumbnail(
    library: LibraryArgument,
    path: PathArgument,
    force: Annotated[bool, Query(description="Make it anew even if it is up to date")] = False,
) -> PathReply:
    """Make the thumbnail now."""
    await library.thumbnail(path, force=force)
    return PathReply(message="Thumbnail generated", path=parse_path(path))


@router.delete("/api/thumb", responses=ERROR_REPLIES)
async def delete_thumbnail(library: LibraryArgument, path: PathArgument) -> MessageReply:
    """Delete the stored thumbnail; the next request makes it anew."""
    await library.thumbnails.remove(parse_path(path))
    return MessageReply(message="Thumbnail deleted")


@router.get("/api/preview", response_class=Response, responses=_WEBP | ERROR_REPLIES)
async def get_preview(
    request: Request, library: LibraryArgument, path: PathArgument, if_none_match: IfNoneMatch = None
) -> Response:
    """A WebP of at most 2048 pixels for pictures that browsers cannot show (TIFF, HEIC)."""
    parsed = parse_path(path)
    etag = await library.thumbnails.preview_etag(parsed)
    if etag_matches(if_none_match, etag):
        return Response(status_code=304, headers=webp_headers(etag))
    return _reply(await unless_gone(request.receive, library.thumbnails.preview(parsed)), if_none_match)


def webp_headers(etag: str) -> dict[str, str]:
    """Headers of a thumbnail: kept by browsers, but asked about each time, so that a replaced picture shows at once."""
    return {"ETag": f'"{etag}"', "Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}


def _reply(thumbnail: Thumbnail, if_none_match: str | None) -> Response:
    headers = webp_headers(thumbnail.etag)
    if etag_matches(if_none_match, thumbnail.etag):
        return Response(status_code=304, headers=headers)
    return Response(thumbnail.data, media_type="image/webp", headers=headers)

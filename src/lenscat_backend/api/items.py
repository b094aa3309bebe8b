"""Calls about one picture's metadata."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from lenscat_backend.api.conditions import etag_matches, strong_etags
from lenscat_backend.api.replies import json_reply
from lenscat_backend.api.requests import ERROR_REPLIES, LibraryArgument, PathArgument, json_body
from lenscat_backend.api.wire import ConflictReply, ItemReply, MessageReply, SidecarModel
from lenscat_backend.library.items import ItemMetadata
from lenscat_backend.models.edit import parse_edit

router = APIRouter(
    tags=["items"],
    responses=ERROR_REPLIES | {412: {"model": ConflictReply, "description": "If-Match does not hold"}},
)
IfMatch = Annotated[str | None, Header(description="The ETag of the sidecar that the edit was made from")]
CreateOnly = Annotated[str | None, Header(alias="If-None-Match", description="*: only where there is no sidecar yet")]
IfNoneMatch = Annotated[str | None, Header(description="The ETag of a reply that the client still has")]

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": SidecarModel.model_json_schema()}},
    }
}


@router.get("/api/item", response_model=ItemReply, responses={304: {"description": "Not modified"}})
async def get_item(library: LibraryArgument, path: PathArgument, if_none_match: IfNoneMatch = None) -> Response:
    """The picture's sidecar; where none can be read, one made from the picture's own metadata by "system"."""
    item = await library.item(path)
    if etag_matches(if_none_match, item.etag):
        return Response(status_code=304, headers=_headers(item))
    return _reply(item)


@router.put("/api/item", response_model=ItemReply, openapi_extra=_BODY)
async def put_item(
    request: Request,
    library: LibraryArgument,
    path: PathArgument,
    if_match: IfMatch = None,
    if_none_match: CreateOnly = None,
) -> Response:
    """Write tags, notes and the like; returns what is now on disk."""
    create_only = if_none_match is not None and if_none_match.strip() == "*"
    edit = parse_edit(await json_body(request))
    return _reply(await library.save(path, edit, strong_etags(if_match), create_only))


@router.delete("/api/item")
async def delete_item(library: LibraryArgument, path: PathArgument, if_match: IfMatch = None) -> MessageReply:
    """Delete the sidecar."""
    await library.remove_metadata(path, strong_etags(if_match))
    return MessageReply(message="Metadata deleted")


def _reply(metadata: ItemMetadata) -> Response:
    return json_reply(metadata.fields, 200, _headers(metadata))


def _headers(metadata: ItemMetadata) -> dict[str, str]:
    return {"ETag": f'"{metadata.etag}"', "Cache-Control": "no-cache"}

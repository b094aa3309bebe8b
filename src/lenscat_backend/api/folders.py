"""Calls about folders."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response

from lenscat_backend.api.requests import ERROR_REPLIES, PATH_LENGTH, LibraryArgument
from lenscat_backend.api.whole_path import WHOLE
from lenscat_backend.api.wire import FolderModel, ReindexReply

router = APIRouter(tags=["folders"], responses=ERROR_REPLIES)


@router.get("/api/folders", response_model=FolderModel)
async def get_folder(
    library: LibraryArgument,
    path: Annotated[str, Query(description="Path of the folder; empty: the root", json_schema_extra=PATH_LENGTH)] = "",
    page: Annotated[int | None, Query(ge=0, le=2**31, description="Page of 100 items, from 0; left out: all")] = None,
) -> Response:
    """The folder's manifest, as the folder is on disk now."""
    manifest = await library.folder(path, page)
    return Response(orjson.dumps(manifest), media_type="application/json", headers={"Cache-Control": "no-cache"})


@router.post("/api/folders/reindex")
async def reindex_root(library: LibraryArgument) -> ReindexReply:
    """Look at the root folder anew, hash its pictures, write its manifest."""
    return await _reindex(library, "")


@router.post(f"/api/folders/{{path:{WHOLE}}}/reindex")
async def reindex_folder(library: LibraryArgument, path: str) -> ReindexReply:
    """Look at a folder anew, hash its pictures, write its manifest."""
    return await _reindex(library, path)


async def _reindex(library: LibraryArgument, path: str) -> ReindexReply:
    manifest = await library.reindex(path)
    return ReindexReply(message="Folder reindexed", items_count=len(manifest.items), dirs_count=len(manifest.dirs))

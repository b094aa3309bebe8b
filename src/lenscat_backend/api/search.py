"""Calls about searching."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from lenscat_backend.api.requests import ERROR_REPLIES, LibraryArgument
from lenscat_backend.api.wire import FoundModel, RebuildReply, SearchReply, SuggestReply
from lenscat_backend.library.views import Item
from lenscat_backend.models.query import MAX_QUERY_CHARS

router = APIRouter(tags=["search"], responses=ERROR_REPLIES)
QueryArgument = Annotated[
    str,
    Query(
        description="Words that must all occur in name, tags or notes",
        json_schema_extra={"maxLength": MAX_QUERY_CHARS},
    ),
]


@router.get("/api/search")
async def search(
    library: LibraryArgument,
    q: QueryArgument = "",
    limit: Annotated[int, Query(ge=0, le=10_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> SearchReply:
    """The matches in path order; `total` counts all of them."""
    items, total = await library.search_page(q, limit, offset)
    return SearchReply(items=[_found(item) for item in items], total=total, scanning=library.freshness.scanning)


@router.get("/api/search/suggest")
async def suggest(
    library: LibraryArgument, q: QueryArgument = "", limit: Annotated[int, Query(ge=0, le=100)] = 10
) -> SuggestReply:
    """Tags and words of names that start with what was typed."""
    return SuggestReply(suggestions=await library.suggest(q, limit))


@router.post("/api/search/rebuild-index")
async def rebuild_index(library: LibraryArgument) -> RebuildReply:
    """Scan the whole library and write its manifests anew."""
    count, generated_at = await library.rebuild()
    return RebuildReply(message="Search index rebuilt", items_indexed=count, generated_at=generated_at)


def _found(item: Item) -> FoundModel:
    keywords = item.exif.get("keywords")
    return FoundModel(
        path=item.path,
        name=item.name,
        tags=list(item.tags),
        notes=item.notes,
        type=item.type,
        w=item.width,
        h=item.height,
        size=item.size,
        rating=item.rating,
        label=item.label,
        favorite=item.favorite,
        keywords=keywords if isinstance(keywords, list) else [],
    )

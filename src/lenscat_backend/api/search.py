"""Calls about searching."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query, Response

from lenscat_backend.api.replies import json_reply
from lenscat_backend.api.requests import ERROR_REPLIES, LibraryArgument
from lenscat_backend.api.wire import FacetsReply, RebuildReply, SearchReply, SuggestReply
from lenscat_backend.library.views import Item
from lenscat_backend.models.search.parser import MAX_QUERY_CHARS

router = APIRouter(tags=["search"], responses=ERROR_REPLIES)
QueryArgument = Annotated[
    str,
    Query(
        description="A query of the search language: words that must all occur in name, tags or notes, fields, or ...",
        json_schema_extra={"maxLength": MAX_QUERY_CHARS},
    ),
]


@router.get("/api/search", response_model=SearchReply)
async def search(
    library: LibraryArgument,
    q: QueryArgument = "",
    limit: Annotated[int, Query(ge=0, le=10_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
    sort: Annotated[str, Query(description="path, name, date, rating, size, random:SEED, relevance; -date: back")] = "",
    cursor: Annotated[str | None, Query(description="From the page before: gives the next one")] = None,
) -> Response:
    """The matches in path order, or in another; `total` counts all of them."""
    page = await library.search_page(q, limit, offset, sort, cursor)
    items = [_found(item) for item in page.items]
    scanning = library.freshness.is_incomplete or page.partial
    return json_reply({"items": items, "total": page.total, "cursor": page.cursor, "scanning": scanning})


@router.get("/api/search/facets", response_model=FacetsReply)
async def facets(
    library: LibraryArgument,
    q: QueryArgument = "",
    folder: Annotated[str, Query(description="Counts the folders directly in this one")] = "",
    limit: Annotated[int, Query(ge=0, le=1000)] = 50,
) -> Response:
    """How many of the matches have each tag, were taken in each month, by each camera ..."""
    found, total, partial = await library.facets(q, folder, limit)
    counts = {name: _counts(pairs) for name, pairs in found._asdict().items()}
    return json_reply({"total": total, **counts, "scanning": library.freshness.is_incomplete or partial})


@router.get("/api/search/suggest", response_model=SuggestReply)
async def suggest(
    library: LibraryArgument,
    q: QueryArgument = "",
    limit: Annotated[int, Query(ge=0, le=100)] = 10,
    details: Annotated[bool, Query(description="Tell also what each is, and how many pictures have it")] = False,
) -> Response:
    """Tags, then words of names, that somebody may be typing: also with one letter wrong."""
    found = await library.suggest(q, limit)
    reply: dict[str, object] = {"suggestions": [one.text for one in found]}
    if details:
        reply["details"] = [{"text": one.text, "kind": one.kind, "count": one.pictures} for one in found]
    return json_reply(reply)


@router.post("/api/search/rebuild-index")
async def rebuild_index(library: LibraryArgument) -> RebuildReply:
    """Scan the whole library and write its manifests anew."""
    count, generated_at = await library.rebuild()
    return RebuildReply(message="Search index rebuilt", items_indexed=count, generated_at=generated_at)


def _counts(pairs: Iterable[tuple[str, int]]) -> list[dict[str, object]]:
    return [{"value": value, "count": count} for value, count in pairs]


def _found(item: Item) -> dict[str, object]:
    """See `FoundModel`."""
    keywords = item.exif.get("keywords")
    return {
        "path": item.path,
        "name": item.name,
        "tags": item.tags,
        "notes": item.notes,
        "type": item.type,
        "w": item.width,
        "h": item.height,
        "size": item.size,
        "rating": item.rating,
        "label": item.label,
        "favorite": item.favorite,
        "keywords": keywords if isinstance(keywords, list) else [],
    }

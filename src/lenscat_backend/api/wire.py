"""The shapes of replies and requests, for the OpenAPI description."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class ErrorReply(BaseModel):
    """Every error: what is wrong, and what to do."""

    detail: str


class ConflictReply(ErrorReply):
    """A failed If-Match: the stored sidecar and its ETag, to merge and try again."""

    current: dict[str, Any] | None
    etag: str


class SidecarModel(BaseModel):
    """A sidecar; unknown fields are kept as they are."""

    model_config = ConfigDict(extra="allow")

    v: int = 1
    tags: list[str] = []
    notes: str = ""
    exif: dict[str, Any] = {}
    hash: str | None = None
    updated_at: str | None = None
    updated_by: str | None = None
    rating: Annotated[int, Field(ge=0, le=5)] | None = None
    label: str | None = None
    favorite: bool | None = None


class ItemReply(SidecarModel):
    """A sidecar as it is shown; `problem` is there only where its file cannot be edited, and says why."""

    problem: str | None = None


class FolderItemModel(BaseModel):
    """One image of a folder; `w` and `h` are pixels as displayed."""

    path: str
    name: str
    type: str
    w: int | None
    h: int | None
    size: int
    has_thumb: bool
    has_meta: bool
    hash: str | None


class SubfolderModel(BaseModel):
    """One subfolder; `kind` is leaf-pointer, leaf-real or branch.

    `label`, what a pointer folder is to be called, and `error`, why a folder cannot be shown, are only there where
    there is one.
    """

    name: str
    kind: str
    label: str | None = None
    error: str | None = None


class FolderModel(BaseModel):
    """A folder's manifest, or one page of it."""

    v: int
    path: str
    generated_at: str
    items: list[FolderItemModel]
    dirs: list[SubfolderModel]
    page: int | None
    page_count: int | None


class ReindexReply(BaseModel):
    """What a folder holds after it was looked at anew."""

    message: str
    items_count: int
    dirs_count: int


class RebuildReply(BaseModel):
    """What the search manifest lists."""

    message: str
    items_indexed: int
    generated_at: str


class MessageReply(BaseModel):
    """Done."""

    message: str


class PathReply(MessageReply):
    """Done, to this path."""

    path: str


class FoundModel(BaseModel):
    """One search result; `keywords` are embedded in the picture, `tags` are its sidecar's."""

    path: str
    name: str
    tags: list[str]
    notes: str
    type: str
    w: int | None
    h: int | None
    size: int
    rating: int | None
    label: str | None
    favorite: bool
    keywords: list[str]


class SearchReply(BaseModel):
    """A page of matches; `total` counts all of them, `cursor` asks for the next page and is null on the last.

    `scanning`: the library is still being read.
    """

    items: list[FoundModel]
    total: int
    cursor: str | None
    scanning: bool


class SuggestionModel(BaseModel):
    """A tag (as it is mostly written) or a word of names, and how many pictures have it."""

    text: str
    kind: Literal["tag", "word"]
    count: int


class SuggestReply(BaseModel):
    """Tags, then words of names; `details`, where asked for, says of each what it is."""

    suggestions: list[str]
    details: list[SuggestionModel] = []


class CountModel(BaseModel):
    """A value, and how many of the matches have it."""

    value: str
    count: int


class FacetsReply(BaseModel):
    """What the matches have in common; `total` counts them. Months are ``2024-01``."""

    total: int
    tags: list[CountModel]
    months: list[CountModel]
    years: list[CountModel]
    cameras: list[CountModel]
    lenses: list[CountModel]
    ratings: list[CountModel]
    labels: list[CountModel]
    folders: list[CountModel]
    scanning: bool


class HealthReply(BaseModel):
    """How the server fares."""

    status: str
    backend: str
    workers: dict[str, Any]
    storage: dict[str, Any]
    version: str
    uptime_s: float
    library: dict[str, Any]


class StorageReply(BaseModel):
    """How the library's storage fares."""

    status: str
    backend: str
    storage: dict[str, Any]


class WorkersReply(BaseModel):
    """What is being worked on."""

    status: str
    workers: dict[str, Any]

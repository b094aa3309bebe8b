"""One image's row in the catalog, from its facts, its sidecar and its thumbnail. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from lenscat_backend.catalog.records import ItemRecord, KnownItem
from lenscat_backend.errors import SidecarDamagedError
from lenscat_backend.library.listing import Change
from lenscat_backend.models.facts import ImageFacts
from lenscat_backend.models.sidecar import Sidecar, parse_sidecar, text_or_none
from lenscat_backend.models.text import sort_key
from lenscat_backend.storage.base import Entry


class _Words(NamedTuple):
    """What a person said of an image."""

    tags: list[str]
    notes: str
    created_at: str | None
    rating: int | None
    label: str | None
    favorite: int


_NO_WORDS = _Words([], "", None, None, None, 0)


_UNREAD = "~"
"""Stands for the etag of a sidecar that has not been looked for: no etag is like it."""


class Read(NamedTuple):
    """What reading one image's files gave: facts or why there are none, the sidecar or why it cannot be read."""

    facts: ImageFacts | None
    problem: str | None = None
    sidecar: Sidecar | None = None
    sidecar_problem: str | None = None


def read_sidecar(data: bytes, *, overlaid: bool = False) -> tuple[Sidecar | None, str | None]:
    """The sidecar in `data` (None for the deletion marker of an overlay), and what is wrong with it."""
    try:
        sidecar = parse_sidecar(data)
    except SidecarDamagedError as error:
        return None, str(error)
    return (None if overlaid and sidecar.deleted else sidecar), sidecar.newer_format


def make_record(change: Change, format_name: str, read: Read) -> ItemRecord:
    """The catalog's row of one image."""
    image, facts, sidecar = change.image, read.facts, read.sidecar
    words = _words_of(sidecar) if sidecar else _NO_WORDS
    return ItemRecord(
        sort_key=sort_key(image.name),
        name=image.name,
        format=facts.format if facts else format_name,
        size=image.size,
        mtime_ns=image.mtime_ns,
        etag=image.etag if image.settled else "",
        width=facts.width if facts else None,
        height=facts.height if facts else None,
        created_at=words.created_at or (facts.created_at if facts else None),
        exif=orjson.dumps(facts.as_exif()).decode() if facts else "{}",
        problem=read.problem,
        sidecar_etag=change.sidecar.etag if change.sidecar else "",
        has_sidecar=int(sidecar is not None or read.sidecar_problem is not None),
        sidecar_problem=read.sidecar_problem,
        tags=orjson.dumps(words.tags).decode() if words.tags else "[]",
        notes=words.notes,
        rating=words.rating if words.rating is not None else (facts.rating if facts else None),
        label=words.label,
        favorite=words.favorite,
        hash=_current_hash(change, sidecar),
        thumb_etag=change.thumbnail.plain_etag if change.thumbnail else "",
        thumb_source=_thumb_source(change),
    )


def name_only_record(change: Change, format_name: str) -> ItemRecord:
    """A row for an image whose files have not been read yet; the next scan reads them."""
    record = make_record(change, format_name, Read(None))
    return record._replace(etag="", sidecar_etag=_UNREAD, has_sidecar=int(change.sidecar is not None))


def provisional_record(name: str, format_name: str, tags: Sequence[str], notes: str) -> ItemRecord:
    """A row for an image of which a manifest tells; the next scan looks at it."""
    said = [_storable(tag) for tag in tags]
    record = name_only_record(Change(Entry(name, False, 0, 0, "", False), None, None, None), format_name)
    return record._replace(
        has_sidecar=int(bool(tags or notes)),
        tags=orjson.dumps(said).decode(),
        notes=_storable(notes),
    )


def is_unread(known: KnownItem) -> bool:
    """Whether a row holds only what a listing or a manifest said of the image."""
    return known.etag == "" and known.sidecar_etag == _UNREAD


def thumbnail_is_fresh(image: Entry, thumb_etag: str, thumb_mtime_ns: int, known: KnownItem | None) -> bool:
    """Whether a thumbnail shows the image as it is now.

    The catalog knows what its thumbnails were made from. Of one it does not know (another program's, or the catalog is
    new) the times must tell: an image as new as its thumbnail, or newer, has to be drawn again.
    """
    if known is not None and known.thumb_etag == thumb_etag:
        return bool(known.thumb_source) and known.thumb_source == image.etag
    return thumb_mtime_ns > image.mtime_ns


def _words_of(sidecar: Sidecar) -> _Words:
    return _Words(
        [_storable(tag) for tag in sidecar.tags],
        _storable(sidecar.notes),
        _storable(text_or_none(sidecar.exif.get("created_at")) or "") or None,
        sidecar.rating,
        sidecar.label and _storable(sidecar.label),
        int(sidecar.favorite),
    )


def _thumb_source(change: Change) -> str:
    if change.thumbnail is None:
        return ""
    entry = change.thumbnail.entry
    fresh = thumbnail_is_fresh(change.image, change.thumbnail.plain_etag, entry.mtime_ns, change.known)
    return change.image.etag if fresh else ""


def _current_hash(change: Change, sidecar: Sidecar | None) -> str | None:
    """The image's hash where something vouches that it is of these bytes, else None."""
    known, image = change.known, change.image
    if known is not None and known.hash and image.settled and known.etag == image.etag:
        return known.hash
    if change.sidecar is None or sidecar is None or sidecar.hash is None:
        return None
    replaced = known is not None and known.etag not in ("", image.etag)
    if replaced and known is not None and (known.sidecar_etag == change.sidecar.etag or known.hash == sidecar.hash):
        return None
    return _storable(sidecar.hash) if change.sidecar.entry.mtime_ns >= image.newest_ns else None


def _storable(text: str) -> str:
    """`text` without halves of surrogate pairs, which neither UTF-8 nor SQLite can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()

"""One bucket: the client library's calls, each counted; errors come as the library raises them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

import obstore
from obstore.exceptions import GenericError
from obstore.store import MemoryStore

from lenscat_backend.storage.object_errors import NO_STORE
from lenscat_backend.storage.object_keys import Found
from lenscat_backend.storage.object_pages import found_of
from lenscat_backend.storage.object_requests import RequestCounter

if TYPE_CHECKING:
    from obstore import (
        Attributes,
        GetOptions,
        GetResult,
        ObjectMeta,
        PutMode,
        PutResult,
        SignCapableStore,
        UpdateVersion,
    )
    from obstore.store import ObjectStore as Client

PART_BYTES = 8 << 20
"""Of a multipart upload: 10,000 parts (S3's limit) come to 80 GB."""

_MARK = "lenscatwrite"
"""The name of the user metadata that tells whose write made an object (letters only, for Azure)."""
_SOURCE = "lenscatsource"
"""The name of the user metadata with the etag of what an object was made from."""
_TYPES = {".json": "application/json", ".thumbnail": "image/webp"}


class Dialect(NamedTuple):
    """How kinds of stores differ: whether conditions quote ETags, and whether writes go by generation (Google).

    `one_slash` tells a store that takes a backslash for a slash (Azure).
    """

    quoted: bool
    generations: bool = False
    one_slash: bool = False

    def if_match(self, etag: str) -> str:
        """An ETag as a condition; radosgw takes it only without quotes, Azure and the memory only with."""
        return f'"{etag}"' if self.quoted else etag

    def version(self, told: PutResult) -> str:
        """The condition of the next write, from what the store told of an object."""
        return (told["version"] if self.generations else (told["e_tag"] or "").strip('"')) or ""

    def mode(self, version: str) -> UpdateVersion:
        """How to write only over `version`."""
        return {"version": version} if self.generations else {"e_tag": self.if_match(version)}


class Got(NamedTuple):
    """A reply to a GET whose body is not read yet."""

    found: Found
    version: str
    result: GetResult

    @property
    def source(self) -> str:
        """See `Blob.source`."""
        return self.result.attributes.get(_SOURCE, "")


class Bucket:
    """Calls by key. `patient` repeats failed requests by itself, `once` never does."""

    def __init__(self, patient: Client, once: Client, dialect: Dialect, counter: RequestCounter) -> None:
        self.patient = patient
        self.dialect = dialect
        self.counter = counter
        self._once = once

    @property
    def can_sign(self) -> bool:
        """Whether `sign` works."""
        return not isinstance(self.patient, MemoryStore)

    def head(self, key: str) -> tuple[Found, str]:
        """What is told of an object, and its version."""
        self.counter.add("HEAD")
        meta = obstore.head(self.patient, key)
        _check_whose(meta)
        return found_of(meta), self.dialect.version({"e_tag": meta["e_tag"], "version": meta["version"]})

    def get(self, key: str, *, start: int = 0, end: int | None = None, etag: str = "") -> Got:
        """The object, or its bytes `start` to `end` (excluded); only where it still has the `etag`, if given."""
        options: GetOptions = {}
        if end is not None:
            options["range"] = (start, end)
        if etag:
            options["if_match"] = self.dialect.if_match(etag)
        self.counter.add("GET")
        result = obstore.get(self.patient, key, options=options)
        meta = result.meta
        _check_whose(meta)
        return Got(found_of(meta), self.dialect.version({"e_tag": meta["e_tag"], "version": meta["version"]}), result)

    def body(self, got: Got) -> bytes:
        """All bytes of a reply."""
        data = bytes(got.result.bytes())
        self.counter.add("GET", 0, received_bytes=len(data))
        return data

    def put(self, key: str, data: bytes, source: str = "") -> str:
        """Write, whatever is there; gives the new version. The `source` is kept with the object."""
        self.counter.add("PUT", sent_bytes=len(data))
        attributes = _attributes(key, {_SOURCE: source} if source else {})
        return self.dialect.version(obstore.put(self.patient, key, data, attributes=attributes, use_multipart=False))

    def put_once(self, key: str, data: bytes, condition: str | Literal[True], mark: str) -> str:
        """Write in a single attempt where the object has the version `condition`; True: where there is none.

        The `mark` is kept with the object, for `find_mark`.
        """
        mode: PutMode = "create" if condition is True else self.dialect.mode(condition)
        self.counter.add("PUT", sent_bytes=len(data))
        return self.dialect.version(
            obstore.put(
                self._once, key, data, attributes=_attributes(key, {_MARK: mark}), mode=mode, use_multipart=False
            )
        )

    def find_mark(self, key: str) -> tuple[str, str]:
        """The mark of the write that made the object, "" where it has none, and its version."""
        self.counter.add("HEAD")
        result = obstore.get(self.patient, key, options={"head": True})
        meta = result.meta
        return result.attributes.get(_MARK, ""), self.dialect.version(
            {"e_tag": meta["e_tag"], "version": meta["version"]}
        )

    def put_chunks(self, key: str, chunks: Iterable[bytes]) -> None:
        """Write what may be large: in parts where it does not fit into one."""
        waiting = iter(chunks)
        first: list[bytes] = []
        size = 0
        for chunk in waiting:
            first.append(chunk)
            size += len(chunk)
            if size > PART_BYTES:
                self._put_parts(key, chain(first, waiting))
                return
        self.put(key, b"".join(first))

    def delete(self, key: str) -> None:
        """Delete; whether there was anything is not told."""
        self.counter.add("DELETE")
        obstore.delete(self.patient, key)

    def sign(self, key: str, expires_s: float) -> str:
        """An address that anybody can GET until it expires; no request is made."""
        return obstore.sign(cast("SignCapableStore", self.patient), "GET", key, timedelta(seconds=expires_s))

    def _put_parts(self, key: str, chunks: Iterable[bytes]) -> None:
        sent = 0

        def counted() -> Iterable[bytes]:
            nonlocal sent
            for chunk in chunks:
                sent += len(chunk)
                yield chunk

        try:
            obstore.put(
                self.patient,
                key,
                iter(counted()),
                attributes=_attributes(key, {}),
                chunk_size=PART_BYTES,
                use_multipart=True,
            )
        finally:
            parts = -(-sent // PART_BYTES)
            self.counter.add("PUT", parts + 2, sent_bytes=sent)  # one to begin, one to complete


def _check_whose(meta: ObjectMeta) -> None:
    """Every store gives every object an ETag: a reply without one comes from something else, a login page perhaps."""
    if not meta["e_tag"]:
        raise GenericError(f"HTTP error: {NO_STORE}")


def _attributes(key: str, metadata: dict[str, str]) -> Attributes:
    """What is kept with an object: its type, so that browsers and other tools know what it is, and our own metadata."""
    kind = next((kind for suffix, kind in _TYPES.items() if key.endswith(suffix)), "")
    return {"Content-Type": kind, **metadata} if kind else metadata

"""Listings page by page: through the client library, or by S3's own call where the library cannot list.

The library has two limits (obstore 0.12): one key that it does not take, such as ``a//b``, fails a whole listing; and
a listing with a delimiter comes all at once. `S3Pages` therefore asks S3 itself, with addresses that the library
signs, so that keys and instance roles remain its business.
"""

from __future__ import annotations

import weakref
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import quote, unquote_plus

import obstore
from obstore.exceptions import GenericError

from lenscat_backend.storage.object_errors import NO_STORE
from lenscat_backend.storage.object_http import Connection, Timeouts
from lenscat_backend.storage.object_keys import SECOND_NS, Found
from lenscat_backend.storage.object_patience import Patience
from lenscat_backend.storage.object_requests import RequestCounter

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore as Client

PAGE_KEYS = 1000
"""Most keys and common prefixes of one reply, of S3, Google Cloud Storage and radosgw alike."""
_IDLE = 8
"""Connections kept open between listings."""
IDLE_S = 20.0
"""For how long: what stands between often forgets an idle connection, and then nothing ever comes back on it."""


class Page(NamedTuple):
    """Part of a listing in key order: objects with their whole keys, and the common prefixes, which end in a slash."""

    files: tuple[Found, ...]
    folders: tuple[str, ...]


class PageSource(Protocol):
    """A way to list."""

    def pages(self, start: str, *, delimiter: bool) -> Iterator[Page]:
        """All keys that begin with `start`, which is empty or ends in a slash; with `delimiter` no deeper."""
        ...


class ClientPages:
    """Listings by the client library: fast, and the only way for stores other than S3.

    Keys lose a slash at their end, so that the placeholder of a folder looks like a file. With a delimiter the whole
    folder is one page, sorted, however large. `obstore.exceptions.InvalidPathError` where a key is not to its taste.
    """

    def __init__(self, client: Client, counter: RequestCounter, patience: Patience) -> None:
        """`patience` is for replies that break off; the client repeats all else by itself."""
        self._client = client
        self._counter = counter
        self._patience = patience

    def pages(self, start: str, *, delimiter: bool) -> Iterator[Page]:
        """See `PageSource.pages`."""
        if delimiter:
            yield self._patience.persist(lambda: self._folder(start), lambda trouble: trouble.is_cut)
            return
        stream, chunk = self._patience.persist(lambda: self._begin(start), lambda trouble: trouble.is_cut)
        while chunk:
            yield Page(tuple(found_of(meta) for meta in chunk), ())
            full, chunk = len(chunk) == PAGE_KEYS, next(stream, None)
            self._counter.add("LIST", 1 if full and chunk else 0)

    def _begin(self, start: str) -> tuple[Iterator[Sequence[ObjectMeta]], Sequence[ObjectMeta] | None]:
        self._counter.add("LIST")
        stream = iter(obstore.list(self._client, start.rstrip("/") or None, chunk_size=PAGE_KEYS))
        return stream, next(stream, None)

    def _folder(self, start: str) -> Page:
        self._counter.add("LIST")
        result = obstore.list_with_delimiter(self._client, start.rstrip("/") or None)
        objects, prefixes = result["objects"], result["common_prefixes"]
        self._counter.add("LIST", max(len(objects) + len(prefixes) - 1, 0) // PAGE_KEYS)
        return Page(tuple([found_of(meta) for meta in objects]), tuple(f"{prefix}/" for prefix in prefixes))


class S3Pages:
    """Listings by ``ListObjectsV2``: every key as it is, a page of at most 1,000 at a time."""

    def __init__(
        self, sign: Callable[[str], str], counter: RequestCounter, patience: Patience, timeouts: Timeouts
    ) -> None:
        """`sign` gives the address of the bucket with the query it is handed and a slash added to its end."""
        self._sign = sign
        self._counter = counter
        self._patience = patience
        self._timeouts = timeouts
        self._idle: list[tuple[float, Connection]] = []
        weakref.finalize(self, _close, self._idle)

    def pages(self, start: str, *, delimiter: bool) -> Iterator[Page]:
        """See `PageSource.pages`."""
        query = f"list-type=2&encoding-type=url&prefix={quote(start, safe='')}"
        last = "delimiter=" if delimiter else "x-id="  # which takes the slash
        token = ""
        with self._connection(last) as connection:
            while True:
                more = f"&continuation-token={quote(token, safe='')}" if token else ""
                page, token = self._ask(connection, f"{query}{more}&{last}")
                yield page
                if not token:
                    return

    @contextmanager
    def _connection(self, last: str) -> Iterator[Connection]:
        """One that an earlier listing left open a moment ago, or a new one."""
        connection = self._idle_connection() or Connection(self._sign(last), self._timeouts)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if len(self._idle) < _IDLE:
            self._idle.append((self._patience.clock(), connection))
        else:
            connection.close()

    def _idle_connection(self) -> Connection | None:
        """The one last used; where that is too long ago, so is it for all."""
        with suppress(IndexError):
            at, connection = self._idle.pop()
            if self._patience.clock() - at < IDLE_S:
                return connection
            connection.close()
            _close(self._idle)
        return None

    def _ask(self, connection: Connection, query: str) -> tuple[Page, str]:
        """A page, and the token of the next one, "" after the last."""

        def attempt() -> tuple[Page, str]:
            self._counter.add("LIST")
            reply = connection.ask(self._sign(query))
            if reply.status != 200:
                raise GenericError(f"status code: {reply.status}: {reply.data.decode(errors='replace')}")
            try:
                return _read_page(ET.fromstring(reply.data))
            except (ET.ParseError, KeyError, ValueError) as error:
                raise GenericError(f"HTTP error: {NO_STORE}") from error

        return self._patience.persist(attempt, lambda trouble: trouble.is_passing)


def _close(idle: list[tuple[float, Connection]]) -> None:
    while idle:
        idle.pop()[1].close()


def found_of(meta: ObjectMeta) -> Found:
    """What the client library tells of an object."""
    etag = meta["e_tag"] or ""
    etag = etag[1:-1] if etag[:1] == etag[-1:] == '"' else etag.strip('"')
    return Found(meta["path"], meta["size"], int(meta["last_modified"].timestamp()) * SECOND_NS, etag)


def _read_page(root: ET.Element) -> tuple[Page, str]:
    if not root.tag.endswith("ListBucketResult"):
        raise ValueError(root.tag)
    decode = unquote_plus if root.findtext("{*}EncodingType") == "url" else str
    files = (_read_object(element, decode) for element in root.iterfind("{*}Contents"))
    folders = (element.findtext("{*}Prefix") or "" for element in root.iterfind("{*}CommonPrefixes"))
    token = root.findtext("{*}NextContinuationToken") if root.findtext("{*}IsTruncated") == "true" else ""
    return Page(tuple(files), tuple(decode(folder) for folder in folders)), token or ""


def _read_object(element: ET.Element, decode: Callable[[str], str]) -> Found:
    told = {child.tag.rpartition("}")[2]: child.text or "" for child in element}
    seconds = int(datetime.fromisoformat(told["LastModified"]).timestamp())
    return Found(decode(told["Key"]), int(told["Size"]), seconds * SECOND_NS, told.get("ETag", "").strip('"'))

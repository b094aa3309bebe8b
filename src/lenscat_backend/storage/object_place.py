"""What all calls to an object store share: where it is, which key a path has, what an error means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from lenscat_backend.errors import InvalidPathError, NotFoundError
from lenscat_backend.models.paths import ROOT, LibraryPath
from lenscat_backend.storage.object_bucket import Bucket
from lenscat_backend.storage.object_errors import CLIENT_ERRORS, advise, translate, understand, wrong_region
from lenscat_backend.storage.object_keys import Found, key_of
from lenscat_backend.storage.object_listing import FolderLister
from lenscat_backend.storage.object_patience import Patience
from lenscat_backend.storage.object_reading import open_range
from lenscat_backend.storage.object_requests import RequestCounter


class ObjectPlace:
    """A bucket and a prefix in it."""

    def __init__(
        self,
        bucket: Bucket,
        lister: FolderLister,
        patience: Patience,
        *,
        label: str,
        prefix: LibraryPath = ROOT,
        writable: bool = True,
        concurrency: int = 16,
        find_region: Callable[[], str] = str,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """`label` describes the place; `find_region` is asked once a reply says that the region is wrong."""
        self._bucket = bucket
        self._lister = lister
        self._patience = patience
        self._label = label
        self._prefix = prefix
        self._writable = writable
        self._concurrency = concurrency
        self._find_region = find_region
        self._clock = clock

    @property
    def requests(self) -> RequestCounter:
        """What was asked of the object store so far."""
        return self._bucket.counter

    def _key(self, path: LibraryPath) -> str:
        key = key_of(self._prefix, path)
        if self._bucket.dialect.one_slash and "\\" in key:
            raise InvalidPathError(f"Azure takes the backslash in {path!r} for a slash: rename it.")
        return key

    def _head(self, key: str, *, believe_404: bool = True) -> tuple[Found, str]:
        """What is told of an object, and its version.

        Where a HEAD is refused, a GET of one byte more tells why, for its reply has a body. Unless `believe_404`,
        that goes for a missing object too: a missing bucket looks the same to a HEAD.
        """
        try:
            return self._bucket.head(key)
        except CLIENT_ERRORS as error:
            status = understand(error).status
            if status in (400, 401, 403) or (status == 404 and not believe_404):
                open_range(self._bucket, self._patience, key, 0, 1, "")
            raise

    def _exists(self, key: str) -> bool:
        try:
            self._bucket.head(key)
        except FileNotFoundError:
            return False
        return True

    @contextmanager
    def _translated(
        self, path: LibraryPath, failures: Sequence[BaseException] = (), *, may_be_missing: bool = True
    ) -> Iterator[None]:
        """Raise what the client library raises as what it means for `path`; an error in `failures` as it is.

        Unless it `may_be_missing`, a 404 is about the bucket: listings and writes are never answered so otherwise.
        """
        try:
            yield
        except CLIENT_ERRORS as error:
            if failures:
                raise failures[0] from None
            trouble = understand(error)
            if trouble.is_wrong_region and not trouble.region:
                raise wrong_region(self._find_region()) from error
            meant = translate(error, path)
            if isinstance(meant, NotFoundError) and not may_be_missing:
                meant = advise("NoSuchBucket")
            raise meant from error

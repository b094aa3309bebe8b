"""What all calls to an object store share: where it is, which key a path has, what an error means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from lenscat_backend.models.paths import ROOT, LibraryPath
from lenscat_backend.storage.object_bucket import Bucket
from lenscat_backend.storage.object_errors import CLIENT_ERRORS, translate, understand, wrong_region
from lenscat_backend.storage.object_keys import key_of
from lenscat_backend.storage.object_listing import FolderLister
from lenscat_backend.storage.object_patience import Patience
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
        return key_of(self._prefix, path)

    def _exists(self, key: str) -> bool:
        try:
            self._bucket.head(key)
        except FileNotFoundError:
            return False
        return True

    @contextmanager
    def _translated(self, path: LibraryPath, failures: Sequence[BaseException] = ()) -> Iterator[None]:
        """Raise what the client library raises as what it means for `path`; an error in `failures` as it is."""
        try:
            yield
        except CLIENT_ERRORS as error:
            if failures:
                raise failures[0] from None
            trouble = understand(error)
            if trouble.is_wrong_region and not trouble.region:
                raise wrong_region(self._find_region()) from error
            raise translate(error, path) from error

"""The store in a bucket: S3 and what speaks it, Google Cloud Storage, Azure Blob Storage, and memory for tests."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from obstore.exceptions import PreconditionError

from lenscat_backend.errors import ReadOnlyError, VersionMismatchError
from lenscat_backend.models.paths import ROOT, LibraryPath, join
from lenscat_backend.storage.base import Blob, Capabilities
from lenscat_backend.storage.names import TEMP_PREFIX
from lenscat_backend.storage.object_keys import SECOND_NS, entry_etag
from lenscat_backend.storage.object_many import ManyObjects
from lenscat_backend.storage.object_reader import ObjectReader
from lenscat_backend.storage.object_writing import ConditionalPuts, probe, put_on_condition
from lenscat_backend.storage.os_errors import missing


class ObjectStore(ObjectReader, ManyObjects):
    """The objects of a bucket below a prefix, under library paths. For several threads; not to be used after a fork.

    Every call may raise `UnreachableError` (no bucket, wrong region, no answer, a clock that is off), `ForbiddenError`
    (keys and permissions) and `InvalidPathError` (a path that cannot be a key). Folders are made of names: one is there
    while something lies in it. An object store has no lock on names: `x` and `x/y` may both be files.

    Entries carry whole seconds, and etags made of the object's ETag and size, so that they are always settled.
    """

    @property
    def capabilities(self) -> Capabilities:
        """No folder etags, every call a request, and writes unless opened read-only."""
        return Capabilities(folder_etag=False, writable=self._writable, remote=True)

    def describe(self) -> str:
        """For example ``s3://bucket/prefix``."""
        return self._label if self._writable else f"{self._label}, read-only"

    def local_path(self, path: LibraryPath) -> Path | None:
        """None: nothing here lies on a disk of this machine."""
        return None

    def write(
        self,
        path: LibraryPath,
        data: bytes,
        *,
        if_version: str | None = None,
        create_only: bool = False,
        durable: bool = True,
        source: str = "",
    ) -> Blob:
        """See `Store.write`: one PUT, with ``If-Match`` or ``If-None-Match: *``; always durable.

        A refused change costs a HEAD more, to tell a changed file from a missing one. `UnreachableError` may mean that
        it is not known whether the write took place; its message then says so. `Blob.mtime_ns` is this machine's time:
        a PUT does not tell the store's.
        """
        self._check_writable()
        if create_only and if_version is not None:
            raise ValueError("if_version and create_only exclude each other")
        key = self._key(path)
        with self._translated(path, may_be_missing=if_version is not None):
            version = self._put(path, key, data, True if create_only else if_version, source)
        now_ns = self._clock() // SECOND_NS * SECOND_NS
        return Blob(bytes(data), version, entry_etag(version, len(data)), now_ns, source)

    def write_chunks(self, path: LibraryPath, chunks: Iterable[bytes]) -> None:
        """See `Store.write_chunks`: one PUT up to 8 MiB, above it a multipart upload in parts of 8 MiB."""
        self._check_writable()
        key, failures = self._key(path), list[BaseException]()

        def watched() -> Iterator[bytes]:
            try:
                yield from chunks
            except BaseException as error:
                failures.append(error)
                raise

        with self._translated(path, failures, may_be_missing=False):
            self._bucket.put_chunks(key, watched())

    def delete(self, path: LibraryPath, *, if_version: str | None = None) -> None:
        """See `Store.delete`: a HEAD and a DELETE.

        Not atomic: S3 has no portable conditional delete, so a change made between the two requests is lost with the
        file. Where that matters, write an empty file on condition instead.
        """
        self._check_writable()
        key = self._key(path)
        with self._translated(path):
            _, version = self._head(key)
            if if_version not in (None, version):
                raise VersionMismatchError(f"{path!r} was changed meanwhile: read it again, merge and retry.")
            self._bucket.delete(key)

    def sweep(self, folder: LibraryPath) -> Sequence[str]:
        """Nothing: an unfinished write is never seen. Parts of broken multipart uploads are the bucket's to expire."""
        return ()

    def conditions_problem(self) -> str | None:
        """See `Store.conditions_problem`, and `probe_conditional_puts` for what is asked."""
        kept = self.probe_conditional_puts()
        if kept.create_only and kept.if_version:
            return None
        which = "changes (If-Match)" if kept.create_only else "first writes (If-None-Match)"
        return (
            f"This object store does not keep the conditions of {which}: of two edits of one picture at once, "
            "one may be lost. Let only one server write to it, or use a store that keeps them."
        )

    def probe_conditional_puts(self) -> ConditionalPuts:
        """Whether the store keeps the conditions of writes, tried on a hidden name that is removed again.

        Five PUTs and a DELETE at most. `ReadOnlyError` where the store is opened read-only.
        """
        self._check_writable()
        path = join(ROOT, f"{TEMP_PREFIX}probe-{secrets.token_hex(8)}")
        with self._translated(path):
            return probe(self._bucket, self._key(path))

    def _put(self, path: LibraryPath, key: str, data: bytes, condition: str | Literal[True] | None, source: str) -> str:
        if condition is None:
            return self._bucket.put(key, data, source)
        try:
            return put_on_condition(self._bucket, self._patience, key, data, condition)
        except PreconditionError:
            if not self._exists(key):
                raise missing(path) from None
            raise

    def _check_writable(self) -> None:
        if not self._writable:
            raise ReadOnlyError("This library is opened read-only: nothing was changed.")

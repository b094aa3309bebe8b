"""An object store behind a proxy that fails as it is told to, and one call of each kind to make of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from lenscat_backend.models.paths import ROOT, parse_path
from lenscat_backend.storage.object_store import ObjectStore
from tests.s3.faulty_proxy import FaultyProxy
from tests.s3.servers import S3Server

A = parse_path("a.json")
B = parse_path("b.json")


class Faulty(NamedTuple):
    """A store behind a proxy that breaks what it is told to, and one that goes past it."""

    store: ObjectStore
    proxy: FaultyProxy
    direct: ObjectStore
    server: S3Server
    bucket: str


def calls(store: ObjectStore) -> dict[str, Callable[[], Any]]:
    """One call of each kind."""
    return {
        "list": lambda: store.list_folder(ROOT),
        "pages": lambda: list(store.list_pages(ROOT)),
        "tree": lambda: list(store.list_tree_pages(ROOT)),
        "stat": lambda: store.stat(A),
        "read": lambda: store.read(A, 100),
        "range": lambda: store.read_range(A, 0, 4),
        "stream": lambda: list(store.stream(A, 0, 10)),
        "write": lambda: store.write(A, b"0123456789"),
        "create": lambda: store.write(B, b"1", create_only=True),
        "change": lambda: store.write(A, b"0123456789", if_version=store.read(A, 100).version),
        "delete": lambda: store.delete(A),
    }

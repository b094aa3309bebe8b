"""Sixteen writers at once, threads and processes, against real servers: no write is lost, no creation won twice."""

from __future__ import annotations

import json
import multiprocessing
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from lenscat_backend.errors import AlreadyExistsError, ConflictError
from lenscat_backend.models.paths import ROOT, LibraryPath, parse_path
from lenscat_backend.storage.location import parse_location
from lenscat_backend.storage.object_open import open_object_store
from lenscat_backend.storage.object_options import ObjectOptions
from lenscat_backend.storage.object_store import ObjectStore
from tests.s3.faulty_proxy import Fault, Seen, faulty_proxy
from tests.s3.servers import S3Server

WRITERS = 16
A = parse_path("x/a.jpg.json")


def add_tag(store: ObjectStore, path: LibraryPath, tag: str) -> None:
    """Add to the set of tags in a file, made where it is missing."""
    while True:
        try:
            listing = {entry.name for entry in store.list_folder(ROOT).entries}
            if not listing:
                store.write(path, json.dumps([tag]).encode(), create_only=True)
                return
            blob = store.read(path, 1 << 20)
            tags = sorted({*json.loads(blob.data), tag})
            store.write(path, json.dumps(tags).encode(), if_version=blob.version)
            return
        except ConflictError:
            continue


def add_tags(options: ObjectOptions, bucket: str, process: int, writers: int, each: int) -> None:
    """The work of one process: so many threads, each adding so many tags."""
    store = open_object_store(parse_location(f"s3://{bucket}"), options)

    def write(writer: int) -> None:
        for number in range(each):
            add_tag(store, A, f"{process}-{writer}-{number}")

    with ThreadPoolExecutor(writers) as threads:
        list(threads.map(write, range(writers)))


def tags_of(server: S3Server, bucket: str) -> set[str]:
    return set(json.loads(server.open(bucket).read(A, 1 << 20).data))


def expected(processes: int, writers: int, each: int) -> set[str]:
    return {f"{p}-{w}-{n}" for p in range(processes) for w in range(writers) for n in range(each)}


def test_threads_lose_no_tag(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    add_tags(s3_server.options(), bucket, 0, WRITERS, 3)
    assert tags_of(s3_server, bucket) == expected(1, WRITERS, 3)


def test_processes_lose_no_tag(s3_server: S3Server) -> None:
    bucket, options = s3_server.new_bucket(), s3_server.options()
    spawn = multiprocessing.get_context("spawn")  # a store does not live through a fork
    processes = [spawn.Process(target=add_tags, args=(options, bucket, number, WRITERS // 4, 4)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 4
    assert tags_of(s3_server, bucket) == expected(4, WRITERS // 4, 4)


def test_losing_replies_loses_no_tag(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    with faulty_proxy(s3_server.port) as proxy:
        numbers: Iterator[int] = iter(range(1_000_000))

        def plan(seen: Seen) -> Fault | None:
            if seen.method != "PUT":
                return None
            return {0: Fault(lose_reply=True), 1: Fault(status_after=500)}.get(next(numbers) % 5)

        proxy.plan = plan
        add_tags(s3_server.options(endpoint=proxy.url, retries=8), bucket, 0, 8, 2)
    assert tags_of(s3_server, bucket) == expected(1, 8, 2)


@pytest.mark.parametrize("same", [False, True])
def test_one_of_sixteen_creates(s3_server: S3Server, same: bool) -> None:
    stores = [s3_server.open(bucket) for bucket in [s3_server.new_bucket()] for _ in range(WRITERS)]
    for number in range(5):
        path = parse_path(f"new/{number}")
        datas = [b"same" if same else secrets.token_bytes(8) for _ in stores]
        results = at_once([create(store, path, data) for store, data in zip(stores, datas, strict=True)])
        assert results.count(True) == 1
        assert stores[0].read(path, 100).data == datas[results.index(True)]


def create(store: ObjectStore, path: LibraryPath, data: bytes) -> Callable[[], bool]:
    """Tries to create and says whether it did."""

    def attempt() -> bool:
        try:
            store.write(path, data, create_only=True)
        except AlreadyExistsError:
            return False
        return True

    return attempt


def test_one_of_sixteen_changes(s3_server: S3Server) -> None:
    store = s3_server.open()
    for _ in range(5):
        version = store.write(A, secrets.token_bytes(8)).version
        results = at_once([change(store, version) for _ in range(WRITERS)])
        assert results.count(True) == 1


def change(store: ObjectStore, version: str) -> Callable[[], bool]:
    """Tries to change what has that version to the same bytes as everybody, and says whether it did."""

    def attempt() -> bool:
        try:
            store.write(A, b"the same", if_version=version)
        except ConflictError:
            return False
        return True

    return attempt


def at_once(calls: list[Callable[[], bool]]) -> list[bool]:
    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result() for future in [threads.submit(call) for call in calls]]

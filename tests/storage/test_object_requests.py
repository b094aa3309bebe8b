"""How many requests an object store is asked: exactly what the server sees, and what each call promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from lenscat_backend.errors import ConflictError, NotFoundError, VersionMismatchError
from lenscat_backend.models.paths import ROOT, parse_path
from lenscat_backend.storage.object_reading import RangeRequest
from lenscat_backend.storage.object_requests import Prices, RequestCounter, Tally
from lenscat_backend.storage.object_store import ObjectStore
from tests.s3.faulty_proxy import FaultyProxy, faulty_proxy
from tests.s3.servers import S3Server

A = parse_path("x/a.jpg")
MANY = 5_003


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3_server.port) as running:
        yield running


@pytest.fixture
def store(s3_server: S3Server, proxy: FaultyProxy) -> ObjectStore:
    return s3_server.open(prefix="in", endpoint=proxy.url)


@pytest.fixture(scope="module", params=["ministack", "radosgw"])
def many(request: pytest.FixtureRequest, s3_servers: Callable[[str], S3Server]) -> tuple[S3Server, str]:
    """A bucket with `MANY` files in the folder `many` and 5 in `many/below`."""
    server = s3_servers(request.param)
    bucket = server.new_bucket()
    store = server.open(bucket, "in")
    names = [f"many/img{number:05}.jpg" for number in range(MANY)] + [f"many/below/{number}" for number in range(5)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: store.write(parse_path(name), name.encode()), names))
    return server, bucket


def asked(proxy: FaultyProxy, store: ObjectStore, call: Callable[[], Any]) -> dict[str, int]:
    """What the call cost, as the server saw it, which must be what we counted."""
    before, seen = store.requests.requests(), len(proxy.seen)
    with suppress(ConflictError, NotFoundError):
        call()
    after = store.requests.requests()
    counted = {kind: number - before.get(kind, 0) for kind, number in after.items() if number != before.get(kind, 0)}
    passed: dict[str, int] = {}
    for request in proxy.seen[seen:]:
        passed[request.kind] = passed.get(request.kind, 0) + 1
    assert counted == passed
    return passed


def test_what_each_call_costs(store: ObjectStore, proxy: FaultyProxy) -> None:
    blob = store.write(A, b"0123456789")
    missing = parse_path("x/none")
    entry = store.stat(A)
    cost = partial(asked, proxy, store)
    assert cost(lambda: store.write(A, b"0123456789")) == {"PUT": 1}
    assert cost(lambda: store.write(A, b"0123456789", if_version=blob.version)) == {"PUT": 1}
    assert cost(lambda: store.write(missing, b"1", if_version="0" * 32)) == {"PUT": 1, "HEAD": 1}
    assert cost(lambda: store.write(A, b"1", if_version="0" * 32)) == {"PUT": 1, "HEAD": 1}
    assert cost(lambda: store.write(A, b"1", create_only=True)) == {"PUT": 1}
    assert cost(lambda: store.read(A, 100)) == {"GET": 1}
    assert cost(lambda: store.read_range(A, 2, 3)) == {"GET": 1}
    assert cost(lambda: store.read_range(A, 2, 0)) == {}
    assert cost(lambda: list(store.stream(A, 0, 10))) == {"GET": 1}
    assert cost(lambda: store.stat(A)) == {"HEAD": 1}
    assert cost(lambda: store.stat(parse_path("x"))) == {"HEAD": 1, "LIST": 1}
    assert cost(lambda: store.stat(missing)) == {"HEAD": 1, "LIST": 1}
    assert cost(lambda: store.list_folder(parse_path("x"))) == {"LIST": 1}
    assert cost(lambda: list(store.list_pages(ROOT))) == {"LIST": 1}
    assert cost(lambda: list(store.list_tree_pages(ROOT))) == {"LIST": 1}
    assert cost(lambda: store.open(A).close()) == {"HEAD": 1}
    assert cost(lambda: store.open(A, entry).read(0, 5)) == {"GET": 1}
    assert cost(lambda: store.signed_url(A, 60)) == {}
    assert cost(lambda: list(store.read_many([RangeRequest(A, 0, 4)] * 9))) == {"GET": 9}
    assert cost(store.probe_conditional_puts) == {"PUT": 4, "DELETE": 1}
    assert cost(lambda: store.write_chunks(A, [b"1", b"2"])) == {"PUT": 1}
    assert cost(lambda: store.write_chunks(A, [bytes(3 << 20)] * 6)) == {"PUT": 5}  # begin, three parts, complete
    assert cost(lambda: store.delete(A)) == {"HEAD": 1, "DELETE": 1}
    assert cost(lambda: store.delete(A)) == {"HEAD": 1}


def test_bytes_are_counted(s3_server: S3Server) -> None:
    store = s3_server.open()
    store.write(A, bytes(1000))
    store.read(A, 1000)
    store.read_range(A, 990, 100)
    list(store.stream(A, 0, 500))
    store.write_chunks(A, [bytes(10)] * 3)
    tallies = store.requests.tallies()
    assert tallies["GET"] == Tally(3, received_bytes=1510)
    assert tallies["PUT"] == Tally(2, sent_bytes=1030)


def test_a_large_folder_streams(many: tuple[S3Server, str]) -> None:
    server, bucket = many
    with faulty_proxy(server.port) as proxy:
        store = server.open(bucket, "in", endpoint=proxy.url)
        folder = parse_path("many")
        pages = list(store.list_pages(folder))
        assert len(pages) == 6 and all(len(page) <= 1000 for page in pages)  # radosgw's may be shorter
        names = [entry.name for page in pages for entry in page]
        assert names == ["below", *(f"img{number:05}.jpg" for number in range(MANY))]
        assert asked(proxy, store, lambda: list(store.list_pages(folder))) == {"LIST": 6}
        assert asked(proxy, store, lambda: next(store.list_pages(folder))) == {"LIST": 1}
        assert asked(proxy, store, lambda: store.list_folder(folder)) == {"LIST": 6}
        assert set(store.list_folder(folder).entries) == {entry for page in pages for entry in page}


def test_a_large_tree_streams(many: tuple[S3Server, str]) -> None:
    server, bucket = many
    with faulty_proxy(server.port) as proxy:
        store = server.open(bucket, endpoint=proxy.url)
        pages = list(store.list_tree_pages(ROOT))
        assert len(pages) == 6 and all(len(page) <= 1000 for page in pages)
        paths = [path for page in pages for path, _ in page]
        assert paths == sorted(paths, key=str.encode) and paths[0] == "in/many/below/0"
        assert proxy.counts() == {"LIST": 6} == store.requests.requests()


def test_many_ranges_come_in_order(many: tuple[S3Server, str]) -> None:
    server, bucket = many
    store = server.open(bucket, "in", concurrency=5)
    entries = {entry.name: entry for entry in store.list_folder(parse_path("many")).entries}
    names = [f"img{number:05}.jpg" for number in range(200)]
    asked_for = [RangeRequest(parse_path(f"many/{name}"), 5, 99, entries[name].etag) for name in names]
    asked_for[7] = asked_for[7]._replace(path=parse_path("many/none"))
    asked_for[8] = asked_for[8]._replace(etag="00-1")
    results = list(store.read_many(iter(asked_for)))
    assert isinstance(results[7], NotFoundError) and isinstance(results[8], VersionMismatchError)
    good = [number for number in range(200) if number not in (7, 8)]
    assert [results[number] for number in good] == [names[number].encode() for number in good]


def test_many_ranges_may_be_left_early(many: tuple[S3Server, str]) -> None:
    server, bucket = many
    store = server.open(bucket, "in", concurrency=4)
    drawn = 0

    def endless() -> Iterator[RangeRequest]:
        nonlocal drawn
        while True:
            drawn += 1
            yield RangeRequest(parse_path("many/img00001.jpg"), 0, 4)

    results = store.read_many(endless())
    assert next(results) == b"many"
    results.close()  # type: ignore[attr-defined] # a generator
    assert drawn <= 9


def test_counting_from_many_threads() -> None:
    counter = RequestCounter()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: counter.add("GET", received_bytes=number), range(1000)))
    assert counter.tallies()["GET"] == Tally(1000, received_bytes=499_500)
    assert counter.requests() == {"GET": 1000}


def test_the_estimate() -> None:
    tallies = {"LIST": Tally(1000), "GET": Tally(10_000, received_bytes=10**9), "PUT": Tally(100), "DELETE": Tally(5)}
    assert Prices().cost(tallies) == pytest.approx(0.005 + 0.004 + 0.0005 + 0.09)  # type: ignore[arg-type]
    assert Prices(per_1000={"GET": 1.0}, per_gb_received=0.0).cost(tallies) == 10.0  # type: ignore[arg-type]

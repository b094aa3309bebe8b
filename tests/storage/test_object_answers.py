"""Replies that are not what they seem: 404 from something else, errors without a reason, bodies that end early."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from obstore.exceptions import GenericError

from lenscat_backend.errors import ForbiddenError, LenscatError, NotFoundError, UnreachableError
from lenscat_backend.models.paths import ROOT, parse_path
from lenscat_backend.storage.base import Entry
from lenscat_backend.storage.object_patience import Patience
from lenscat_backend.storage.object_reading import RangeRequest, read_many
from lenscat_backend.storage.remote_file import RemoteFile
from tests.s3.faulty_proxy import Fault, Seen, faulty_proxy
from tests.s3.faulty_store import A, B, Faulty, calls
from tests.s3.servers import S3Server

ALWAYS = 1_000_000
FOLDER = parse_path("trip")
FOREIGN = Fault(status=404)
"""As a web server, or a proxy before a store that is away, answers: no word of the object store's own."""


def always(fault: Fault) -> Callable[[Seen], Fault]:
    return lambda seen: fault


@pytest.mark.parametrize("name", ["list", "pages", "tree", "stat", "read", "range", "stream", "write", "create"])
def test_a_404_that_is_not_the_object_stores_does_not_mean_missing(faulty: Faulty, name: str) -> None:
    faulty.proxy.plan = always(FOREIGN)
    with pytest.raises(UnreachableError, match="check the endpoint"):
        calls(faulty.store)[name]()


def test_a_folder_is_not_missing_because_its_listing_is(faulty: Faulty) -> None:
    """Whatever the code: a folder that is empty is listed, with nothing in it."""
    faulty.proxy.plan = always(Fault(status=404, code="NoSuchKey"))
    for call in (
        lambda: faulty.store.list_folder(FOLDER),
        lambda: faulty.store.peek(FOLDER),
        lambda: list(faulty.store.walk()),
        lambda: faulty.store.stat(FOLDER),
    ):
        with pytest.raises(UnreachableError, match="check the bucket's name"):
            call()


def test_what_is_really_missing_is_missing(faulty: Faulty) -> None:
    for call in (
        lambda: faulty.store.list_folder(FOLDER),
        lambda: faulty.store.peek(FOLDER),
        lambda: faulty.store.stat(B),
        lambda: faulty.store.open(B),
        lambda: faulty.store.read(B, 100),
        lambda: faulty.store.delete(B),
    ):
        with pytest.raises(NotFoundError):
            call()


def test_a_page_that_is_no_listing_is_not_an_empty_folder(faulty: Faulty) -> None:
    """A proxy that wants a login answers everything with 200."""
    faulty.proxy.plan = always(Fault(status=200))
    for name in ("list", "pages", "tree", "stat", "read", "stream"):
        with pytest.raises(UnreachableError, match="not as an object store"):
            calls(faulty.store)[name]()


def test_an_empty_folder_is_asked_for_twice(faulty: Faulty) -> None:
    """Once is not enough to believe it: the client library takes any reply without keys for an empty listing."""
    before = len(faulty.proxy.seen)
    with pytest.raises(NotFoundError):
        faulty.store.list_folder(FOLDER)
    assert [seen.kind for seen in faulty.proxy.seen[before:]] == ["LIST", "LIST"]


REASONS: dict[str, tuple[Fault, type[LenscatError], str]] = {
    "expired": (Fault(status=400, code="ExpiredToken"), ForbiddenError, "expired"),
    "clock": (Fault(status=403, code="RequestTimeTooSkewed"), UnreachableError, "clock"),
    "unknown key": (Fault(status=403, code="InvalidAccessKeyId"), ForbiddenError, "AWS_ACCESS_KEY_ID"),
    "wrong region": (
        Fault(status=400, code="AuthorizationHeaderMalformed", extra="<Region>eu-west-1</Region>"),
        UnreachableError,
        "S3_REGION=eu-west-1",
    ),
    "no bucket": (Fault(status=404, code="NoSuchBucket"), UnreachableError, "bucket's name"),
}


@pytest.mark.parametrize("kind", REASONS)
def test_the_reason_that_a_head_does_not_tell_is_asked_for(faulty: Faulty, kind: str) -> None:
    fault, expected, words = REASONS[kind]
    faulty.proxy.plan = always(fault)
    for call in (lambda: faulty.store.stat(A), lambda: faulty.store.open(A)):
        with pytest.raises(expected, match=words):
            call()


def test_a_refusal_without_a_code_is_no_reason_to_wait(faulty: Faulty) -> None:
    faulty.proxy.plan = always(Fault(status=400))
    with pytest.raises(UnreachableError, match=r"refuses the request \(400\): check the endpoint") as caught:
        faulty.store.list_folder(ROOT)
    assert caught.value.retry_after_s == 30.0


def test_an_error_that_is_cut_is_read_again(faulty: Faulty) -> None:
    """A missing sidecar is a 404 whose body may be cut, too."""
    for call in (lambda: faulty.store.read(B, 100), lambda: list(faulty.store.stream(B, 0, 4))):
        faulty.proxy.fail_next(Fault(cut_after=10), method="GET")
        with pytest.raises(NotFoundError):
            call()


def test_a_cut_listing_says_so_whoever_reads_it(faulty: Faulty) -> None:
    for name in ("list", "pages", "tree"):
        faulty.proxy.plan = always(Fault(cut_after=10))
        with pytest.raises(UnreachableError, match="cut the connection"):
            calls(faulty.store)[name]()


def test_a_long_stream_goes_on_after_more_cuts_than_one_request_survives(faulty: Faulty) -> None:
    data = bytes(range(256)) * 16_000
    faulty.direct.write(A, data)
    faulty.proxy.plan = always(Fault(cut_after=700_000))
    assert b"".join(faulty.store.stream(A, 0, len(data))) == data
    assert b"".join(faulty.store.stream(A, 1000, 3_000_000)) == data[1000:3_001_000]


def test_a_long_stream_never_mixes_two_versions(faulty: Faulty) -> None:
    old, new = b"o" * 4_000_000, b"n" * 4_000_000
    faulty.direct.write(A, old)
    faulty.proxy.plan = always(Fault(cut_after=700_000))
    chunks = faulty.store.stream(A, 0, len(old))
    got = next(chunks)
    faulty.direct.write(A, new)
    with pytest.raises(LenscatError):
        for chunk in chunks:
            got += chunk
    assert set(got) == {ord("o")} and len(got) < len(old)


def test_a_stream_that_gets_nowhere_ends(faulty: Faulty) -> None:
    faulty.direct.write(A, bytes(1_000_000))
    faulty.proxy.plan = always(Fault(cut_after=100))
    with pytest.raises(UnreachableError, match="cut the connection"):
        list(faulty.store.stream(A, 0, 1_000_000))
    assert len(faulty.proxy.seen) < 20


def test_silence_is_not_endured_again_and_again(ministack: S3Server) -> None:
    """No attempt is begun once `window_s` has passed: a user waits for one silence, not for six."""
    bucket = ministack.new_bucket()
    ministack.open(bucket).write(A, b"1")
    heard = threading.Event()
    with faulty_proxy(ministack.port) as proxy:
        store = ministack.open(bucket, endpoint=proxy.url, timeout_s=0.2, retries=5, window_s=0.1)
        proxy.plan = always(Fault(delay=heard, hang_up=True))
        try:
            for name, call in calls(store).items():
                before = len(proxy.seen)
                with pytest.raises(UnreachableError):
                    call()
                assert len(proxy.seen) - before == 1, name
        finally:
            heard.set()


def test_patience_has_an_end() -> None:
    now = [0.0]

    def wait(delay_s: float) -> None:
        now[0] += delay_s

    def attempt() -> None:
        began.append(now[0])
        now[0] += 4.0
        raise GenericError("HTTP error: TimedOut")

    began: list[float] = []
    patience = Patience(
        retries=9, first_delay_s=1.0, longest_delay_s=1.0, window_s=10.0, sleep=wait, clock=lambda: now[0]
    )
    with pytest.raises(GenericError):
        patience.persist(attempt, lambda trouble: trouble.is_passing)
    assert len(began) == 3 and began[-1] < 10.0


def test_many_reads_give_up_together() -> None:
    """Where nothing answers any more, a folder of thousands of pictures does not wait for each."""
    asked = 0

    def read(request: RangeRequest) -> bytes:
        nonlocal asked
        asked += 1
        if asked > 20:
            raise UnreachableError("gone")
        return b"1"

    answers = list(read_many(read, [RangeRequest(A, 0, 1)] * 1000, 4))
    assert answers[:20] == [b"1"] * 20 and all(isinstance(answer, UnreachableError) for answer in answers[20:])
    assert asked < 40


@pytest.mark.parametrize("concurrency", [1, 4])
def test_one_read_that_fails_does_not_spoil_the_others(concurrency: int) -> None:
    """A store that always fails with one object, as damaged disks have it."""
    others = threading.Event()

    def read(request: RangeRequest) -> bytes:
        if request.offset == 5:
            others.wait(0 if concurrency == 1 else 10)
            raise UnreachableError("damaged")
        if request.offset == 8:
            others.set()
        return b"1"

    answers = list(read_many(read, [RangeRequest(A, number, 1) for number in range(100)], concurrency))
    assert [number for number, answer in enumerate(answers) if answer != b"1"] == [5]


def test_damaged_objects_in_a_row_do_not_spoil_the_others(faulty: Faulty) -> None:
    """Else what comes after them in their folder would never be read."""
    store = faulty.server.open(faulty.bucket, "in", endpoint=faulty.proxy.url, concurrency=2, retries=0)
    faulty.direct.write(B, b"damaged")
    broken, unable = Fault(status=500, code="InternalError"), Fault(status=502)
    requests = [*[RangeRequest(B, 0, 1)] * 8, *[RangeRequest(A, 0, 1)] * 8]
    faulty.proxy.plan = lambda seen: broken if "b.json" in seen.target else None
    assert list(store.read_many(requests))[8:] == [b"0"] * 8
    faulty.proxy.plan = lambda seen: unable if "b.json" in seen.target else None
    assert all(isinstance(answer, UnreachableError) for answer in store.read_many(requests))


def test_that_something_is_missing_is_an_answer() -> None:
    last = threading.Event()

    def read(request: RangeRequest) -> bytes:
        if request.offset == 0:
            last.wait(10)
            raise UnreachableError("silent")
        if request.offset == 3:
            last.set()
        raise NotFoundError("missing")

    answers = list(read_many(read, [RangeRequest(A, number, 1) for number in range(50)], 2))
    assert all(isinstance(answer, NotFoundError) for answer in answers[1:])


def test_a_file_that_ends_early_is_not_whole() -> None:
    entry = Entry("a.jpg", False, 10, 0, "1-a", True)

    def chunks(offset: int, length: int) -> Iterator[bytes]:
        yield b"01234"

    def file() -> RemoteFile:
        return RemoteFile(entry, lambda offset, length: b"01234", chunks)

    short: list[Callable[[RemoteFile], Any]] = [
        lambda opened: list(opened.stream(0, 10)),
        lambda opened: opened.on_disk(),
        lambda opened: opened.read(0, 10),
    ]
    for read in short:
        with file() as opened, pytest.raises(UnreachableError, match="ended early"):
            read(opened)
    with file() as opened:
        assert list(opened.stream(0, 5)) == [b"01234"] and opened.read(0, 5) == b"01234"

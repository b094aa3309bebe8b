"""What goes wrong between here and the bucket: retried where that helps, else an error that says what to do."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from lenscat_backend.errors import (
    AlreadyExistsError,
    ForbiddenError,
    LenscatError,
    UnreachableError,
    UnsupportedError,
    VersionMismatchError,
)
from lenscat_backend.models.paths import ROOT
from lenscat_backend.storage.object_bucket import Bucket
from tests.s3.faulty_proxy import Fault, Seen
from tests.s3.faulty_store import A, B, Faulty, calls
from tests.s3.servers import S3Server

ALWAYS = 1_000_000


PASSING = {
    "slow down": Fault(status=503, code="SlowDown"),
    "internal": Fault(status=500, code="InternalError"),
    "bad gateway": Fault(status=502),
    "hang up": Fault(hang_up=True),
    "lost reply": Fault(lose_reply=True),
    "done, but 500": Fault(status_after=500, code="InternalError"),
}


@pytest.mark.parametrize("kind", PASSING)
def test_what_passes_is_tried_again(faulty: Faulty, kind: str) -> None:
    for name, call in calls(faulty.store).items():
        faulty.proxy.fail_next(PASSING[kind])
        if name == "delete" and kind in ("lost reply", "done, but 500"):
            faulty.proxy.fail_next(PASSING[kind], method="DELETE")
        call()
    assert [entry.name for entry in faulty.direct.list_folder(ROOT).entries] == ["b.json"]


@pytest.mark.parametrize("cut_after", [0, 1, 5])
def test_a_body_that_is_cut_is_read_on(faulty: Faulty, cut_after: int) -> None:
    for name in ("read", "stream", "range", "list", "pages", "tree"):
        faulty.proxy.fail_next(Fault(cut_after=cut_after), method="GET")
        calls(faulty.store)[name]()
    faulty.proxy.fail_next(Fault(cut_after=cut_after), times=2, method="GET")
    assert faulty.store.read(A, 100).data == b"0123456789"
    faulty.proxy.fail_next(Fault(cut_after=cut_after), times=2, method="GET")
    assert b"".join(faulty.store.stream(A, 1, 8)) == b"12345678"


def test_a_body_cut_while_the_file_changes_is_never_a_mixture(faulty: Faulty) -> None:
    old, new = b"o" * 3_000_000, b"n" * 3_000_000
    faulty.direct.write(A, old)
    first = True

    def plan(seen: Seen) -> Fault | None:
        nonlocal first
        if seen.method == "GET" and not first:
            faulty.direct.write(A, new)
        cut, first = first, False
        return Fault(cut_after=1_000_000) if cut else None

    faulty.proxy.plan = plan
    try:
        assert faulty.store.read(A, 1 << 30).data in (old, new)
    except LenscatError as error:
        assert isinstance(error, UnreachableError | VersionMismatchError)


LASTING: dict[str, tuple[Fault, type[LenscatError], str]] = {
    "denied": (Fault(status=403, code="AccessDenied"), ForbiddenError, "permit"),
    "unknown key": (Fault(status=403, code="InvalidAccessKeyId"), ForbiddenError, "AWS_ACCESS_KEY_ID"),
    "wrong key": (Fault(status=403, code="SignatureDoesNotMatch"), ForbiddenError, "AWS_SECRET_ACCESS_KEY"),
    "expired": (Fault(status=400, code="ExpiredToken"), ForbiddenError, "expired"),
    "clock": (Fault(status=403, code="RequestTimeTooSkewed"), UnreachableError, "clock"),
    "no bucket": (Fault(status=404, code="NoSuchBucket"), UnreachableError, "bucket's name"),
    "slow down": (Fault(status=503, code="SlowDown"), UnreachableError, "fewer requests"),
    "too many": (Fault(status=429, code="SlowDown"), UnreachableError, "fewer requests"),
    "broken": (Fault(status=500, code="InternalError"), UnreachableError, "500 InternalError"),
    "hang up": (Fault(hang_up=True), UnreachableError, "cannot be reached"),
    "no such thing": (Fault(status=501, code="NotImplemented"), UnsupportedError, "cannot do this"),
}


@pytest.mark.parametrize("kind", LASTING)
def test_what_lasts_says_what_to_do(faulty: Faulty, kind: str) -> None:
    fault, expected, words = LASTING[kind]
    for name in ("list", "pages", "tree", "read", "range", "stream", "write", "create"):
        faulty.proxy.fail_next(fault, times=ALWAYS)
        with pytest.raises(expected) as caught:
            calls(faulty.store)[name]()
        if name == "create" and kind == "broken":  # only a conditional write can leave a doubt
            words = "whether the change was saved is not known"
        assert words in str(caught.value) or "is not known" in str(caught.value), name
        assert "127.0.0.1" not in str(caught.value) and faulty.server.secret_key not in str(caught.value)
    faulty.proxy.plan = None
    assert faulty.store.read(A, 100).data == b"0123456789"


REGION = "x-amz-bucket-region: eu-west-1\r\n"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=301, code="PermanentRedirect", headers=REGION),
        Fault(status=400, code="AuthorizationHeaderMalformed", extra="<Region>eu-west-1</Region>", headers=REGION),
        Fault(status=400, code="IllegalLocationConstraintException", headers=REGION),
    ],
)
def test_the_wrong_region_names_the_right_one(faulty: Faulty, fault: Fault) -> None:
    for name in ("list", "pages", "tree", "read", "write", "create"):
        faulty.proxy.fail_next(fault, times=ALWAYS)
        with pytest.raises(UnreachableError, match="S3_REGION=eu-west-1"):
            calls(faulty.store)[name]()


def test_silence_ends(faulty: Faulty) -> None:
    patient = faulty.server.open(faulty.bucket, endpoint=faulty.proxy.url, timeout_s=0.2, retries=1)
    heard = threading.Event()
    try:
        for name in ("list", "pages", "read", "write", "create"):
            faulty.proxy.fail_next(Fault(delay=heard), times=ALWAYS)
            with pytest.raises(UnreachableError, match=r"in time|is not known"):
                calls(patient)[name]()
    finally:
        heard.set()


def test_real_refusals(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    s3_server.open(bucket).write(A, b"1")
    for options, words in (
        ({"secret_access_key": "wrong"}, "AWS_SECRET_ACCESS_KEY"),
        ({"access_key_id": "AKNOBODY"}, "AWS_ACCESS_KEY_ID"),
        ({"anonymous": True}, "permit"),
    ):
        store = s3_server.open(bucket, **options)
        for call in (partial(store.list_folder, ROOT), partial(store.read, A, 9), partial(store.write, A, b"2")):
            with pytest.raises(ForbiddenError, match=words):
                call()
    nowhere = s3_server.open("no-such-bucket")
    for name in ("list", "pages", "tree", "stat", "read", "write", "create"):
        with pytest.raises(UnreachableError, match="bucket's name"):
            calls(nowhere)[name]()


def test_a_lost_reply_of_a_change_is_noticed(faulty: Faulty) -> None:
    for fault in (Fault(lose_reply=True), Fault(status_after=500, code="InternalError")):
        before = faulty.direct.read(A, 100)
        faulty.proxy.fail_next(fault, method="PUT")
        written = faulty.store.write(A, before.data + b"+", if_version=before.version)
        after = faulty.direct.read(A, 100)
        assert (after.data, after.version) == (before.data + b"+", written.version)


def test_a_lost_reply_of_a_creation_is_noticed(faulty: Faulty) -> None:
    faulty.proxy.fail_next(Fault(lose_reply=True), method="PUT")
    written = faulty.store.write(B, b"mine", create_only=True)
    assert faulty.direct.read(B, 100).version == written.version


def test_equal_bytes_of_another_are_not_taken_for_ours(faulty: Faulty) -> None:
    """The request is lost on its way, and meanwhile somebody else writes the very same."""
    version = faulty.direct.read(A, 100).version

    def plan(seen: Seen) -> Fault | None:
        if seen.method != "PUT":
            return None
        faulty.proxy.plan = None
        faulty.direct.write(A, b"the same")
        faulty.direct.write(B, b"the same")
        return Fault(hang_up=True)

    faulty.proxy.plan = plan
    with pytest.raises(VersionMismatchError):
        faulty.store.write(A, b"the same", if_version=version)
    faulty.direct.delete(B)
    faulty.proxy.plan = plan
    with pytest.raises(AlreadyExistsError):
        faulty.store.write(B, b"the same", create_only=True)


def test_a_write_that_may_have_happened_says_so(faulty: Faulty) -> None:
    version = faulty.direct.read(A, 100).version
    faulty.proxy.fail_next(Fault(lose_reply=True), times=ALWAYS)
    with pytest.raises(UnreachableError, match="whether the change was saved is not known"):
        faulty.store.write(A, b"perhaps", if_version=version)
    assert faulty.direct.read(A, 100).data == b"perhaps"


def test_a_write_that_was_turned_away_leaves_no_doubt(faulty: Faulty) -> None:
    version = faulty.direct.read(A, 100).version
    faulty.proxy.fail_next(Fault(status=503, code="SlowDown"), times=ALWAYS)
    with pytest.raises(UnreachableError, match="fewer requests"):
        faulty.store.write(A, b"no", if_version=version)
    assert faulty.direct.read(A, 100).data == b"0123456789"


def test_a_store_without_conditions_is_found_out(faulty: Faulty) -> None:
    def plan(seen: Seen) -> Fault | None:
        conditional = "if-match" in seen.headers.lower() or "if-none-match" in seen.headers.lower()
        return Fault(status=501, code="NotImplemented") if conditional else None

    faulty.proxy.plan = plan
    assert faulty.store.probe_conditional_puts() == (False, False)


def test_a_store_that_ignores_conditions_is_found_out(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bucket, "put_once", lambda bucket, key, data, condition, mark: bucket.put(key, data))
    assert faulty.store.probe_conditional_puts() == (False, False)

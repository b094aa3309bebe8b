"""What is special about stores in a bucket: odd keys, folders made of names, addresses, styles of asking."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from lenscat_backend.errors import ForbiddenError, NotFoundError, UnreachableError, UnsupportedError
from lenscat_backend.models.paths import ROOT, parse_path
from lenscat_backend.storage.location import parse_location
from lenscat_backend.storage.object_open import open_object_store
from lenscat_backend.storage.object_options import ObjectOptions
from lenscat_backend.storage.object_store import ObjectStore
from tests.s3.faulty_proxy import faulty_proxy
from tests.s3.servers import S3Server

A = parse_path("a.jpg")
ODD = ["/lead.jpg", "a//b.jpg", "a/../c.jpg", "a/./d.jpg", "new\nline.jpg", "tab\tx.jpg", "..", "sub//e", "sub/n\nl"]
GOOD = ["a/good.jpg", "plain.jpg", "sub/f.jpg", "sub/pl+us %20é#?&=~.jpg"]


def names(store: ObjectStore, folder: str = "") -> list[str]:
    return sorted(entry.name for entry in store.list_folder(parse_path(folder)).entries)


@pytest.fixture
def odd(s3_server: S3Server) -> ObjectStore:
    bucket = s3_server.new_bucket()
    for key in [*ODD, *GOOD, "empty/"]:
        s3_server.put(bucket, key, b"" if key == "empty/" else b"123")
    return s3_server.open(bucket)


def test_odd_keys_hide_nothing_and_are_said(odd: ObjectStore) -> None:
    listing = odd.list_folder(ROOT)
    assert sorted(entry.name for entry in listing.entries) == ["a", "empty", "plain.jpg", "sub"]
    assert len(listing.problems) == 4
    assert all(repr(key) in " ".join(listing.problems) for key in ("/", "..", "new\nline.jpg", "tab\tx.jpg"))
    assert odd.list_folder(ROOT) == listing
    below = odd.list_folder(parse_path("sub"))
    assert {entry.name for entry in below.entries} == {"f.jpg", "pl+us %20é#?&=~.jpg"} and len(below.problems) == 2


def test_odd_keys_in_pages(odd: ObjectStore) -> None:
    problems: list[str] = []
    (page,) = odd.list_pages(ROOT, problems.append)
    assert [entry.name for entry in page] == ["a", "empty", "plain.jpg", "sub"] and len(problems) == 4
    problems.clear()
    (tree,) = odd.list_tree_pages(ROOT, problems.append)
    assert [path for path, _ in tree] == GOOD and len(problems) == len(ODD)
    assert sorted(str(problem).split(" cannot")[0] for problem in problems) == sorted(map(repr, ODD))


def test_names_of_folders_with_every_sign(s3_server: S3Server) -> None:
    store = s3_server.open(prefix="pre fix+é")
    folder = parse_path("100% é+&=?#'\"~*(x)/%2F")
    store.write(parse_path(f"{folder}/x"), b"1")
    assert [[entry.name for entry in page] for page in store.list_pages(folder)] == [["x"]]
    assert [[path for path, _ in page] for page in store.list_tree_pages(ROOT)] == [[f"{folder}/x"]]


def test_placeholders_make_folders(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    for key in ("trip/", "trip/empty/"):
        s3_server.put(bucket, key, b"")
    store = s3_server.open(bucket)
    assert names(store) == ["trip"] and names(store, "trip") == ["empty"] and names(store, "trip/empty") == []
    assert store.stat(parse_path("trip/empty")).is_folder
    assert list(store.list_pages(parse_path("trip/empty"))) == [[]]
    assert [entry for page in store.list_tree_pages(ROOT) for entry in page] == []
    with pytest.raises(NotFoundError):
        store.read(parse_path("trip/empty"), 10)


def test_missing_folders(s3_server: S3Server) -> None:
    store = s3_server.open()
    with pytest.raises(NotFoundError):
        next(store.list_pages(parse_path("none")))
    assert list(store.list_pages(ROOT)) == []
    assert [located for page in store.list_tree_pages(parse_path("none")) for located in page] == []


def test_a_file_and_a_folder_of_one_name(s3_server: S3Server) -> None:
    store = s3_server.open()
    store.write(parse_path("same"), b"1")
    store.write(parse_path("same/in"), b"1")
    assert sorted(store.list_folder(ROOT).entries) == sorted(next(store.list_pages(ROOT)))
    assert sorted((entry.name, entry.is_folder) for entry in store.list_folder(ROOT).entries) == [
        ("same", False),
        ("same", True),
    ]


def test_a_folder_does_not_list_its_namesakes(s3_server: S3Server) -> None:
    store = s3_server.open(prefix="d")
    for path in ("a.jpg", "a/x", "ab/x"):
        store.write(parse_path(path), b"1")
    s3_server.open(store.describe().split("/")[2], "d2").write(A, b"1")
    assert names(store, "a") == ["x"] and names(store) == ["a", "a.jpg", "ab"]


def test_hidden_files_of_a_tree(s3_server: S3Server) -> None:
    store = s3_server.open()
    for path in (".h", "x/.h", ".d/a", "x/.d/a", "x/.lenscat.folder.json", "x/a"):
        store.write(parse_path(path), b"1")
    assert [path for page in store.list_tree_pages(ROOT) for path, _ in page] == ["x/.lenscat.folder.json", "x/a"]


def test_times_and_etags_agree_everywhere(s3_server: S3Server) -> None:
    store = s3_server.open()
    store.write(A, b"12345")
    listed = store.list_folder(ROOT).entries[0]
    (page,) = store.list_pages(ROOT)
    ((_, found),) = next(store.list_tree_pages(ROOT))
    blob = store.read(A, 10)
    assert listed == page[0] == found == store.stat(A)
    assert (blob.etag, blob.mtime_ns) == (listed.etag, listed.mtime_ns)
    assert listed.mtime_ns % 1_000_000_000 == 0 and listed.settled


def test_chunks_of_any_size(s3_server: S3Server) -> None:
    store = s3_server.open()
    for sizes in ([], [0], [8 << 20], [8 << 20, 1], [1, 17 << 20, 5]):
        chunks = [bytes([number]) * size for number, size in enumerate(sizes)]
        store.write_chunks(A, iter(chunks))
        assert store.read(A, 1 << 30).data == b"".join(chunks)


def test_a_broken_upload_leaves_the_old_file(s3_server: S3Server) -> None:
    store = s3_server.open()
    store.write(A, b"old")

    def failing() -> object:
        yield bytes(20 << 20)
        raise ValueError("the disk is full")

    with pytest.raises(ValueError, match="the disk is full"):
        store.write_chunks(A, failing())  # type: ignore[arg-type]
    assert store.read(A, 10).data == b"old"


def test_the_probe_finds_conditions_and_leaves_nothing(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    assert s3_server.open(bucket, "p").probe_conditional_puts() == (True, True)
    assert s3_server.signer.ask("GET", f"/{bucket}", {"list-type": "2"}).body.count(b"<Key>") == 0


def test_signed_addresses(s3_server: S3Server) -> None:
    store = s3_server.open(prefix="é +%")
    store.write(A, b"0123456789")
    address = store.signed_url(A, 60)
    assert s3_server.secret_key not in address
    with urllib.request.urlopen(address) as reply:
        assert reply.read() == b"0123456789"
    request = urllib.request.Request(address, headers={"Range": "bytes=2-4"})
    with urllib.request.urlopen(request) as reply:
        assert (reply.status, reply.read()) == (206, b"234")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(address.replace("a.jpg", "b.jpg"))


def test_memory_has_no_addresses() -> None:
    with pytest.raises(UnsupportedError):
        open_object_store(parse_location("memory:")).signed_url(A, 60)


def make_public(server: S3Server, bucket: str) -> None:
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": resources,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]}).encode()
    server.signer.ask("DELETE", f"/{bucket}", {"publicAccessBlock": ""})  # which forbids public policies
    answer = server.signer.ask("PUT", f"/{bucket}", {"policy": ""}, policy)
    assert answer.status in (200, 204), answer


def test_anonymous_reading(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    s3_server.open(bucket).write(parse_path("x/a"), b"1")
    anonymous = s3_server.open(bucket, anonymous=True)
    for call in (lambda: anonymous.list_folder(ROOT), lambda: list(anonymous.list_tree_pages(ROOT))):
        with pytest.raises(ForbiddenError):
            call()
    make_public(s3_server, bucket)
    assert names(anonymous) == ["x"] and anonymous.read(parse_path("x/a"), 9).data == b"1"
    assert [path for page in anonymous.list_tree_pages(ROOT) for path, _ in page] == ["x/a"]
    assert names(s3_server.open(bucket)) == ["x"]
    with pytest.raises(ForbiddenError):
        anonymous.write(A, b"1")


def test_the_bucket_in_the_host_name(s3_servers: Callable[[str], S3Server], monkeypatch: pytest.MonkeyPatch) -> None:
    server = s3_servers("radosgw")  # which knows itself as s3.localhost
    with faulty_proxy(server.port) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)  # nobody here resolves bucket.s3.localhost
        store = server.open(endpoint=f"http://s3.localhost:{server.port}", virtual_host=True)
        store.write(parse_path("x/a"), b"1")
        assert names(store, "x") == ["a"] and store.read(parse_path("x/a"), 9).data == b"1"
        assert [path for page in store.list_tree_pages(ROOT) for path, _ in page] == ["x/a"]
        host = f"host: {store.describe().removeprefix('s3://')}.s3.localhost:{server.port}"
        assert proxy.seen and all(host in seen.headers.lower() for seen in proxy.seen)
        assert store.signed_url(A, 60).startswith(f"http://{host.removeprefix('host: ')}/a.jpg?")


def test_nothing_answers() -> None:
    keys = {"access_key_id": "a", "secret_access_key": "b"}
    options = ObjectOptions(endpoint="http://127.0.0.1:1", retries=1, first_delay_s=0.01, **keys)  # type: ignore[arg-type]
    store = open_object_store(parse_location("s3://bucket"), options)
    for call in (
        lambda: store.list_folder(ROOT),
        lambda: list(store.list_tree_pages(ROOT)),
        lambda: store.stat(A),
        lambda: store.write(A, b"1"),
        lambda: store.write(A, b"1", create_only=True),
    ):
        with pytest.raises(UnreachableError, match="refuses connections"):
            call()

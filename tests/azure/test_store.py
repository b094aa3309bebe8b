"""What Azure does in its own way: pages, metadata, signed addresses, unsigned reading, names; and what errors say."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from lenscat_backend.errors import (
    ForbiddenError,
    InvalidPathError,
    LenscatError,
    SettingsError,
    UnreachableError,
    UnsupportedError,
    VersionMismatchError,
)
from lenscat_backend.models.paths import ROOT, join, parse_path
from lenscat_backend.storage.cloud_variables import azure_config
from lenscat_backend.storage.object_options import ObjectOptions
from lenscat_backend.storage.object_store import ObjectStore
from tests.azure.servers import KEY, AzureServer
from tests.s3.faulty_proxy import Fault, faulty_proxy

A = parse_path("a.jpg")
AZURE_PAGE = 5000
"""Most blobs of one reply: https://learn.microsoft.com/rest/api/storageservices/list-blobs."""
WRONG_KEY = "d3Jvbmc="


def calls_on(store: ObjectStore) -> dict[str, Callable[[], object]]:
    """Every kind of call, on a file."""
    return {
        "list": partial(store.list_folder, ROOT),
        "tree": lambda: list(store.walk()),
        "stat": partial(store.stat, A),
        "read": partial(store.read, A, 9),
        "range": partial(store.read_range, A, 0, 1),
        "write": partial(store.write, A, b""),
        "create": partial(store.write, A, b"", create_only=True),
        "change": partial(store.write, A, b"", if_version="0x1"),
    }


def fetched(url: str, **headers: str) -> tuple[int, bytes]:
    """What a browser gets there."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def test_a_folder_of_more_than_one_page(azurite: AzureServer) -> None:
    store = azurite.open()
    names = [f"{number:04}.jpg" for number in range(AZURE_PAGE + 2)]
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda name: store.write(join(parse_path("f"), name), b"x"), names))
    store.write(parse_path("f/in/a.jpg"), b"")
    listed = store.list_folder(parse_path("f")).entries
    assert sorted(entry.name for entry in listed if not entry.is_folder) == names
    assert [entry.name for entry in listed if entry.is_folder] == ["in"]
    assert sum(len(entries) for _, entries in store.walk()) == len(names) + 1


def test_types_and_sources_are_kept(azurite: AzureServer) -> None:
    container = azurite.new_bucket()
    store = azurite.open(container, "in")
    for name, kind in (("a.jpg.json", "application/json"), ("a.jpg.thumbnail", "image/webp")):
        store.write(parse_path(name), b"1", source="made-of")
        answer = azurite.signer.ask("HEAD", f"/{container}/in/{name}")
        assert (answer.headers["content-type"], answer.headers["x-ms-meta-lenscatsource"]) == (kind, "made-of")
        assert store.read(parse_path(name), 9).source == "made-of"


def test_azure_keeps_the_conditions_of_writes(azurite: AzureServer) -> None:
    store = azurite.open(prefix="in")
    kept = store.probe_conditional_puts()
    assert kept.create_only and kept.if_version and store.conditions_problem() is None
    assert store.list_folder(ROOT).entries == ()


def test_a_change_whose_reply_was_lost_is_known_by_its_mark(azurite: AzureServer) -> None:
    container = azurite.new_bucket()
    before = azurite.open(container).write(A, b"old")
    with faulty_proxy(azurite.port) as proxy:
        store = azurite.open(container, connection=azurite.connection(port=proxy.port))
        proxy.fail_next(Fault(lose_reply=True), method="PUT")
        changed = store.write(A, b"new", if_version=before.version)
        assert [seen.method for seen in proxy.seen] == ["PUT", "PUT", "HEAD"]
    direct = azurite.open(container)
    assert direct.read(A, 9)[:2] == (b"new", changed.version)
    with pytest.raises(VersionMismatchError):
        direct.write(A, b"other", if_version=before.version)


def test_a_file_in_blocks(azurite: AzureServer) -> None:
    store = azurite.open()
    store.write_chunks(A, iter([b"%d" % number * (5 << 20) for number in range(3)]))
    assert store.stat(A).size == 15 << 20
    assert store.read_range(A, (5 << 20) - 1, 2) == b"01"


def test_signed_addresses(azurite: AzureServer) -> None:
    store = azurite.open(prefix="in")
    path = parse_path("x/1+1=2_(a).jpg")
    store.write(path, b"0123456789")
    url = store.signed_url(path, 60)
    assert fetched(url) == (200, b"0123456789")
    assert fetched(url, Range="bytes=2-4") == (206, b"234")
    assert fetched(url.partition("?")[0])[0] == 403
    assert fetched(url.replace("sig=", "sig=A"))[0] == 403
    assert KEY not in url


@pytest.mark.parametrize("name", ["x y.jpg", "é.jpg", "100%.jpg", "#1.jpg"])
def test_names_whose_signature_azure_would_refuse_get_no_address(azurite: AzureServer, name: str) -> None:
    with pytest.raises(UnsupportedError, match="stream"):
        azurite.open().signed_url(parse_path(name), 60)


def shared_access(azurite: AzureServer, container: str) -> ObjectOptions:
    """What is left to who has a signature for one blob instead of the key."""
    signed = azurite.open(container).signed_url(A, 60).partition("?")[2]
    address = azurite.connection().partition("BlobEndpoint=")[2].strip(";")
    text = f"BlobEndpoint={address};AccountName=lenscat;SharedAccessSignature={signed}"
    return azurite.options(azure=azure_config({"AZURE_STORAGE_CONNECTION_STRING": text}))


def test_a_shared_access_signature_opens_what_it_is_for(azurite: AzureServer) -> None:
    container = azurite.new_bucket()
    azurite.open(container).write(A, b"123")
    store = azurite.open(container, azure=shared_access(azurite, container).azure)
    assert store.read(A, 9).data == b"123"
    with pytest.raises(ForbiddenError, match="right to"):
        store.write(A, b"456")
    with pytest.raises(UnsupportedError, match="account's key"):
        store.signed_url(A, 60)


def test_public_containers_are_read_unsigned(azurite: AzureServer) -> None:
    public = azurite.new_bucket(x_ms_blob_public_access="container")
    azurite.open(public, "in").write(A, b"123")
    anonymous = azurite.open(public, "in", anonymous=True)
    assert [entry.name for entry in anonymous.list_folder(ROOT).entries] == ["a.jpg"]
    assert anonymous.read(A, 9).data == b"123"
    with pytest.raises(LenscatError):
        anonymous.write(A, b"456")
    with pytest.raises(UnsupportedError, match="cannot sign"):
        anonymous.signed_url(A, 60)


@pytest.mark.parametrize("call", [*calls_on(ObjectStore.__new__(ObjectStore))])
def test_what_is_wrong_is_said(azurite: AzureServer, call: str) -> None:
    container = azurite.new_bucket()
    azurite.open(container).write(A, b"1")
    wrong: list[tuple[dict[str, Any], str, type[LenscatError], str]] = [
        ({"connection": azurite.connection(key=WRONG_KEY)}, container, ForbiddenError, "AZURE_STORAGE_KEY"),
        ({"connection": azurite.connection(account="nobody")}, container, UnreachableError, "account"),
        ({}, "no-such-container", UnreachableError, "no such container"),
    ]
    for options, name, kind, words in wrong:
        with pytest.raises(kind, match=words) as caught:
            calls_on(azurite.open(name, **options))[call]()
        assert WRONG_KEY not in str(caught.value) and "127.0.0.1" not in str(caught.value)


def test_an_account_must_be_named() -> None:
    with pytest.raises(SettingsError, match="LENSCAT_AZURE_ACCOUNT"):
        AzureServer(1).open("container", azure=())


def test_a_key_must_be_one(azurite: AzureServer) -> None:
    with pytest.raises(SettingsError, match="keys"):
        azurite.open(connection=azurite.connection(key="no Base64!"))


def test_a_backslash_is_refused(azurite: AzureServer) -> None:
    store = azurite.open()
    store.write(parse_path("back/slash"), b"1")
    for call in (store.stat, store.delete, partial(store.write, data=b"2"), partial(store.read, max_bytes=1)):
        with pytest.raises(InvalidPathError, match="backslash"):
            call(parse_path("back\\slash"))
    assert store.read(parse_path("back/slash"), 9).data == b"1"


def test_a_key_that_cannot_be_shown_is_named_as_the_reason(azurite: AzureServer) -> None:
    container = azurite.new_bucket()
    azurite.put(container, "odd//a.jpg")
    azurite.put(container, "fine/a.jpg")
    store = azurite.open(container)
    with pytest.raises(UnsupportedError, match="rename"):
        store.list_folder(parse_path("odd"))
    assert [entry.name for entry in store.list_folder(parse_path("fine")).entries] == ["a.jpg"]

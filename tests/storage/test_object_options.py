"""Where keys, regions and addresses of object stores come from."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from obstore.exceptions import GenericError

from lenscat_backend.errors import InvalidPathError, SettingsError, UnreachableError
from lenscat_backend.models.paths import LibraryPath, parse_path
from lenscat_backend.storage.location import Location, Scheme, parse_location
from lenscat_backend.storage.object_credentials import profile_provider, profile_region
from lenscat_backend.storage.object_errors import translate
from lenscat_backend.storage.object_keys import entry_etag, folder_key, key_of, object_etag, why_odd
from lenscat_backend.storage.object_open import open_object_store
from lenscat_backend.storage.object_options import ObjectOptions, s3_address
from lenscat_backend.storage.object_patience import Patience
from tests.s3.servers import S3Server

CREDENTIALS = """
[default]
aws_access_key_id = AKDEFAULT
aws_secret_access_key = secret%1
[other]
aws_access_key_id = AKOTHER
aws_secret_access_key = secret2
aws_session_token = token2
"""
CONFIG = """
[default]
region = eu-north-1
[profile other]
region = eu-west-3
[profile single]
sso_session = work
[sso-session work]
sso_region = eu-west-3
[profile bare]
region = eu-west-3
"""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "credentials").write_text(CREDENTIALS)
    (tmp_path / "config").write_text(CONFIG)
    return {"credentials_file": str(tmp_path / "credentials"), "config_file": str(tmp_path / "config")}


def test_keys_of_a_profile(files: dict[str, str]) -> None:
    options = ObjectOptions(profile="other", **files)  # type: ignore[arg-type]
    provider = profile_provider(options)
    assert provider is not None and profile_region(options) == "eu-west-3"
    keys = provider()
    assert (keys["access_key_id"], keys["secret_access_key"], keys["token"]) == ("AKOTHER", "secret2", "token2")
    assert keys["expires_at"] is not None and keys["expires_at"] > datetime.now(UTC)


def test_keys_of_the_default_profile(files: dict[str, str]) -> None:
    provider = profile_provider(ObjectOptions(**files))  # type: ignore[arg-type]
    assert provider is not None and provider()["secret_access_key"] == "secret%1"
    assert profile_region(ObjectOptions(**files)) == "eu-north-1"  # type: ignore[arg-type]


def test_keys_are_read_again(files: dict[str, str]) -> None:
    provider = profile_provider(ObjectOptions(profile="other", **files))  # type: ignore[arg-type]
    Path(files["credentials_file"]).write_text("[other]\naws_access_key_id = AKNEW\naws_secret_access_key = x\n")
    assert provider is not None and provider()["access_key_id"] == "AKNEW"


def test_no_files_no_keys(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "none")
    assert profile_provider(ObjectOptions(credentials_file=nowhere, config_file=nowhere)) is None


@pytest.mark.parametrize("profile", ["nobody", "bare"])
def test_a_profile_without_keys_is_refused(files: dict[str, str], profile: str) -> None:
    with pytest.raises(SettingsError, match=f"'{profile}'"):
        profile_provider(ObjectOptions(profile=profile, **files))  # type: ignore[arg-type]


def test_single_sign_on_asks_for_botocore(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(SettingsError, match=r"lenscat-backend\[aws\]"):
        profile_provider(ObjectOptions(profile="single", **files))  # type: ignore[arg-type]


def test_damaged_files_are_named_without_their_place(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("no section\n")
    with pytest.raises(SettingsError, match="credentials") as caught:
        profile_provider(ObjectOptions(credentials_file=str(tmp_path / "credentials")))
    assert str(tmp_path) not in str(caught.value)


def test_a_store_with_a_profile(files: dict[str, str], ministack: S3Server) -> None:
    text = f"[lenscat]\naws_access_key_id = {ministack.access_key}\naws_secret_access_key = {ministack.secret_key}\n"
    Path(files["credentials_file"]).write_text(text)
    keys = {"access_key_id": "", "secret_access_key": ""}
    store = ministack.open(profile="lenscat", **keys, **files)
    store.write(parse_path("x/a"), b"1")
    assert [path for page in store.list_tree_pages(parse_path("")) for path, _ in page] == ["x/a"]
    assert [entry.name for entry in store.list_folder(parse_path("")).entries] == ["x"]


ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK", "AWS_PROFILE": "p", "AWS_REGION": "r"}


def test_the_environment_fills_what_is_left_open() -> None:
    filled = ObjectOptions().with_environment(
        {**ENVIRONMENT, "AWS_ENDPOINT_URL": "http://h:1", "AWS_SESSION_TOKEN": "t"}
    )
    assert (filled.access_key_id, filled.secret_access_key, filled.session_token) == ("AK", "SK", "t")
    assert (filled.profile, filled.region, filled.endpoint) == ("", "r", "http://h:1")


def test_options_win_over_the_environment() -> None:
    given = ObjectOptions(access_key_id="mine", secret_access_key="too", region="q", endpoint="http://own:1")
    filled = given.with_environment({**ENVIRONMENT, "AWS_SESSION_TOKEN": "t", "AWS_ENDPOINT_URL": "http://h:1"})
    assert (filled.access_key_id, filled.secret_access_key, filled.session_token) == ("mine", "too", "")
    assert (filled.region, filled.endpoint, filled.profile) == ("q", "http://own:1", "")
    profile = ObjectOptions(profile="mine").with_environment(ENVIRONMENT)
    assert (profile.profile, profile.access_key_id) == ("mine", "")


def test_profiles_and_roles_of_the_environment() -> None:
    assert ObjectOptions().with_environment({"AWS_PROFILE": "p"}).profile == "p"
    assert ObjectOptions().with_environment({"AWS_DEFAULT_REGION": "d"}).region == "d"
    assert ObjectOptions().with_environment({}).default_profile
    assert not ObjectOptions().with_environment({"AWS_WEB_IDENTITY_TOKEN_FILE": "f"}).default_profile
    assert ObjectOptions().with_environment({"AWS_SKIP_SIGNATURE": "true"}).anonymous


@pytest.mark.parametrize(
    "changed",
    [
        {"endpoint": "host:80"},
        {"endpoint": "ftp://host"},
        {"endpoint": "http://"},
        {"endpoint": "http://host:port"},
        {"endpoint": "http://user:secret@host"},
        {"endpoint": "http://host?x=1"},
        {"concurrency": 0},
        {"retries": -1},
        {"timeout_s": 0.0},
    ],
)
def test_options_that_cannot_work(changed: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        ObjectOptions(**changed)
    assert "secret" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    options = ObjectOptions(secret_access_key="hush", session_token="quiet")
    assert "hush" not in repr(options) and "quiet" not in repr(options)


def test_addresses() -> None:
    assert s3_address("b", ObjectOptions()) == "https://s3.us-east-1.amazonaws.com/b"
    assert s3_address("b", ObjectOptions(region="eu-west-1", virtual_host=True)) == (
        "https://b.s3.eu-west-1.amazonaws.com"
    )
    assert s3_address("b", ObjectOptions(endpoint="http://h:1/")) == "http://h:1/b"
    assert s3_address("b", ObjectOptions(endpoint="http://h:1", virtual_host=True)) == "http://b.h:1"


@pytest.mark.parametrize("url", ["s3://bucket/a/b", "gs://bucket", "az://box/p", "memory:"])
def test_every_kind_opens_without_a_request(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_SKIP_SIGNATURE", "true")
    store = open_object_store(parse_location(url), ObjectOptions(anonymous=url != "memory:", account="me"))
    assert store.describe() == url and store.requests.requests() == {}


def test_a_folder_is_no_object_store(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no object store"):
        open_object_store(parse_location(str(tmp_path)))


def test_keys() -> None:
    prefix = LibraryPath("in")
    assert key_of(prefix, LibraryPath("a/b")) == "in/a/b" and key_of(LibraryPath(""), LibraryPath("a")) == "a"
    assert folder_key(prefix, LibraryPath("")) == "in/" and folder_key(LibraryPath(""), LibraryPath("")) == ""
    assert folder_key(prefix, LibraryPath("a")) == "in/a/"
    for path in ("", "a\nb", "a\x7f", "é" * 512):
        with pytest.raises(InvalidPathError):
            key_of(prefix, LibraryPath(path))
    assert object_etag(entry_etag("a-b-2", 10)) == "a-b-2" and object_etag("") == ""


@pytest.mark.parametrize(
    "rest", ["", "/a", "a/", "a//b", ".", "..", "a/..", "../b", "a/./b", "\t", "a\x7f", "x" * 4097]
)
def test_odd_rests(rest: str) -> None:
    assert why_odd(rest)


@pytest.mark.parametrize("rest", ["a", "...", ".a", "a..", "a/.b/..c", "é", "a b", "\ufffd", "\U0010ffff"])
def test_rests_that_are_not_odd(rest: str) -> None:
    assert not why_odd(rest)


def test_patience_waits_longer_and_longer() -> None:
    waited: list[float] = []
    patience = Patience(retries=4, first_delay_s=1.0, longest_delay_s=3.0, sleep=waited.append)
    attempts = 0

    def fail() -> None:
        nonlocal attempts
        attempts += 1
        raise GenericError("status code: 503")

    with pytest.raises(GenericError):
        patience.persist(fail, lambda trouble: trouble.is_passing)
    assert attempts == 5
    assert all(most / 2 <= delay_s <= most for delay_s, most in zip(waited, (1, 2, 3, 3), strict=True))
    with pytest.raises(GenericError):
        patience.persist(fail, lambda trouble: False)
    assert attempts == 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("HTTP error: error sending request ... TimedOut", "in time"),
        ("HTTP error: ... dns error: failed to lookup", "by that name"),
        ("Error performing PUT http://169.254.169.254/latest/api/token", "gets no credentials"),
        ("HTTP error: ... invalid peer certificate", "certificate"),
        ("something nobody has seen", "cannot be reached"),
        ("status code: 418", "(418)"),
    ],
)
def test_words_for_what_has_no_reply(text: str, words: str) -> None:
    error = translate(GenericError(text), parse_path("a"))
    assert isinstance(error, UnreachableError) and words in str(error) and "169" not in str(error)


def test_a_wrong_builder_is_a_setting() -> None:
    assert isinstance(translate(GenericError("HTTP error: builder error"), parse_path("a")), SettingsError)


BAD_ENDPOINTS = [
    "http://host name",
    "http://host\n",
    "http://ho%zz",
    "http://é.example",
    "http://h[",
    "http://1.2.3.4.5",
    "http://a%20b",
    "http://127.0.0.1:1/p ath",
    "http://host:port",
    "http://host:99999",
    "http://",
    "ftp://host",
    "host",
]


@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
@pytest.mark.parametrize("endpoint", BAD_ENDPOINTS)
def test_an_address_that_is_none_is_said_at_once(scheme: Scheme, endpoint: str) -> None:
    """The client library would take it, and panic at the first request."""
    with pytest.raises(SettingsError, match="endpoint"):
        open_object_store(Location(scheme, bucket="gallery"), ObjectOptions(endpoint=endpoint, account="a"))


@pytest.mark.parametrize("bucket", ["g\0\n", "a b", "a/b", "é", "", "-", ".."])
def test_a_bucket_that_can_not_be_is_said_at_once(bucket: str) -> None:
    with pytest.raises(SettingsError, match="bucket name"):
        open_object_store(Location("s3", bucket=bucket), ObjectOptions())


def test_a_region_that_can_not_be_is_said_at_once() -> None:
    with pytest.raises(SettingsError, match="eu-central-1"):
        ObjectOptions(region="eu west")

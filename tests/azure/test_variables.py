"""Which of Azure's and Google's standard variables are understood, and that a `.env` file will do."""

from __future__ import annotations

from pathlib import Path

import pytest

from lenscat_backend.bootstrap import object_options
from lenscat_backend.errors import SettingsError
from lenscat_backend.settings import load_settings
from lenscat_backend.storage.cloud_variables import azure_config, google_config, may_be_plain
from lenscat_backend.storage.object_options import ObjectOptions


def azure(**variables: str) -> dict[str, str]:
    return dict(azure_config({f"AZURE_{name}": value for name, value in variables.items()}))


@pytest.mark.parametrize("name", ["STORAGE_ACCOUNT", "STORAGE_ACCOUNT_NAME"])
@pytest.mark.parametrize("key", ["STORAGE_KEY", "STORAGE_ACCOUNT_KEY", "STORAGE_ACCESS_KEY"])
def test_both_spellings_of_account_and_key(name: str, key: str) -> None:
    assert azure(**{name: "me", key: "secret"}) == {"account_name": "me", "account_key": "secret"}


def test_a_service_principal() -> None:
    told = azure(TENANT_ID="t", CLIENT_ID="c", CLIENT_SECRET="s", STORAGE_ACCOUNT="me")
    assert told == {"tenant_id": "t", "client_id": "c", "client_secret": "s", "account_name": "me"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "DefaultEndpointsProtocol=https;AccountName=me;AccountKey=a+b/c==;EndpointSuffix=core.windows.net",
            {"account_name": "me", "account_key": "a+b/c==", "endpoint": "https://me.blob.core.windows.net"},
        ),
        ("AccountName=me;AccountKey=k", {"account_name": "me", "account_key": "k"}),
        (
            "BlobEndpoint=https://me.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=x%3D;",
            {"endpoint": "https://me.blob.core.windows.net/", "sas_key": "sv=1&sig=x%3D", "account_name": "me"},
        ),
        ("UseDevelopmentStorage=true", {"use_emulator": "true"}),
    ],
)
def test_connection_strings(text: str, told: dict[str, str]) -> None:
    assert azure(STORAGE_CONNECTION_STRING=text) == told


def test_a_connection_string_goes_before_single_variables() -> None:
    told = azure(STORAGE_CONNECTION_STRING="AccountName=me;AccountKey=k", STORAGE_ACCOUNT="you", STORAGE_KEY="other")
    assert told == {"account_name": "me", "account_key": "k"}


@pytest.mark.parametrize("text", ["nonsense", "AccountKey=secret", ";;"])
def test_a_connection_string_without_an_account_is_refused_unquoted(text: str) -> None:
    with pytest.raises(SettingsError, match="names no account") as caught:
        azure(STORAGE_CONNECTION_STRING=text)
    assert "secret" not in str(caught.value)


def test_google() -> None:
    assert google_config({"GOOGLE_APPLICATION_CREDENTIALS": "/k.json"}) == (("application_credentials", "/k.json"),)
    for host in ("http://127.0.0.1:9", "127.0.0.1:9", "http://127.0.0.1:9/"):
        told = dict(google_config({"STORAGE_EMULATOR_HOST": host}))
        assert told == {"skip_signature": "true", "base_url": "http://127.0.0.1:9"}


def test_only_what_is_said_to_be_plain_is_plain() -> None:
    assert may_be_plain((("endpoint", "http://127.0.0.1:1/me"),), "")
    assert may_be_plain((("base_url", "http://127.0.0.1:1"),), "")
    assert may_be_plain((), "http://127.0.0.1:1")
    assert not may_be_plain((("endpoint", "http://127.0.0.1:1"),), "https://elsewhere")
    assert not may_be_plain((), "")


def test_options_win_and_show_no_key() -> None:
    filled = ObjectOptions(azure=(("account_name", "mine"),)).with_environment({"AZURE_STORAGE_ACCOUNT": "other"})
    assert filled.azure == (("account_name", "mine"),)
    assert "secret" not in repr(ObjectOptions().with_environment({"AZURE_STORAGE_KEY": "secret"}))


def test_an_endpoint_of_s3_is_only_for_s3() -> None:
    from_environment = ObjectOptions().with_environment({"AWS_ENDPOINT_URL": "http://h:1"})
    from_settings = object_options(load_settings(S3_ENDPOINT="http://h:1"))
    for options in (from_environment, from_settings):
        assert [options.endpoint_of(scheme) for scheme in ("s3", "az", "gs")] == ["http://h:1", "", ""]
    assert ObjectOptions(endpoint="http://h:1").endpoint_of("az") == "http://h:1"


def test_a_file_of_settings_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("AZURE_STORAGE_ACCOUNT=me\nGOOGLE_APPLICATION_CREDENTIALS=/k.json\n")
    monkeypatch.chdir(tmp_path)
    for name in ("AZURE_STORAGE_ACCOUNT", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_STORAGE_CONNECTION_STRING"):
        monkeypatch.delenv(name, raising=False)
    options = object_options(load_settings())
    assert dict(options.azure)["account_name"] == "me"
    assert dict(options.google)["application_credentials"] == "/k.json"

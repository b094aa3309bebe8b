"""Each library has a catalog of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lenscat_backend import Library, LibraryOptions
from lenscat_backend.errors import SettingsError
from lenscat_backend.settings import load_settings
from lenscat_backend.storage.object_options import ObjectOptions


def test_buckets_of_one_name_on_two_servers_share_no_catalog(tmp_path: Path) -> None:
    def cache(endpoint: str) -> Path:
        options = LibraryOptions(cache_dir=tmp_path, objects=ObjectOptions(endpoint=endpoint, region="us-east-1"))
        return Library.open("s3://pictures", options).opened.cache

    assert cache("http://127.0.0.1:1") != cache("http://127.0.0.1:2")
    assert cache("http://127.0.0.1:1") == cache("http://127.0.0.1:1/")


def test_a_setting_that_is_no_json_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENSCAT_PRICES", "abc")
    with pytest.raises(SettingsError, match="prices"):
        load_settings()

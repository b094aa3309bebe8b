"""The page of a bucket that fails: a browser shows that it cannot be reached and what to do, never an empty folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.test_object_faults import FAULTS, SETTINGS
from tests.api.test_object_store import PICTURES, Bucket, scanned
from tests.e2e.conftest import CHROMIUM, FLAGS, Gallery, sync_api
from tests.s3.faulty_proxy import faulty_proxy
from tests.s3.servers import S3Server
from tests.serving import poll, serving

expect = sync_api.expect


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Gone with this module: while it runs, no test can have an event loop of its own."""
    if not CHROMIUM:
        message = "no Chromium found: install it, or name it in LENSCAT_CHROMIUM"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("no connection", "This folder cannot be reached"),
        ("no bucket", "This folder cannot be reached"),
        ("clock", "This folder cannot be reached"),
        ("expired", "Not allowed"),
    ],
)
def test_the_page_says_unreachable_and_not_empty(
    ministack: S3Server, browser: Any, tmp_path: Path, kind: str, title: str
) -> None:
    bucket = Bucket(ministack)
    with faulty_proxy(ministack.port) as proxy:
        settings = bucket.settings(S3_ENDPOINT=proxy.url, **SETTINGS)
        with serving(f"s3://{bucket.name}/lib", "--cache-dir", tmp_path, **settings) as served:
            poll(lambda: scanned(served), "the first scan")
            gallery = Gallery(tmp_path, served, browser)
            page = gallery.open(expected="Failed to load resource")
            expect(page.locator("#grid a.thumb")).to_have_count(1)
            proxy.plan = lambda seen: FAULTS[kind].fault
            page.locator("#folders a", has_text="trip").click()
            expect(page.get_by_role("heading", name=title)).to_be_visible()
            expect(page.locator("#notice")).to_contain_text(FAULTS[kind].words)
            expect(page.get_by_text("No pictures here")).to_have_count(0)
            proxy.plan = None
            page.get_by_role("button", name="Try again").click()
            expect(page.locator("#grid a.thumb")).to_have_count(PICTURES)
            expect(page.locator("#notice")).to_be_empty()
            gallery.finish()

"""A browser, a served library, and a page that watches its own console."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import picture
from tests.serving import Served, serving

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'")

CHROMIUM = os.environ.get("LENSCAT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TIMEOUT_MS = 10_000
NASTY = '100% #1?+&"é.jpg'
HOSTILE = "<img src=x onerror=alert(1)>.jpg"


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Debian's Chromium; without it the tests are skipped, but fail where CI is set."""
    if not CHROMIUM:
        message = "no Chromium found: install it, or name it in LENSCAT_CHROMIUM"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@dataclass
class Gallery:
    """A served library and the way to open its page; `problems` is what a page complained of."""

    root: Path
    served: Served
    browser: Any
    problems: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.served.port}/"

    def finish(self) -> None:
        """Close all pages; fails the test if one complained."""
        for context in self.browser.contexts:
            context.close()
        assert not self.problems

    def open(self, address: str = "", expected: str = "\0", **options: Any) -> Any:
        """A page at `address`; complaints that hold `expected` are no problems."""
        context = self.browser.new_context(**{"viewport": {"width": 1200, "height": 800}, **options})
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        sync_api.expect.set_options(timeout=TIMEOUT_MS)

        def complain(text: str) -> None:
            if expected not in text:
                self.problems.append(text)

        page.on("console", lambda message: message.type in ("error", "warning") and complain(message.text))
        page.on("pageerror", lambda error: complain(str(error)))
        page.on("dialog", lambda dialog: (self.problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(address if address.startswith("http") else self.url + address)
        return page


def make_pictures(root: Path) -> Path:
    """Three pictures at the root, 130 in a folder, a broken one and a TIFF in another, and an empty folder."""
    for name in ("many", "empty", "odd"):
        (root / name).mkdir(parents=True)
    (root / "a.jpg").write_bytes(picture("red", (300, 200)))
    (root / NASTY).write_bytes(picture("green", (200, 300)))
    (root / HOSTILE).write_bytes(picture("blue", (240, 240)))
    small = picture("orange", (90, 60))
    for number in range(130):
        (root / "many" / f"img{number}.jpg").write_bytes(small)
    (root / "odd" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    (root / "odd" / "scan.tif").write_bytes(picture("purple", (120, 80), "TIFF"))
    return root


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A library of the test's own."""
    return make_pictures(tmp_path / "library")


@pytest.fixture(scope="module")
def _served_once(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    root = make_pictures(tmp_path_factory.mktemp("shared") / "library")
    with serving(root, LENSCAT_CACHE_DIR=str(tmp_path_factory.mktemp("cache"))) as served:
        yield Gallery(root, served, browser)


@pytest.fixture
def shared_gallery(_served_once: Gallery) -> Iterator[Gallery]:
    """A gallery that many tests share: each changes no more than a picture of its own."""
    opened = Gallery(_served_once.root, _served_once.served, _served_once.browser)
    yield opened
    opened.finish()


@pytest.fixture
def gallery(pictures: Path, browser: Any) -> Iterator[Gallery]:
    """A gallery whose pages must not complain of anything."""
    with open_gallery(pictures, browser) as opened:
        yield opened


@contextmanager
def open_gallery(root: Path, browser: Any, *options: str) -> Iterator[Gallery]:
    """Serve `root` with the options of `lenscat serve`."""
    with serving(root, *options) as served:
        opened = Gallery(root, served, browser)
        yield opened
        opened.finish()

"""Pointer folders on the page: called by their labels, and broken ones with what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.conftest import picture
from tests.e2e.conftest import open_gallery


def point(folder: Path, target: str, label: str) -> None:
    folder.mkdir(parents=True)
    pointer = {"version": 1, "kind": "pointer", "label": label, "target": {"type": "local", "path": target}}
    (folder / ".lenscat.folder.json").write_text(json.dumps(pointer))


def test_labels_and_broken_pointers(tmp_path: Path, browser: Any) -> None:
    root = tmp_path / "library"
    (root / "real" / "deep").mkdir(parents=True)
    (root / "real" / "x.jpg").write_bytes(picture())
    (root / "real" / "deep" / "y.jpg").write_bytes(picture("blue"))
    point(root / "p1", "real", "All of <it>")
    point(root / "p2", "nothing", "Lost & found")
    with open_gallery(root, browser) as gallery:
        page = gallery.open(expected="Failed to load resource")
        expect(page.locator("#folders a")).to_have_text(["All of <it>", "Lost & found", "real"])
        expect(page.locator(".cards")).to_contain_text("does not exist")
        page.locator("#folders a", has_text="All of").click()
        crumbs = page.locator("#crumbs a")
        expect(crumbs).to_have_text(["All pictures", "All of <it>"])
        page.locator("#folders a", has_text="deep").click()
        expect(page.locator("#grid a.thumb")).to_have_count(1)
        expect(crumbs).to_have_text(["All pictures", "All of <it>", "deep"])
        expect(page.locator("#folders a").first).to_have_text("All of <it>")
        page.reload()  # straight to a folder two levels down
        expect(crumbs).to_have_text(["All pictures", "All of <it>", "deep"])
        page.goto(f"{gallery.url}#/p2")
        expect(page.get_by_role("heading", name="This folder cannot be reached")).to_be_visible()
        expect(crumbs).to_have_text(["All pictures", "Lost & found"])
        page.locator("#folders a", has_text="real").click()  # the way out is still there
        expect(page.locator("#grid a.thumb")).to_have_count(1)

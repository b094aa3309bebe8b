"""The web page in a real browser, against a real server."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.conftest import picture
from tests.e2e.conftest import HOSTILE, NASTY, Gallery, open_gallery, sync_api
from tests.e2e.proxy import proxied
from tests.serving import poll

expect = sync_api.expect


def tile(page: Any, name: str) -> Any:
    """The picture with this name in the grid."""
    return page.locator("#grid a.thumb").filter(has=page.get_by_text(name, exact=True))


def title(page: Any) -> Any:
    """The name of the opened picture."""
    return page.locator("#viewer h2").first


def opened(page: Any) -> None:
    """Wait until the opened picture itself has arrived."""
    poll(shown(page.locator("#viewer img.sharp")), "the picture")


def shown(image: Any) -> Callable[[], bool]:
    """Whether a picture has arrived and was decoded."""
    return lambda: bool(image.evaluate("image => image.complete && image.naturalWidth > 0"))


def sidecar(root: Path, name: str) -> dict[str, Any]:
    """What is on disk beside a picture."""
    path = root / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def add_tag(page: Any, tag: str) -> None:
    """Type a tag and press Enter."""
    page.locator("#new-tag").fill(tag)
    page.locator("#new-tag").press("Enter")


def saved(page: Any) -> None:
    """Wait until the page says that it saved."""
    expect(page.locator(".state")).to_have_text("Saved")


def test_folders_and_thumbnails_are_shown_and_back_works(shared_gallery: Gallery) -> None:
    page = shared_gallery.open()
    expect(page.locator("#folders a")).to_have_count(3)
    expect(page.locator("#grid a.thumb")).to_have_count(3)
    for image in page.locator("#grid img").all():
        poll(shown(image), "a thumbnail")
    page.locator("#folders a", has_text="empty").click()
    expect(page.get_by_text("No pictures here")).to_be_visible()
    page.go_back()
    expect(page.locator("#grid a.thumb")).to_have_count(3)
    page.go_forward()
    page.reload()
    expect(page.get_by_text("No pictures here")).to_be_visible()


def test_a_big_folder_comes_page_by_page_in_the_order_people_count(shared_gallery: Gallery) -> None:
    page = shared_gallery.open("#/many")
    expect(page.locator("#summary")).to_contain_text("First 100 pictures")
    page.locator("#end").scroll_into_view_if_needed()
    expect(page.locator("#grid a.thumb")).to_have_count(130)
    expect(page.locator("#summary")).to_have_text("130 pictures")
    names = page.locator("#grid .name").all_text_contents()
    assert names == [f"img{number}.jpg" for number in range(130)]


def test_the_viewer_opens_steps_and_closes_by_keyboard(shared_gallery: Gallery) -> None:
    page = shared_gallery.open("#/many")
    tile(page, "img0.jpg").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(title(page)).to_have_text("img1.jpg")
    opened(page)
    page.keyboard.press("ArrowRight")
    expect(title(page)).to_have_text("img2.jpg")
    page.reload()
    expect(title(page)).to_have_text("img2.jpg")
    expect(page.locator(".counter")).to_contain_text("3 of")
    page.keyboard.press("ArrowLeft")
    expect(title(page)).to_have_text("img1.jpg")
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()
    assert page.evaluate("location.hash") == "#/many"
    assert "img1.jpg" in page.evaluate("document.activeElement.textContent")


def test_edits_are_in_the_sidecar(shared_gallery: Gallery) -> None:
    page = shared_gallery.open("#/many?item=many/img5.jpg")
    add_tag(page, "sunset")
    add_tag(page, "to go, lake")
    page.locator("#notes").fill("First line\nsecond")
    page.locator("#notes").blur()
    page.get_by_role("button", name="4 of 5").click()
    page.get_by_role("button", name="Label red").click()
    page.get_by_role("button", name="Favourite").click()
    page.get_by_label("Remove tag to go").click()
    wanted = {"notes": "First line\nsecond", "rating": 4, "label": "red", "favorite": True, "tags": ["sunset", "lake"]}
    poll(lambda: wanted.items() <= sidecar(shared_gallery.root, "many/img5.jpg").items(), "the edits on disk")
    saved(page)


def test_a_conflict_merges_both_sides(shared_gallery: Gallery) -> None:
    page = shared_gallery.open("#/many?item=many/img6.jpg", expected="412")
    add_tag(page, "mine")
    saved(page)
    path = shared_gallery.root / "many/img6.jpg.json"
    theirs = sidecar(shared_gallery.root, "many/img6.jpg") | {"tags": ["mine", "theirs"], "rating": 3, "custom": 1}
    path.write_text(json.dumps(theirs))
    add_tag(page, "second")
    expect(page.locator(".merged")).to_contain_text("Both edits are kept")
    saved(page)
    now = sidecar(shared_gallery.root, "many/img6.jpg")
    assert (set(now["tags"]), now["rating"], now["custom"]) == ({"mine", "theirs", "second"}, 3, 1)
    expect(page.locator(".tokens .token")).to_have_count(3)


def test_a_damaged_sidecar_is_told_and_kept(shared_gallery: Gallery) -> None:
    page = shared_gallery.open("#/many?item=many/img7.jpg", expected="409")
    expect(page.locator("#new-tag")).to_be_visible()
    (shared_gallery.root / "many/img7.jpg.json").write_text("{ damaged")
    add_tag(page, "lost")
    expect(page.locator(".state")).to_have_text("Not saved")
    assert (shared_gallery.root / "many/img7.jpg.json").read_text() == "{ damaged"


def test_a_picture_with_a_damaged_sidecar_shows_its_facts_and_what_to_do(shared_gallery: Gallery) -> None:
    path = shared_gallery.root / "many/img8.jpg.json"
    path.write_text("{ damaged")
    page = shared_gallery.open("#/many?item=many/img8.jpg")
    expect(page.locator(".problem")).to_contain_text("many/img8.jpg.json")
    expect(page.locator(".facts")).to_contain_text("90 × 60")
    expect(page.locator("#new-tag")).to_be_disabled()
    page.keyboard.press("5")
    expect(page.get_by_role("button", name="5 of 5")).to_have_attribute("aria-pressed", "false")
    assert path.read_text() == "{ damaged"
    path.write_text('{"tags": ["mended"]}')
    page.get_by_role("button", name="Look again").click()
    expect(page.locator(".tokens .token")).to_have_text("mended")
    expect(page.locator(".problem")).to_have_count(0)
    add_tag(page, "more")
    saved(page)
    assert sidecar(shared_gallery.root, "many/img8.jpg")["tags"] == ["mended", "more"]


def test_a_picture_that_was_replaced_meanwhile_is_edited_without_a_word_of_others(shared_gallery: Gallery) -> None:
    page = shared_gallery.open("#/many?item=many/img9.jpg", expected="412")
    expect(page.locator("#new-tag")).to_be_visible()
    (shared_gallery.root / "many/img9.jpg").write_bytes(picture("purple", (77, 55)))
    add_tag(page, "mine")
    saved(page)
    assert sidecar(shared_gallery.root, "many/img9.jpg")["tags"] == ["mine"]
    expect(page.locator(".merged")).to_have_count(0)


def test_search_finds_suggests_and_says_when_nothing_matches(gallery: Gallery) -> None:
    page = gallery.open("#/?item=a.jpg")
    add_tag(page, "sunset")
    saved(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()
    page.locator("#main").focus()
    page.keyboard.press("/")
    page.keyboard.type("sun")
    expect(page.get_by_role("option", name="sunset")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#summary")).to_have_text("1 picture")
    expect(tile(page, "a.jpg")).to_be_visible()
    page.get_by_role("combobox", name="Search").fill("nothing like this")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("button", name="Back to the folder").click()
    expect(page.locator("#folders a")).to_have_count(3)


def test_names_with_special_characters_work_end_to_end(gallery: Gallery) -> None:
    page = gallery.open()
    for name in (NASTY, HOSTILE):
        page.goto(gallery.url + "#/")
        poll(shown(tile(page, name).locator("img")), "its thumbnail")
        tile(page, name).click()
        expect(title(page)).to_have_text(name)
        opened(page)
        add_tag(page, "found")
        saved(page)
        assert sidecar(gallery.root, name)["tags"] == ["found"]
        page.reload()
        expect(title(page)).to_have_text(name)
        expect(page.locator(".tokens .token")).to_have_text(["found"])
        with page.expect_download() as started:
            page.get_by_role("link", name="Download").click()
        assert Path(started.value.path()).read_bytes() == (gallery.root / name).read_bytes()


def test_any_name_that_a_disk_can_hold(gallery: Gallery) -> None:
    folder = os.fsencode(gallery.root / "odd")
    raw = [b"line\nbreak.png", b"back\\slash.png", "emoji 📷.png".encode(), b"latin-\xe9.png", b"50%25.png"]
    for name in raw:
        Path(os.fsdecode(folder + b"/" + name)).write_bytes(picture("teal", (60, 40), "PNG"))
    page = gallery.open("#/odd", expected="422")
    expect(page.locator("#grid a.thumb")).to_have_count(7)
    expect(page.locator(".frame.broken")).to_have_count(1)
    for image in page.locator("#grid img").all():
        poll(shown(image), "a thumbnail")
    page.locator("#grid a.thumb", has_text="latin").click()
    opened(page)
    page.reload()
    opened(page)


def test_hostile_tags_notes_and_query_are_only_text(shared_gallery: Gallery) -> None:
    attack = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
    (shared_gallery.root / "many/img8.jpg.json").write_text(
        json.dumps({"v": 1, "tags": [attack], "notes": attack, "label": attack})
    )
    page = shared_gallery.open("#/many?item=many/img8.jpg")
    expect(page.locator(".tokens .token")).to_have_text([attack])
    expect(page.locator("#notes")).to_have_value(attack)
    page.locator(".tokens .token a").first.click()
    expect(page.locator("#crumbs")).to_contain_text("<script>")
    page.goto(shared_gallery.url + "#/?q=" + quote(attack))
    expect(page.locator("#crumbs")).to_contain_text(attack)
    assert page.locator("img[src=x]").count() == 0


def test_a_broken_picture_says_why_and_a_tiff_is_shown(shared_gallery: Gallery) -> None:
    page = shared_gallery.open("#/odd", expected="422")
    broken = page.locator(".frame.broken")
    expect(broken).to_have_count(1)
    assert len(broken.get_attribute("title")) > 10
    tile(page, "scan.tif").click()
    opened(page)
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("This picture cannot be shown")).to_be_visible()


def test_a_read_only_library_says_why_nothing_is_saved(pictures: Path, browser: Any) -> None:
    with open_gallery(pictures, browser, "--read-only") as gallery:
        page = gallery.open("#/?item=a.jpg", expected="403")
        add_tag(page, "kept nowhere")
        expect(page.locator(".state")).to_have_text("Not saved")
        expect(page.locator(".failed p")).to_contain_text("read-only")
        page.get_by_role("button", name="Discard").click()
        expect(page.locator(".tokens .token")).to_have_count(0)
        assert not sidecar(gallery.root, "a.jpg")


def test_a_server_that_is_gone_is_told_and_found_again(shared_gallery: Gallery) -> None:
    page = shared_gallery.open(expected="Failed to load resource")
    expect(page.locator("#grid a.thumb")).to_have_count(3)
    busy = {"status": 503, "headers": {"Retry-After": "1"}, "json": {"detail": "The disk is not mounted."}}
    page.route("**/api/folders?*", lambda route: route.fulfill(**busy))
    page.locator("#folders a", has_text="many").click()
    expect(page.get_by_text("The disk is not mounted.")).to_be_visible()
    page.unroute("**/api/folders?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#grid a.thumb").first).to_be_visible()
    page.route("**/api/folders?*", lambda route: route.abort())
    page.get_by_role("link", name="All pictures").first.click()
    expect(page.get_by_text("The server cannot be reached")).to_be_visible()
    page.unroute("**/api/folders?*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#folders a")).to_have_count(3)


def test_a_phone_scrolls_only_down(shared_gallery: Gallery) -> None:
    for address in ("", "#/many", "#/?item=a.jpg", "#/?q=a"):
        page = shared_gallery.open(address, viewport={"width": 390, "height": 844}, has_touch=True)
        expect(page.locator("#grid a.thumb").first).to_be_attached()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        assert page.evaluate("document.getElementById('viewer').scrollWidth <= innerWidth"), address
        page.context.close()


def test_it_works_below_a_sub_path(shared_gallery: Gallery) -> None:
    with proxied(shared_gallery.served.port) as url:
        page = shared_gallery.open(url)
        poll(shown(tile(page, NASTY).locator("img")), "a thumbnail")
        tile(page, NASTY).click()
        opened(page)
        add_tag(page, "proxied")
        saved(page)
        assert sidecar(shared_gallery.root, NASTY)["tags"] == ["proxied"]
        page.context.close()

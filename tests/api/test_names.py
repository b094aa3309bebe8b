"""Names that break other galleries: each is listed, drawn, edited, found, served; its files lie where promised."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pytest
from PIL import Image

from lenscat_backend.models.paths import decode_name
from tests.conftest import picture
from tests.serving import Served, run_lenscat, serving

NAMES: dict[str, bytes] = {
    "spaces": b"t00 with  two spaces.jpg",
    "leading space": b" t01.jpg",
    "trailing space": b"t02 .jpg",
    "a space before the dot": b"t03 . jpg.jpg",
    "single quote": b"t04 it's.jpg",
    "double quote": b't05 "quoted".jpg',
    "backtick": b"t06 `x`.jpg",
    "percent": b"t07 100%.jpg",
    "percent escape": b"t08 %2e%2e%2f%00.jpg",
    "hash": b"t09 #1.jpg",
    "hash and digits at the end": b"t10.jpg#1.jpg",
    "question mark": b"t11 what?.jpg",
    "plus": b"t12 a+b.jpg",
    "ampersand": b"t13 a&path=b.jpg",
    "equals and semicolon": b"t14 a=b;c.jpg",
    "backslash": b"t15 a\\b\\..\\c.jpg",
    "newline": b"t16 two\nlines.jpg",
    "carriage return and tab": b"t17 a\r\n\tb.jpg",
    "other control characters": b"t18 \x01\x1b[31m\x7f.jpg",
    "separators of the index": b"t19 \x1e\x1f\x1f.jpg",
    "emoji": "t20 🏳️‍🌈👩‍👩‍👧.jpg".encode(),
    "NFC": "t21 caf\u00e9.jpg".encode(),
    "NFD": "t22 cafe\u0301.jpg".encode(),
    "NFC twin": "twin \u00e9\u00fc.jpg".encode(),
    "NFD twin": "twin e\u0301u\u0308.jpg".encode(),
    "not UTF-8": b"t23 \xff\xfe\x80.jpg",
    "Latin-1": "t24 Größe.jpg".encode("latin-1"),
    "Shift JIS": "t25 写真.jpg".encode("shift_jis"),
    "half a surrogate in UTF-8": b"t26 \xed\xa0\x80.jpg",
    "an overlong slash": b"t27 \xc0\xaf.jpg",
    "a private character that we use": "t28 \U0010feff.jpg".encode(),
    "private and not UTF-8": "t29 \U0010fe80".encode() + b"\x80.jpg",
    "lower case": b"t30 case.jpg",
    "upper case": b"T30 CASE.JPG",
    "mixed case": b"T30 Case.Jpg",
    "right to left": "t31 \u202egpj.שלום.jpg".encode(),
    "wide": "t32 写真・ﾌｫﾄ.jpg".encode(),
    "a byte order mark": "t33 \ufeff.jpg".encode(),
    "line separators": "t34 \u2028\u2029\u0085.jpg".encode(),
    "the end of Unicode": "t35 \U0010ffff.jpg".encode(),
    "dots": b"t36...jpg",
    "many suffixes": b"t37.tar.gz.json.thumbnail.jpg",
    "a dash first": b"-t38 --help.jpg",
    "a star and a question": b"t39 *[a-z]?.jpg",
    "a tilde": b"~t40.jpg",
    "markup": b"t41 <img src=x onerror=alert(1)>.jpg",
    "a drive": b"C:t42.jpg",
    "a device": b"NUL.t43.jpg",
    "a variable": b"t44 $HOME ${x} $(x).jpg",
    "a number": b"45.jpg",
    "our own mark": b"t46~0123456789abcdef.jpg",
    "250 bytes": b"t47" + b"x" * 243 + b".jpg",
    "251 bytes": b"t48" + b"x" * 244 + b".jpg",
    "255 bytes": b"t49" + b"x" * 248 + b".jpg",
    "255 bytes, twin": b"t49" + b"x" * 247 + b"y.jpg",
    "255 bytes of é": "t50é".encode() + "é".encode() * 123 + b".jpg",
    "255 bytes of emoji": b"t51" + "🙂".encode() * 62 + b".jpg",
    "255 bytes that are not UTF-8": b"t52" + b"\xff" * 248 + b".jpg",
}
INSIDE = b"in%20side \xff.jpg"
FOLDERS: dict[str, bytes] = {
    "spaces": b" folder ",
    "a dot at the end": b"folder.",
    "dots at the end": b"folder...",
    "percent": b"100%2f",
    "hash and question": b"#1?",
    "newline": b"two\nlines",
    "backslash": b"a\\b",
    "not UTF-8": b"\xff\xfe",
    "NFD": "e\u0301".encode(),
    "NFC": "\u00e9".encode(),
    "a picture's name": b"album.jpg",
    "a sidecar's name": b"album.jpg.json",
    "reindex": b"reindex",
    "255 bytes": b"d" * 255,
}


def contents(raw: bytes) -> bytes:
    """A picture that only the file `raw` has."""
    return picture(size=(300, 20)) + raw


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    root = os.fsencode(tmp_path_factory.mktemp("names"))
    for raw in NAMES.values():
        write(root + b"/" + raw, contents(raw))
    for raw in FOLDERS.values():
        os.mkdir(root + b"/" + raw)  # noqa: PTH102 - bytes
        write(root + b"/" + raw + b"/" + INSIDE, contents(raw))
    for raw in (b"t99.jpg.", b"t99.jpg ", b"t99.jpg\n", b"t99.jpg\\", b"t99jpg"):
        write(root + b"/" + raw, b"no picture by its name")
    return root


@pytest.fixture(scope="module")
def server(root: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(Path(os.fsdecode(root)), "--cache-dir", tmp_path_factory.mktemp("cache")) as served:
        yield served


def write(path: bytes, data: bytes) -> None:
    with open(path, "wb") as file:  # noqa: PTH123 - bytes
        file.write(data)


def read(path: bytes) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - bytes
        return file.read()


def listing(server: Served, path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = server.get("/api/folders", path=path).json()
    return found


def derived(root: bytes, raw: bytes, suffix: bytes) -> bytes:
    """Where a derived file lies: beside the picture, named like it with a suffix, shortened where it must be."""
    plain = root + b"/" + raw + suffix
    if len(raw + suffix) <= 255:
        return plain
    names = [name for name in os.listdir(root) if name.endswith(suffix) and name[:200] == raw[:200]]  # noqa: PTH208
    assert all(len(name) <= 255 for name in names)
    owned = [name for name in names if _owner(root, name, suffix) in (None, raw)]
    assert len(owned) == 1, names
    return root + b"/" + owned[0]


def _owner(root: bytes, name: bytes, suffix: bytes) -> bytes | None:
    """Of a long name's sidecar, the name that the test wrote into it."""
    if suffix != b".json":
        return None
    return bytes.fromhex(json.loads(read(root + b"/" + name))["owner"])


def test_every_picture_is_listed_once(server: Served, root: bytes) -> None:
    names = [entry["name"] for entry in listing(server)["items"]]
    assert sorted(names) == sorted(decode_name(raw) for raw in NAMES.values())


def test_every_folder_is_listed_once(server: Served) -> None:
    dirs = listing(server)["dirs"]
    assert sorted(entry["name"] for entry in dirs) == sorted(decode_name(raw) for raw in FOLDERS.values())
    assert {entry["kind"] for entry in dirs} == {"leaf-real"}


@pytest.mark.parametrize("kind", NAMES)
def test_the_original_is_served(server: Served, kind: str) -> None:
    raw = NAMES[kind]
    reply = server.ask("GET", "/api/files/" + quote(decode_name(raw), safe=""))
    assert (reply.status, reply.data) == (200, contents(raw))
    assert reply.headers["content-disposition"].isascii()


@pytest.mark.parametrize("kind", NAMES)
def test_the_names_own_bytes_work_in_addresses_too(server: Served, kind: str) -> None:
    if "private" in kind:
        pytest.skip("a name that holds our own escape characters is only spelled our way")
    raw = quote_from_bytes(NAMES[kind], safe="")
    assert server.ask("GET", f"/api/files/{raw}").data == contents(NAMES[kind])
    assert server.ask("GET", f"/api/item?path={raw}").status == 200


@pytest.mark.parametrize("kind", NAMES)
def test_the_thumbnail_is_made_beside_the_picture(server: Served, root: bytes, kind: str) -> None:
    raw = NAMES[kind]
    reply = server.get("/api/thumb", path=decode_name(raw))
    assert (reply.status, reply.headers["content-type"]) == (200, "image/webp")
    assert Image.open(io.BytesIO(reply.data)).size == (256, 17)
    if "255" not in kind:
        assert read(derived(root, raw, b".thumbnail")) == reply.data
    assert next(entry for entry in listing(server)["items"] if entry["name"] == decode_name(raw))["has_thumb"] is True


@pytest.mark.parametrize("kind", NAMES)
def test_an_edit_lands_in_the_sidecar_and_is_found(server: Served, root: bytes, kind: str) -> None:
    raw, path = NAMES[kind], decode_name(NAMES[kind])
    tag = f"tag-{list(NAMES).index(kind)}"
    reply = server.put_item(path, {"tags": [tag], "notes": kind, "owner": raw.hex()})
    assert reply.status == 200, reply.data
    written = json.loads(read(derived(root, raw, b".json")))
    assert (written["tags"], written["notes"]) == ([tag], kind)
    assert server.get("/api/item", path=path).json() == written
    found = server.get("/api/search", q=f"tag:{tag}").json()
    assert [entry["path"] for entry in found["items"]] == [path]


@pytest.mark.parametrize("kind", NAMES)
def test_it_is_found_by_a_word_of_its_name(server: Served, kind: str) -> None:
    word = re.findall(rb"\w+", NAMES[kind])[0].decode("ascii")[:10]
    found = server.get("/api/search", q=f"name:{word}", limit=1000).json()
    assert decode_name(NAMES[kind]) in [entry["path"] for entry in found["items"]]


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("it's", ["single quote"]),
        ("100%", ["percent"]),
        ("%2e%2e", ["percent escape"]),
        ("what?", ["question mark"]),
        ("a+b", ["plus"]),
        ("a&path=b", ["ampersand"]),
        ("a\\b\\..", ["backslash"]),
        ("🏳️‍🌈", ["emoji"]),
        ("cafe", ["NFC", "NFD"]),
        ("CAFÉ", ["NFC", "NFD"]),
        ("cafe\u0301", ["NFC", "NFD"]),
        ("写真", ["wide"]),
        ("フォト", ["wide"]),
        ("<img", ["markup"]),
        ("*[a-z]?", ["a star and a question"]),
        ('"with  two"', ["spaces"]),
        ("t30", ["lower case", "upper case", "mixed case"]),
    ],
)
def test_odd_characters_are_searched_for_as_they_are(server: Served, query: str, kinds: list[str]) -> None:
    found = server.get("/api/search", q=query, limit=1000).json()
    assert sorted(entry["path"] for entry in found["items"]) == sorted(decode_name(NAMES[kind]) for kind in kinds)


def test_twins_keep_their_own_words(server: Served) -> None:
    twins = [decode_name(NAMES[f"{form} twin"]) for form in ("NFC", "NFD")]
    for path in twins:
        server.put_item(path, {"tags": [f"twin-{len(path)}"]})
    assert [server.get("/api/item", path=path).json()["tags"] for path in twins] == [
        [f"twin-{len(path)}"] for path in twins
    ]


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_opens_and_reindexes(server: Served, root: bytes, kind: str) -> None:
    raw, path = FOLDERS[kind], decode_name(FOLDERS[kind])
    inside = f"{path}/{decode_name(INSIDE)}"
    assert [entry["path"] for entry in listing(server, path)["items"]] == [inside]
    assert server.ask("GET", "/api/files/" + quote(inside)).data == contents(raw)
    reply = server.ask("POST", f"/api/folders/{quote(path)}/reindex")
    assert (reply.status, reply.json()["items_count"]) == (200, 1)
    assert json.loads(read(root + b"/" + raw + b"/_index.json"))["items"][0]["path"] == inside


def test_an_edit_in_an_oddly_named_folder(server: Served, root: bytes) -> None:
    inside = f"{decode_name(FOLDERS['not UTF-8'])}/{decode_name(INSIDE)}"
    assert server.put_item(inside, {"tags": ["deep inside"]}).status == 200
    assert json.loads(read(root + b"/\xff\xfe/in%20side \xff.jpg.json"))["tags"] == ["deep inside"]


def test_a_change_behind_the_servers_back_is_seen_whatever_the_name(server: Served, root: bytes) -> None:
    added = root + b"/\xff\xfe/added \xfe\n.jpg"
    write(added, picture())
    found = server.get("/api/search", q="name:added").json()
    assert [entry["name"] for entry in found["items"]] == [decode_name(b"added \xfe\n.jpg")]
    os.unlink(added)  # noqa: PTH108 - bytes
    assert server.get("/api/search", q="name:added").json()["total"] == 0


def test_the_rollup_and_the_command_line_name_them_all(root: bytes, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(root))
    done = run_lenscat("index", folder, "--thumbs", "--json", "--cache-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["thumbnails_failed"] == 0
    items = json.loads(read(root + b"/_rollup.json"))["items"]
    exported = run_lenscat("export", folder, "--cache-dir", tmp_path)
    assert [json.loads(line)["path"] for line in exported.stdout.split("\n")[:-1]] == [entry["path"] for entry in items]
    assert len(items) == len(NAMES) + len(FOLDERS)


def test_a_search_prints_one_line_a_picture_and_no_control_characters(root: bytes, tmp_path: Path) -> None:
    done = run_lenscat("search", Path(os.fsdecode(root)), "name:jpg", "--cache-dir", tmp_path)
    lines = done.stdout.split("\n")[:-1]
    assert len(lines) == len(NAMES) + len(FOLDERS)
    assert all(line.isprintable() for line in lines)

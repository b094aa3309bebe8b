"""Missing, malformed, absurd and hostile arguments: the right error, a message that helps, no harm, never a 500."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import picture
from tests.serving import Reply, Served, serving, target_of, tree_digest

SECRET = b"secret outside of the library"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds a secret picture, and beside it the library."""
    place = tmp_path_factory.mktemp("hostplace")
    library = place / "library"
    (library / "trip").mkdir(parents=True)
    (library / ".private").mkdir()
    (place / "secret.jpg").write_bytes(SECRET)
    (library / ".private" / "x.jpg").write_bytes(SECRET)
    (library / "a.jpg").write_bytes(picture("red"))
    (library / "a.jpg.json").write_text(json.dumps({"v": 1, "tags": ["kept"], "notes": "kept"}))
    (library / "trip" / "one.png").write_bytes(picture("blue", form="PNG"))
    return place


@pytest.fixture(scope="module")
def running(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    cache = tmp_path_factory.mktemp("cache")
    with serving(place / "library", "--derived", "cache", "--cache-dir", cache) as served:
        yield served
        assert served.get("/api/folders").status == 200
        assert "Traceback" not in "".join(served.lines)


@pytest.fixture
def server(running: Served, place: Path) -> Iterator[Served]:
    """A real server over the library; whatever is asked of it, no file changes."""
    before = tree_digest(place)
    yield running
    assert tree_digest(place) == before


def refused(reply: Reply, *statuses: int) -> str:
    """The detail of a reply that is an error with one of the `statuses`, fit for a stranger's eyes."""
    assert reply.status in statuses, (reply.status, reply.data[:500])
    assert reply.headers["content-type"] == "application/json"
    assert list(reply.json()) == ["detail"]
    detail = reply.json()["detail"]
    assert isinstance(detail, str)
    assert len(detail) > 10
    for leak in ("hostplace", "/tmp", "Traceback", "site-packages", "lenscat_backend"):
        assert leak not in detail
    return detail


MALFORMED = {
    "dots": "../secret.jpg",
    "only dots": "..",
    "dots inside": "trip/../../secret.jpg",
    "dots at the end": "trip/..",
    "dots that stay inside": "trip/../a.jpg",
    "one dot": "./a.jpg",
    "many dots": "../" * 40 + "etc/passwd.jpg",
    "an empty segment": "trip//one.png",
    "an absolute path": "/a.jpg",
    "another absolute path": "/etc/passwd.jpg",
    "a network path": "//host/share.jpg",
    "a URL": "file:///etc/passwd.jpg",
    "a NUL": "a.jpg\0",
    "a NUL inside": "a.jpg\0.png",
    "a name of 300 bytes": "x" * 300 + ".jpg",
    "a name of 255 emoji": "🙂" * 255 + ".jpg",
    "a path of 5000": "x/" * 2500 + "x.jpg",
    "a path of 20000": "x" * 20_000 + ".jpg",
    "a second spelling": "\U0010fe61.jpg",
}
ABSENT = {
    "nothing there": "nothing.jpg",
    "below a file": "a.jpg/x.jpg",
    "hidden": ".private/x.jpg",
    "hidden name": "trip/.x.jpg",
    "backslashes": "..\\secret.jpg",
    "a drive": "C:\\secret.jpg",
    "a home": "~/secret.jpg",
    "a variable": "$HOME/secret.jpg",
    "encoded twice": "%2e%2e/secret.jpg",
    "encoded slashes": "..%2fsecret.jpg",
    "three dots": ".../secret.jpg",
    "wide dots": "．．/secret.jpg",
    "a newline": "a.jpg\n.jpg",
    "markup": "<script>alert(1)</script>.jpg",
    "a command": "$(touch x).jpg",
    "a query": "' OR 1=1 --.jpg",
    "a deep path": "x/" * 1000 + "x.jpg",
    "a right-to-left mark": "\u202egpj.exe.jpg",
    "the end of Unicode": "\U0010ffff.jpg",
}
CALLS = [
    ("GET", "/api/folders"),
    ("GET", "/api/item"),
    ("PUT", "/api/item"),
    ("DELETE", "/api/item"),
    ("GET", "/api/thumb"),
    ("POST", "/api/thumb"),
    ("DELETE", "/api/thumb"),
    ("GET", "/api/preview"),
]


def ask(server: Served, method: str, call: str, **arguments: object) -> Reply:
    return server.ask(method, target_of(call, **arguments), "{}" if method == "PUT" else None)


@pytest.mark.parametrize("kind", MALFORMED)
@pytest.mark.parametrize(("method", "call"), CALLS)
def test_a_malformed_path(server: Served, method: str, call: str, kind: str) -> None:
    too_long = len(MALFORMED[kind]) > 4096
    refused(ask(server, method, call, path=MALFORMED[kind]), *((400, 414) if too_long else (400,)))


@pytest.mark.parametrize("kind", ABSENT)
@pytest.mark.parametrize(("method", "call"), CALLS)
def test_a_path_of_nothing(server: Served, method: str, call: str, kind: str) -> None:
    refused(ask(server, method, call, path=ABSENT[kind]), 404)


@pytest.mark.parametrize("kind", [*MALFORMED, *ABSENT])
def test_a_hostile_original(server: Served, kind: str) -> None:
    path = (MALFORMED | ABSENT)[kind]
    reply = server.ask("GET", "/api/files/" + target_of("", p=path)[3:])
    assert SECRET not in reply.data
    refused(reply, 400, 404, 414, 422, 431)


@pytest.mark.parametrize("kind", [*MALFORMED, *ABSENT])
def test_a_hostile_reindex(server: Served, kind: str) -> None:
    path = (MALFORMED | ABSENT)[kind]
    refused(server.ask("POST", "/api/folders/" + target_of("", p=path)[3:] + "/reindex"), 400, 404, 414, 422, 431)


@pytest.mark.parametrize(
    "target",
    [
        "/api/files/../secret.jpg",
        "/api/files/../../secret.jpg",
        "/api/files/trip/../../secret.jpg",
        "/api/files/%2e%2e/secret.jpg",
        "/api/files/%2E%2E/secret.jpg",
        "/api/files/.%2e/secret.jpg",
        "/api/files/..%2fsecret.jpg",
        "/api/files/%2e%2e%2fsecret.jpg",
        "/api/files/%252e%252e%252fsecret.jpg",
        "/api/files/..%5csecret.jpg",
        "/api/files/..%c0%afsecret.jpg",
        "/api/files/%c0%ae%c0%ae/secret.jpg",
        "/api/files//etc/passwd",
        "/api/files/%2fetc%2fpasswd",
        "/api/files/a.jpg%00",
        "/api/files/a.jpg/",
        "/api/files/a.jpg/..",
        "/api/files/.private/x.jpg",
        "/api/files/%2eprivate/x.jpg",
        "/api/files/%ed%a0%80.jpg",
        "/api/files/%",
        "/api/files/%zz.jpg",
        "/api/files",
        "/api/files/",
        "/static/../../settings.py",
        "/static/%2e%2e/%2e%2e/settings.py",
        "/static/..%2f..%2fsettings.py",
        "/static//etc/passwd",
        "/api/folders/../../etc/reindex",
        "//etc/passwd",
        "/..",
        "/api/",
        "/api/nothing",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_hostile_address(server: Served, method: str, target: str) -> None:
    reply = server.ask(method, target)
    assert SECRET not in reply.data
    assert b"BaseSettings" not in reply.data
    if reply.status == 307:  # a missing slash is added, on this very server
        assert reply.headers["location"].endswith(target + "/")
    elif target != "/api/files/a.jpg/":  # one slash too many is forgiven
        refused(reply, 400, 404, 405, 415)


@pytest.mark.parametrize("raw", [b"%ff%fe.jpg", b"%ed%a0%80.jpg", b"%c0%ae%c0%ae/secret.jpg", b"%f4%90%80%80.jpg"])
@pytest.mark.parametrize(("method", "call"), CALLS)
def test_a_path_that_is_not_utf8(server: Served, method: str, call: str, raw: bytes) -> None:
    body = "{}" if method == "PUT" else None
    refused(server.ask(method, f"{call}?path={raw.decode()}", body), 404)


@pytest.mark.parametrize(
    "query", ["", "?", "?path", "?other=1", "?path=&path=", "?Path=a.jpg", "?&&&", "?path[]=a.jpg"]
)
@pytest.mark.parametrize(("method", "call"), CALLS[1:])
def test_a_missing_path(server: Served, method: str, call: str, query: str) -> None:
    detail = refused(server.ask(method, call + query, "{}" if method == "PUT" else None), 404, 422)
    assert "path" in detail or "picture" in detail


@pytest.mark.parametrize("page", ["-1", "1e9", "abc", "1.5", "9" * 30, "0x10", "NaN", "null", "1000000", "-0.1", "%00"])
def test_a_page_that_is_none(server: Served, page: str) -> None:
    refused(server.ask("GET", f"/api/folders?page={page}"), 400, 404, 422)


@pytest.mark.parametrize("call", ["/api/search", "/api/search/suggest"])
@pytest.mark.parametrize("limit", ["-1", "1e9", "abc", "1.5", "9" * 30, "1000000", "NaN", "%00", "Infinity"])
def test_a_limit_that_is_none(server: Served, call: str, limit: str) -> None:
    assert "limit" in refused(server.ask("GET", f"{call}?q=a&limit={limit}"), 400, 422)


@pytest.mark.parametrize("force", ["maybe", "2", "%00", "[]"])
def test_a_force_that_is_neither_true_nor_false(server: Served, force: str) -> None:
    assert "force" in refused(server.ask("POST", f"/api/thumb?path=a.jpg&force={force}"), 400, 422)


@pytest.mark.parametrize(
    "query", ["rating>=9", "rating:lots", "is:nonsense", "abc AND OR NOT", "(a", "x " * 201, "x" * 3000, "x" * 10_000]
)
def test_a_query_that_makes_no_sense(server: Served, query: str) -> None:
    refused(server.get("/api/search", q=query), 400, 422)


@pytest.mark.parametrize(
    "query",
    [
        "abc\0def",
        "\0",
        "\x1e\x1f\x1f",
        "' OR 1=1 --",
        '"',
        '""',
        '"unclosed phrase',
        'a"b"c',
        "-",
        "--",
        "- -a",
        "tag:",
        'tag:"',
        "NEAR(abc def, 2)",
        "name : abc",
        "abc*",
        "^abc",
        "{abc} + def",
        "%",
        "_____",
        "\\",
        "path:../../etc",
        "path:",
        "ext:",
        "ext:%",
        "label:'",
        "😀😀😀",
        "\ufeffabc",
        "ﬁﬁﬁ",
        "İİİ",
        "\u0301\u0301\u0301",
        "\U0010ffff" * 3,
    ],
)
@pytest.mark.parametrize("call", ["/api/search", "/api/search/suggest"])
def test_a_query_of_odd_characters_is_just_text(server: Served, call: str, query: str) -> None:
    assert server.get(call, q=query).status == 200


@pytest.mark.parametrize("raw", ["%ff", "%ed%a0%80", "%", "%zz", "+", "&q=", "%c3"])
@pytest.mark.parametrize("call", ["/api/search", "/api/search/suggest"])
def test_a_query_of_odd_bytes(server: Served, call: str, raw: str) -> None:
    assert server.ask("GET", f"{call}?q={raw}").status in (200, 400, 422)


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("POST", "/"),
        ("POST", "/api/folders"),
        ("DELETE", "/api/folders"),
        ("GET", "/api/folders/reindex"),
        ("GET", "/api/folders/trip/reindex"),
        ("POST", "/api/item?path=a.jpg"),
        ("PATCH", "/api/item?path=a.jpg"),
        ("PUT", "/api/thumb?path=a.jpg"),
        ("POST", "/api/search"),
        ("GET", "/api/search/rebuild-index"),
        ("DELETE", "/api/search/suggest"),
        ("POST", "/api/health"),
        ("PUT", "/api/files/a.jpg"),
        ("DELETE", "/api/files/a.jpg"),
        ("POST", "/api/files/a.jpg"),
        ("TRACE", "/api/health"),
        ("PROPFIND", "/api/files/a.jpg"),
        ("NONSENSE", "/api/health"),
    ],
)
def test_a_wrong_method(server: Served, method: str, call: str) -> None:
    reply = server.ask(method, call)
    refused(reply, 405)
    assert reply.headers["allow"]


# --- bodies

BODIES = {
    "nothing": b"",
    "a word": b"tags",
    "a list": b"[]",
    "a number": b"1",
    "a text": b'"text"',
    "null": b"null",
    "half": b'{"tags": ["on',
    "two values": b"{}{}",
    "a comma too many": b'{"tags": [],}',
    "single quotes": b"{'tags': []}",
    "a comment": b'{"tags": [] /* none */}',
    "a form": b"tags=one&notes=two",
    "XML": b"<tags/>",
    "not UTF-8": b'{"notes": "\xff"}',
    "UTF-16": '{"notes": "x"}'.encode("utf-16"),
    "NULs": b"\0\0\0\0",
    "a raw control character": b'{"notes": "\x01"}',
    "not a number": b'{"x": NaN}',
    "infinity": b'{"x": -Infinity}',
    "beyond all numbers": b'{"x": 1e999}',
    "half a character": b'{"notes": "\\ud800"}',
    "half a character in a tag": b'{"tags": ["\\udfff"]}',
    "half a character in a name": b'{"\\ud800": 1}',
    "half a character inside": b'{"x": {"y": ["\\ud83d"]}}',
    "a number of 10,000 digits": b'{"x": ' + b"9" * 10_000 + b"}",
    "depth 600": b'{"x": ' + b"[" * 600 + b"]" * 600 + b"}",
    "depth 1020": b'{"x": ' + b"[" * 1020 + b"]" * 1020 + b"}",
    "depth 100,000": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "objects 300,000 deep": b'{"x":' * 150_000,
    "tags as a text": b'{"tags": "one"}',
    "tags as an object": b'{"tags": {"one": 1}}',
    "tags as a number": b'{"tags": 1}',
    "tags as null": b'{"tags": null}',
    "a tag as a number": b'{"tags": ["one", 2]}',
    "a tag as null": b'{"tags": [null]}',
    "a tag as a list": b'{"tags": [["one"]]}',
    "a long tag": json.dumps({"tags": ["x" * 300]}).encode(),
    "many tags": json.dumps({"tags": [str(n) for n in range(5000)]}).encode(),
    "notes as a number": b'{"notes": 5}',
    "notes as a list": b'{"notes": ["x"]}',
    "long notes": json.dumps({"notes": "x" * 200_000}).encode(),
    "a rating of 6": b'{"rating": 6}',
    "a rating of -1": b'{"rating": -1}',
    "a rating of 4.5": b'{"rating": 4.5}',
    "a rating as a text": b'{"rating": "4"}',
    "a rating as true": b'{"rating": true}',
    "a huge rating": b'{"rating": 99999999999999999999999999}',
    "a label as a number": b'{"label": 5}',
    "a label as an object": b'{"label": {}}',
    "a favorite as a text": b'{"favorite": "yes"}',
    "a favorite as a number": b'{"favorite": 1}',
    "exif as a list": b'{"exif": []}',
    "exif as a text": b'{"exif": "x"}',
    "a hash as a number": b'{"hash": 5}',
    "updated_by as a list": b'{"updated_by": []}',
    "a time as a word": b'{"updated_at": "yesterday"}',
    "a time as a number": b'{"updated_at": 1700000000}',
    "a time that no clock shows": b'{"updated_at": "2024-13-45T25:61:61Z"}',
    "an empty time": b'{"updated_at": ""}',
    "a long time": json.dumps({"updated_at": "9" * 1000}).encode(),
    "a camelCase time as a word": b'{"updatedAt": "yesterday"}',
    "a version as a text": b'{"v": "1"}',
    "a version as a fraction": b'{"v": 1.5}',
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_that_is_no_sidecar(server: Served, kind: str) -> None:
    refused(server.ask("PUT", "/api/item?path=a.jpg", BODIES[kind]), 422)


@pytest.mark.parametrize("kind", ["tags as a text", "notes as a number", "a rating of 6", "exif as a list"])
def test_the_message_names_the_field(server: Served, kind: str) -> None:
    field = kind.split()[0] if "rating" not in kind else "rating"
    assert field in refused(server.ask("PUT", "/api/item?path=a.jpg", BODIES[kind]), 422)


@pytest.mark.parametrize("mib", [2, 20])
def test_a_body_that_is_too_large(server: Served, mib: int) -> None:
    body = json.dumps({"notes": "x" * mib * 1024 * 1024})
    assert "bytes" in refused(server.ask("PUT", "/api/item?path=a.jpg", body), 413)


@pytest.mark.parametrize("headers", [{"Content-Encoding": "gzip"}, {"Content-Type": "image/png"}])
def test_a_body_in_an_odd_wrapping_is_not_misread(server: Served, headers: dict[str, str]) -> None:
    refused(server.ask("PUT", "/api/item?path=a.jpg", b"\x1f\x8b\x08\0\0\0\0\0", headers), 415, 422)


@pytest.mark.parametrize("value", ["nonsense", '"', "", "W/", "\x80\xff"])
def test_an_odd_if_match(server: Served, value: str) -> None:
    refused(server.ask("PUT", "/api/item?path=a.jpg", "{}", {"If-Match": value}), 400)


@pytest.mark.parametrize("value", ["nonsense", '"', "", "\x80\xff", "W/" * 2000, '"' * 4000])
@pytest.mark.parametrize("call", ["/api/thumb?path=a.jpg", "/api/thumb?path=a.jpg&x=1", "/api/files/a.jpg"])
def test_an_odd_if_none_match_is_none(server: Served, call: str, value: str) -> None:
    assert server.ask("GET", call, None, {"If-None-Match": value}).status == 200


@pytest.mark.parametrize(
    "value", ["bytes=" + "9" * 30 + "-", "bytes=0-" + "9" * 400, "bytes=" + ",".join(["0-0"] * 500), "\x80", "bytes=٣-"]
)
def test_an_absurd_range(server: Served, value: str) -> None:
    headers = {"Range": value.encode("utf-8").decode("latin-1")}
    assert server.ask("GET", "/api/files/a.jpg", None, headers).status in (200, 416)


# --- what is unusual and yet right: it is kept exactly


@pytest.fixture
def writable(place: Path, running: Served) -> Iterator[Served]:
    """The same server, where `trip/one.png` may be edited."""
    yield running
    running.ask("DELETE", "/api/item?path=trip/one.png")


@pytest.mark.parametrize(
    "value",
    [
        123456789012345678901234567890,
        -(2**63) - 1,
        2**64,
        0.1,
        1e300,
        "\U0010ffff\u2028\0\x7f",
        {"": {"": []}},
        [None, True, False],
        "🏳️‍🌈",
        "e\u0301 é",
    ],
)
def test_an_unknown_value_is_stored_as_sent(writable: Served, place: Path, value: object) -> None:
    reply = writable.put_item("trip/one.png", {"mine": value})
    assert reply.status == 200, reply.data
    assert json.loads((place / "library" / "trip" / "one.png.json").read_bytes())["mine"] == value


def test_a_nul_in_tags_and_notes_is_stored_and_found(writable: Served) -> None:
    reply = writable.put_item("trip/one.png", {"tags": ["nul\0tag"], "notes": "before\0after"})
    assert (reply.json()["tags"], reply.json()["notes"]) == (["nul\0tag"], "before\0after")
    for query in ("before", "after", "nul", "tag"):
        assert writable.get("/api/search", q=query).json()["total"] == 1


def test_tags_are_trimmed_and_doubles_and_empty_ones_dropped(writable: Served) -> None:
    reply = writable.put_item("trip/one.png", {"tags": [" a ", "a", "", "  ", "b\n"]})
    assert reply.json()["tags"] == ["a", "b"]


def test_a_deep_sidecar_on_disk_is_kept_or_refused_but_never_a_server_error(writable: Served, place: Path) -> None:
    sidecar = place / "library" / "trip" / "one.png.json"
    for depth in (100, 300, 500, 700, 900, 980, 2000):
        data = b'{"tags": ["x"], "deep": ' + b"[" * depth + b"]" * depth + b"}"
        sidecar.write_bytes(data)
        assert writable.get("/api/item", path="trip/one.png").status in (200, 409), depth
        status = writable.put_item("trip/one.png", {"notes": "n"}).status
        assert status in (200, 409), depth
        if status == 409:
            assert sidecar.read_bytes() == data
        else:
            assert json.loads(sidecar.read_bytes())["deep"] == json.loads(data)["deep"]
        sidecar.unlink()

"""The search language compiled to SQL over the catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import apsw
import orjson

from lenscat_backend.catalog.reads import IN_ORDER, ITEM_SELECT, item_row
from lenscat_backend.catalog.records import TAG_SEPARATOR, ItemRow, searchable
from lenscat_backend.catalog.schema import HAYSTACK_PART
from lenscat_backend.models.query import Query, Term
from lenscat_backend.models.text import fold, sort_path

_FROM = "JOIN folders ON folders.id = items.folder_id WHERE "
_ORDER = f" ORDER BY {IN_ORDER}"
_TRIGRAM = 3
_SUGGESTION_SAMPLE = 2000
"""How many matching items suggestions are drawn from, so that typing one letter stays fast in any library."""

Place = tuple[str, str, str, str]
"""Where an item stands in the order of the whole library: its folder's sort path and path, its sort key and name."""
FIRST: Place = ("", "", "", "")
Condition = tuple[str, list[str | int]]


def search(connection: apsw.Connection, query: Query, limit: int, offset: int = 0) -> tuple[list[ItemRow], int]:
    """The matching items in folder and name order, `limit` at most (-1: all), and how many match in all."""
    where, values = _where(connection, query)
    total = int(connection.execute(f"SELECT count(*) FROM items {_FROM}{where}", values).get)
    rows = connection.execute(f"{ITEM_SELECT}{_FROM}{where}{_ORDER} LIMIT ? OFFSET ?", [*values, limit, offset])
    return [item_row(row) for row in rows], total


def matches_after(connection: apsw.Connection, query: Query, after: Place, limit: int) -> list[ItemRow]:
    """Up to `limit` matches whose places come after `after`: a walk over all in bounded memory."""
    where, values = _where(connection, query)
    where += f" AND ({IN_ORDER}) > (?, ?, ?, ?)"
    rows = connection.execute(f"{ITEM_SELECT}{_FROM}{where}{_ORDER} LIMIT ?", [*values, *after, limit])
    return [item_row(row) for row in rows]


def place_of(row: ItemRow) -> Place:
    """Where an item stands."""
    return sort_path(row.folder), row.folder, row.record.sort_key, row.record.name


def suggest(connection: apsw.Connection, prefix: str, limit: int) -> list[str]:
    """Tags, most used first, then words of names, that start with `prefix` (accents and case do not matter)."""
    start = searchable(prefix).strip()
    if not start:
        return []
    tags: Counter[str] = Counter()
    for found in _sample(connection, "tags", "tag", TAG_SEPARATOR + start):
        tags.update(tag for tag in _tags_of(found) if fold(tag).startswith(start))
    words: Counter[str] = Counter()
    for found in _sample(connection, "name", "", start):
        words.update(word for word in _words(str(found[0])) if word.startswith(start))
    ranked = [tag for tag, _ in tags.most_common()] + [word for word, _ in words.most_common()]
    return list(dict.fromkeys(ranked))[:limit]


def _sample(connection: apsw.Connection, column: str, field: str, text: str) -> Iterator[apsw.SQLiteValues]:
    condition, values = _text_condition(connection, column, text)
    yield from connection.execute(
        f"SELECT items.name, items.tags, items.exif FROM items WHERE {condition} LIMIT {_SUGGESTION_SAMPLE}",
        values,
    )


def _tags_of(row: apsw.SQLiteValues) -> list[str]:
    keywords = orjson.loads(str(row[2])).get("keywords") or []
    return [*orjson.loads(str(row[1])), *keywords]


def _words(name: str) -> list[str]:
    stem = fold(name.rpartition(".")[0] or name)
    return "".join(char if char.isalnum() else " " for char in stem).split()


def _where(connection: apsw.Connection, query: Query) -> Condition:
    parts: list[str] = []
    values: list[str | int] = []
    for term in query.terms:
        condition, bound = _condition(connection, term)
        parts.append(f"NOT ({condition})" if term.negated else f"({condition})")
        values += bound
    return " AND ".join(parts) or "1", values


def _condition(connection: apsw.Connection, term: Term) -> Condition:
    if term.field in ("", "name", "notes"):
        return _text_condition(connection, term.field, term.text)
    if term.field == "tag":
        return _text_condition(connection, "tags", f"{TAG_SEPARATOR}{term.text}{TAG_SEPARATOR}")
    if term.field == "path":
        return "folders.path = ? OR (folders.path >= ? AND folders.path < ?)", [
            term.text,
            f"{term.text}/",
            f"{term.text}0",
        ]
    if term.field == "ext":
        return "lower(substr(items.name, -length(?))) = ?", [f".{term.text}", f".{term.text}"]
    if term.field == "label":
        return "fold_case(items.label) = ?", [term.text]
    if term.field == "rating":
        return f"coalesce(items.rating, 0) {term.sign} ?", [int(term.text)]
    return _STATES[term.text], []


def _text_condition(connection: apsw.Connection, column: str, text: str) -> Condition:
    """Substring of the folded text: the trigram index where it can answer, else a look through the haystacks.

    `instr` on the whole haystack is exact for plain words and tags (their separators occur nowhere else); for one
    column it is checked on that column's part.
    """
    through_text = f"instr({HAYSTACK_PART[column]}, ?) > 0"
    if len(text) < _TRIGRAM:
        return through_text, [text]
    phrase = '"' + text.replace('"', '""') + '"'
    indexed = "items.id IN (SELECT rowid FROM items_text WHERE items_text MATCH ?)"
    match = f"{column} : {phrase}" if column else phrase
    if connection.execute("SELECT EXISTS (SELECT 1 FROM unindexed)").get:
        return f"{indexed} OR (items.id IN (SELECT item_id FROM unindexed) AND {through_text})", [match, text]
    return indexed, [match]


_STATES = {
    "favorite": "items.favorite",
    "untagged": f"{HAYSTACK_PART['tags']} = ''",
    "unrated": "items.rating IS NULL",
}

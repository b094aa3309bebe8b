"""The catalog's file fails under a running server: what callers see, and what is left afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from lenscat_backend.catalog.database import Database
from lenscat_backend.errors import BusyError


def with_database(path: Path, work: Callable[[Database], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        database = Database(path, lambda connection: set_fact(connection, "made", "anew"))
        try:
            return await work(database)
        finally:
            database.close()

    return asyncio.run(run())


def set_fact(connection: apsw.Connection, name: str, value: str) -> None:
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


def fact(connection: apsw.Connection, name: str) -> Any:
    return connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).get


def fail(connection: apsw.Connection, error: type[Exception]) -> None:
    connection.execute("INSERT INTO facts VALUES ('half', 'done')")
    raise error("as the engine says it")


@pytest.mark.parametrize("error", [apsw.CorruptError, apsw.NotADBError])
def test_a_damaged_file_is_made_anew_at_once(tmp_path: Path, error: type[Exception]) -> None:
    async def work(database: Database) -> None:
        await database.write(set_fact, "old", "value")
        with pytest.raises(BusyError):
            await database.write(fail, error)
        assert await database.read(fact, "old") is None
        assert await database.read(fact, "made") == "anew"
        await database.write(set_fact, "new", "value")
        assert await database.read(fact, "new") == "value"

    with_database(tmp_path / "catalog.sqlite3", work)


def test_many_who_meet_the_damage_make_it_anew_once(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        met = await asyncio.gather(*(database.write(fail, apsw.CorruptError) for _ in range(5)), return_exceptions=True)
        assert {type(found) for found in met} == {BusyError}
        await database.write(set_fact, "new", "value")
        assert await database.read(fact, "new") == "value"

    with_database(tmp_path / "catalog.sqlite3", work)


def test_a_full_disk_is_said_and_nothing_is_half_written(tmp_path: Path) -> None:
    def fill(connection: apsw.Connection) -> None:
        connection.execute(f"PRAGMA max_page_count={connection.pragma('page_count') + 2}")
        set_fact(connection, "half", "done")
        set_fact(connection, "large", "x" * 1_000_000)

    async def work(database: Database) -> None:
        await database.write(set_fact, "old", "value")
        with pytest.raises(BusyError, match="full"):
            await database.write(fill)
        assert await database.read(fact, "half") is None
        assert await database.read(fact, "old") == "value"

    with_database(tmp_path / "catalog.sqlite3", work)

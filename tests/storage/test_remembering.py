"""What was listed a moment ago is believed, but not once the store has failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from lenscat_backend.errors import NotFoundError, UnreachableError
from lenscat_backend.models.paths import ROOT, LibraryPath, parse_path
from lenscat_backend.storage import remembering
from lenscat_backend.storage.base import Entry, Listing, Report, ignore
from lenscat_backend.storage.memory import MemoryStore
from lenscat_backend.storage.remembering import RememberingStore

A, B = parse_path("a.jpg"), parse_path("b.jpg")


class Failing(MemoryStore):
    """Answers nothing while it `fails`."""

    fails = False

    def list_folder(self, folder: LibraryPath) -> Listing:
        self.check()
        return super().list_folder(folder)

    def list_pages(self, folder: LibraryPath, report: Report = ignore) -> Iterator[Sequence[Entry]]:
        for page in super().list_pages(folder, report):
            yield page
            self.check()

    def stat(self, path: LibraryPath) -> Entry:
        self.check()
        return super().stat(path)

    def check(self) -> None:
        if self.fails:
            raise UnreachableError("gone")


@pytest.fixture
def store() -> Failing:
    found = Failing(remote=True)
    found.write(A, b"1")
    return found


LISTINGS: dict[str, Callable[[RememberingStore], object]] = {
    "folder": lambda store: store.list_folder(ROOT),
    "pages": lambda store: list(store.list_pages(ROOT)),
}


@pytest.mark.parametrize("kind", LISTINGS)
def test_a_listing_answers_for_a_moment(store: Failing, kind: str) -> None:
    now = [0.0]
    young = RememberingStore(store, young_s=5.0, clock=lambda: now[0])
    LISTINGS[kind](young)
    store.fails = True
    assert young.stat(A).size == 1 and young.quick_etag(A) == young.stat(A).etag
    with pytest.raises(NotFoundError):
        young.read(B, 9)
    now[0] = 6.0
    with pytest.raises(UnreachableError):
        young.stat(A)


@pytest.mark.parametrize("kind", LISTINGS)
def test_a_listing_that_fails_ends_the_belief_in_the_last_one(store: Failing, kind: str) -> None:
    young = RememberingStore(store, clock=lambda: 0.0)
    LISTINGS[kind](young)
    store.fails = True
    with pytest.raises(UnreachableError):
        LISTINGS[kind](young)
    with pytest.raises(UnreachableError):
        young.stat(A)


def test_a_very_large_folder_is_not_remembered(store: Failing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "MAX_FOLDER", 1)
    store.write(B, b"2")
    young = RememberingStore(store, clock=lambda: 0.0)
    list(young.list_pages(ROOT))
    assert young.quick_etag(A) is None

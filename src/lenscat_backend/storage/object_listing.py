"""Folders made of keys: which entries a folder has, and which keys cannot be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from obstore.exceptions import InvalidPathError as OddKeyError

from lenscat_backend.models.paths import LibraryPath, is_hidden, join
from lenscat_backend.storage.base import Entry, Listing, Report
from lenscat_backend.storage.names import is_left_out
from lenscat_backend.storage.object_keys import Found, are_plain, folder_entry, problem, why_odd
from lenscat_backend.storage.object_pages import PAGE_KEYS, Page, PageSource

Located = tuple[LibraryPath, Entry]


class FolderLister:
    """Turns pages of keys into folders.

    A folder is there while a key begins with its name and a slash, its own placeholder ``folder/`` included. A file and
    a folder may have the same name: then both are given.
    """

    def __init__(self, quick: PageSource, careful: PageSource) -> None:
        """`quick` for single folders until a key is odd, and where there is any; `careful` for all else."""
        self._quick = quick
        self._careful = careful
        self._odd: set[str] = set()

    def folder(self, start: str) -> Listing | None:
        """The whole folder whose keys begin with `start`; None where no key does."""
        problems: list[str] = []
        pages = list(self._whole(start))
        entries = [entry for page in pages for entry in _entries(page, start, problems.append)]
        exists = any(page.files or page.folders for page in pages)
        return Listing(tuple(entries), "", tuple(problems)) if exists else None

    def exists(self, start: str) -> bool:
        """Whether any key begins with `start`; one LIST."""
        try:
            return any(page.files for page in self._careful.pages(start, delimiter=False))
        except OddKeyError:
            return True

    def folder_pages(self, start: str, report: Report) -> Iterator[Sequence[Entry]]:
        """The folder in key order, at most 1,000 entries at a time; nothing at all where no key begins with `start`."""
        for page in self._careful.pages(start, delimiter=True):
            entries = _in_key_order(_entries(page, start, report))
            if page.files or page.folders:
                yield from (entries[at : at + PAGE_KEYS] for at in range(0, max(len(entries), 1), PAGE_KEYS))

    def tree_pages(self, start: str, folder: LibraryPath, report: Report) -> Iterator[Sequence[Located]]:
        """All files below `folder` in key order, at most 1,000 at a time, hidden ones left out."""
        for page in self._careful.pages(start, delimiter=False):
            yield [located for file in page.files if (located := _locate(file, start, folder, report))]

    def _whole(self, start: str) -> Iterator[Page]:
        if start in self._odd:
            return self._careful.pages(start, delimiter=True)
        try:
            pages = list(self._quick.pages(start, delimiter=True))
        except OddKeyError:
            if self._careful is self._quick:
                raise
            pages = []
            self._odd.add(start)
        if any(folder == "/" for page in pages for folder in page.folders):
            self._odd.add(start)
        empty = not any(page.files or page.folders for page in pages)
        if start in self._odd or (empty and self._careful is not self._quick):  # any reply looks empty to `quick`
            return self._careful.pages(start, delimiter=True)
        return iter(pages)


def _entries(page: Page, start: str, report: Report) -> list[Entry]:
    placeholders = (start, start[:-1])
    named = [(file.key[len(start) :], file) for file in page.files if file.key not in placeholders]
    if not are_plain([name for name, _ in named]):
        named = [(name, file) for name, file in named if _is_shown(name, report)]
    entries = [file.entry(name) for name, file in named]
    for folder in page.folders:
        rest = folder[len(start) : -1]
        if _is_shown(rest, report, "/"):
            entries.append(folder_entry(rest))
    return entries


def _is_shown(rest: str, report: Report, slash: str = "") -> bool:
    why = why_odd(rest)
    if why:
        report(problem(rest + slash, why))
    return not why and not is_left_out(rest)


def _in_key_order(entries: list[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: (entry.name + "/" if entry.is_folder else entry.name).encode())


def _locate(file: Found, start: str, folder: LibraryPath, report: Report) -> Located | None:
    rest = file.key[len(start) :]
    if file.key.endswith("/") and not why_odd(rest[:-1]):
        return None  # the placeholder of a folder
    why = why_odd(rest)
    if why:
        report(problem(rest, why))
        return None
    above, _, name = rest.rpartition("/")
    if is_left_out(name) or (above and is_hidden(LibraryPath(above))):
        return None
    return join(folder, rest), file.entry(name)

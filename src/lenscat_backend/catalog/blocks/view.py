"""Every living item of the catalog at one moment: the blocks in the file, and what changed since in small ones."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import apsw
import numpy as np
from numpy.typing import NDArray

from lenscat_backend.catalog.blocks import storing
from lenscat_backend.catalog.blocks.block import Block
from lenscat_backend.catalog.blocks.building import block_of
from lenscat_backend.catalog.blocks.counting import Counts, count
from lenscat_backend.catalog.blocks.texts import Mask
from lenscat_backend.models.paths import LibraryPath
from lenscat_backend.models.text import searchable

MOST_RECENT = 16_384
"""More changes than these are left out until they are in blocks: nobody waits until a million pictures are in one."""
_MERGE_BELOW = 4
"""Recent changes join those before them that are at most so many times as many."""


@dataclass(frozen=True)
class Source:
    """A block, and which of its items count."""

    block: Block
    live: Mask

    @cached_property
    def counts(self) -> Counts:
        """What facets tell of all that count."""
        return count(self.block, self.live)


class Tree(NamedTuple):
    """The folders: by id their paths and places in the order of the tree, and all folded paths in order, with ids.

    `paths` is in the order of the tree.
    """

    paths: dict[int, LibraryPath]
    ranks: dict[int, int]
    folded: list[tuple[str, int]]

    def beginning(self, prefix: str) -> list[int]:
        """The ids of the folders whose folded paths begin so."""
        first = bisect_left(self.folded, (prefix, 0))
        last = bisect_left(self.folded, (prefix + "\U0010ffff", 0), first)
        return [number for _, number in self.folded[first:last]]

    def called(self, path: str) -> list[int]:
        """The ids of the folders with just this folded path."""
        first = bisect_left(self.folded, (path, 0))
        last = bisect_left(self.folded, (path + "\0", 0), first)
        return [number for _, number in self.folded[first:last]]


class View(NamedTuple):
    """What a search looks at; `partial` where so much has changed since that it is left out for now."""

    sources: tuple[Source, ...]
    tree: Tree
    partial: bool = False


@dataclass(frozen=True, slots=True)
class _Recent:
    """Items that changed after line `after` of the changes, up to line `upto`."""

    after: int
    upto: int
    ids: NDArray[np.int64]
    block: Block


class Views:
    """Makes views, and keeps what they share. Safe to use from several threads."""

    def __init__(self, reader: Callable[[], apsw.Connection]) -> None:
        """`reader` gives a connection of its own, through which blocks are read outside any snapshot."""
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._reader = reader
        self._connection: apsw.Connection | None = None
        self._blocks: dict[tuple[int, int], tuple[storing.Stored, Block]] = {}
        """By their numbers and the generations that they came with."""
        self._generation = -1
        self._recent: list[_Recent] = []
        self._sources: dict[int, Source] = {}
        self._tree: tuple[int, Tree] | None = None
        self._view: tuple[tuple[int, int, int], View] | None = None

    def view(self, connection: apsw.Connection) -> View:
        """What the catalog holds in this connection's snapshot."""
        key = storing.generation(connection), storing.latest_change(connection), _folder_changes(connection)
        with self._lock:
            if self._view is None or self._view[0] != key:
                self._view = key, self._make(connection, *key)
            return self._view[1]

    def close(self) -> None:
        """Close the connection for blocks; the next one that is needed is to the file that is there then."""
        with self._reading:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _make(self, connection: apsw.Connection, generation: int, upto: int, folders: int) -> View:
        if self._tree is None or self._tree[0] != folders:
            self._tree = folders, _read_tree(connection)
        if generation != self._generation or (self._recent and upto < self._recent[-1].upto):
            self._take_blocks(storing.stored_blocks(connection))
            self._recent, self._generation = [], generation
        tree = self._tree[1]
        partial = storing.count_changes(connection, self._recent[-1].upto if self._recent else 0) > MOST_RECENT
        if not partial:
            self._take_changes(connection, upto, tree)
        over = np.empty(0, np.int64)
        sources: list[Source] = []
        for recent in reversed(self._recent):
            sources.append(self._source(recent.block, None, over))
            over = np.union1d(over, recent.ids)
        sources += [self._source(block, stored.dead, over) for stored, block in self._blocks.values()]
        self._sources = {id(source.block): source for source in sources}
        return View(tuple(sources), tree, partial)

    def _source(self, block: Block, dead: Mask | None, over: NDArray[np.int64]) -> Source:
        """The one there was, where nothing has changed: it keeps what it has counted."""
        live, before = _live(block, dead, over), self._sources.get(id(block))
        if before is not None and before.block is block and np.array_equal(before.live, live):
            return before
        return Source(block, live)

    def _take_blocks(self, stored: Sequence[storing.Stored]) -> None:
        before, self._blocks = self._blocks, {}
        for one in stored:
            kept = before.get((one.number, one.made))
            block = kept[1] if kept is not None else Block(partial(self._load, one.number))
            self._blocks[one.number, one.made] = one, block

    def _take_changes(self, connection: apsw.Connection, upto: int, tree: Tree) -> None:
        after = self._recent[-1].upto if self._recent else 0
        if upto == after:
            return
        ids = storing.changed_since(connection, after)
        while self._recent and len(self._recent[-1].ids) <= _MERGE_BELOW * len(ids):
            before = self._recent.pop()
            ids, after = np.union1d(ids, before.ids), before.after
        self._recent.append(_Recent(after, upto, ids, block_of(storing.rows_of(connection, ids), tree.paths)))

    def _load(self, number: int, part: str) -> Any:
        with self._reading:
            if self._connection is None:
                self._connection = self._reader()
            return storing.read_part(self._connection, number, part)


def _live(block: Block, dead: Mask | None, over: NDArray[np.int64]) -> Mask:
    live = np.ones(len(block), bool) if dead is None else ~dead
    live[storing.places_of(block.ids, over)] = False
    return live


def _folder_changes(connection: apsw.Connection) -> int:
    return int(connection.execute("SELECT coalesce((SELECT value FROM facts WHERE name = 'folders'), 0)").get)


def _read_tree(connection: apsw.Connection) -> Tree:
    paths = storing.folder_paths(connection)
    ranks = {number: rank for rank, number in enumerate(paths)}
    return Tree(paths, ranks, sorted((searchable(path), number) for number, path in paths.items()))

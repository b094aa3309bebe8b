"""Which library paths a real folder has, and whom a change behind a link concerns.

A folder has a path below the root, and one more through each folder link that leads to it or to a folder above it.
What a link needs on its way is remembered as *dependents*: real path -> the folders that hold such links. A key that
ends in a slash stands for all files of that folder: one key serves a folder full of links.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from lenscat_backend.errors import LenscatError
from lenscat_backend.models.paths import LibraryPath, decode_name
from lenscat_backend.storage.links import LinkTarget, is_inside, parent_of, resolve_link, trace_link


class Followed(NamedTuple):
    """What to listen to because of a link: the folder that it leads to, and folders whose entries decide about it.

    `retargeted` are the folders that lost or won a name, because the link did not lead to `folder` before.
    """

    folder: bytes | None
    looked_up_in: Collection[bytes]
    retargeted: Collection[bytes] = ()


class LinkMap:
    """The links of one library. For one thread. All paths are absolute; those of folders are real."""

    def __init__(self, roots: list[bytes], *, follow_outside: bool) -> None:
        self.roots = roots
        self._follow_outside = follow_outside
        self._targets: dict[bytes, bytes] = {}
        self._links_to: dict[bytes, set[bytes]] = {}
        self._dependents: dict[bytes, set[bytes]] = {}

    def paths(self, folder: bytes) -> list[LibraryPath]:
        """The folder's library paths; none for one that the library does not list."""
        found = dict.fromkeys(self._plain(folder))
        if self._links_to:
            found.update(dict.fromkeys(self._linked(folder)))
        return [LibraryPath(decode_name(path)) for path in found]

    def dependents(self, path: bytes) -> Collection[bytes]:
        """The folders with links that need `path`; with a slash at the end, any file in the folder `path`."""
        return self._dependents.get(path, ())

    def add(self, folder: bytes, name: bytes, seen: dict[bytes, bytes]) -> Followed:
        """Take up a link, in place of what was known of it; `seen` as in `resolve_link`."""
        before = self.remove(folder.rstrip(b"/") + b"/" + name)
        followed = self._add(folder, name, seen)
        changed = {target for target in (before, followed.folder) if target} if before != followed.folder else ()
        return followed._replace(retargeted=changed)

    def remove(self, link: bytes) -> bytes | None:
        """Forget a folder link; returns the folder that it led to, None where it is no such link."""
        target = self._targets.pop(link, None)
        if target is not None:
            links = self._links_to[target]
            links.discard(link)
            if not links:
                del self._links_to[target]
        return target

    def remove_under(self, gone: Collection[bytes]) -> list[bytes]:
        """Forget all links in these folders and below; returns the folders that folder links among them led to."""
        targets = [self.remove(link) for link in list(self._targets) if is_under(link, gone)]
        for path, folders in list(self._dependents.items()):
            folders.difference_update([folder for folder in folders if is_under(folder, gone)])
            if not folders:
                del self._dependents[path]
        return [target for target in targets if target is not None]

    def clear(self) -> None:
        """Forget all links."""
        for known in (self._targets, self._links_to, self._dependents):
            known.clear()

    def _add(self, folder: bytes, name: bytes, seen: dict[bytes, bytes]) -> Followed:
        crossed = next(self._plain(folder), None) is None
        try:
            target = resolve_link(folder, name, root=self._bound(folder), crossed=crossed, seen=seen)
            looked_up = self._links_on_the_way(folder, name, target.real)
        except (LenscatError, OSError):
            return self._add_broken(folder, name, crossed)
        return self._add_followed(folder, name, target, looked_up)

    def _add_broken(self, folder: bytes, name: bytes, crossed: bool) -> Followed:
        """A link that leads nowhere now; what lies out of bounds cannot make it lead somewhere."""
        bound = self._bound(folder)
        looked_up = [path for path in trace_link(folder, name)[1:] if bound is None or is_inside(path, bound)]
        self._need(folder, looked_up)
        return Followed(None, () if crossed else {parent_of(path) for path in looked_up})

    def _add_followed(self, folder: bytes, name: bytes, target: LinkTarget, looked_up: Collection[bytes]) -> Followed:
        self._need(folder, looked_up)
        if stat.S_ISDIR(target.info.st_mode):
            link = folder.rstrip(b"/") + b"/" + name
            self._targets[link] = target.real
            self._links_to.setdefault(target.real, set()).add(link)
            self._need(folder, lineage(target.real))
            return Followed(target.real, {parent_of(path) for path in (*looked_up, target.real)})
        home = parent_of(target.real)
        if home != folder and folder not in self._dependents.get(home + b"/", ()):
            self._need(folder, (home + b"/", *lineage(home)))
        return Followed(None, {parent_of(path) for path in (*looked_up, target.real)})

    def _links_on_the_way(self, folder: bytes, name: bytes, real: bytes) -> list[bytes]:
        """What else is looked up where the link does not lead straight to its target."""
        text = os.readlink(folder + b"/" + name)  # noqa: PTH115 - the path is bytes, which pathlib does not take
        straight = os.path.normpath(os.path.join(folder, text)) == real  # noqa: PTH118 - the path is bytes, which pathlib does not take
        return [] if straight else trace_link(folder, name)[1:]

    def _need(self, folder: bytes, paths: Iterable[bytes]) -> None:
        for path in paths:
            self._dependents.setdefault(path, set()).add(folder)

    def _bound(self, folder: bytes) -> bytes | None:
        if self._follow_outside:
            return None
        return next((root for root in self.roots if is_inside(folder, root)), self.roots[0])

    def _plain(self, folder: bytes) -> Iterator[bytes]:
        """The folder's paths below the roots, no link crossed."""
        for root in self.roots:
            path = _below(root, folder)
            if path is not None:
                yield path

    def _linked(self, folder: bytes) -> Iterator[bytes]:
        """The folder's paths through one folder link."""
        for top in lineage(folder):
            path = _below(top, folder) if top in self._links_to else None
            for link in self._links_to[top] if path is not None else ():
                parts = ((parent, link.rpartition(b"/")[2], path or b"") for parent in self._plain(parent_of(link)))
                yield from (b"/".join(filter(None, part)) for part in parts)


def lineage(path: bytes) -> Iterator[bytes]:
    """An absolute path and the folders above it, the nearest first, "/" left out."""
    while path and path != b"/":
        yield path
        path = path.rpartition(b"/")[0]


def is_under(path: bytes, folders: Collection[bytes]) -> bool:
    """Whether the path is one of the folders or lies below one."""
    return any(above in folders for above in lineage(path))


def _below(top: bytes, folder: bytes) -> bytes | None:
    """The path of `folder` below `top`; None where it is not, or only through hidden folders."""
    if not is_inside(folder, top):
        return None
    path = folder[len(top) :].lstrip(b"/")
    return None if path.startswith(b".") or b"/." in path else path

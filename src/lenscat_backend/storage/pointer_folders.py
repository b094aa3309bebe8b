"""Listings of folders that may be pointers: whole, or page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from lenscat_backend.errors import NotFoundError
from lenscat_backend.models.paths import ROOT, LibraryPath
from lenscat_backend.models.pointer import POINTER_FILE
from lenscat_backend.storage.base import Entry, Listing, Report
from lenscat_backend.storage.mounts import Mount
from lenscat_backend.storage.pointer_discovery import PointerDiscovery
from lenscat_backend.storage.pointer_listing import (
    NO_FILE,
    STRAY_POINTER,
    hidden_by_pointer,
    is_bucket,
    is_no_pointer,
    joint_etag,
    pointer_in,
    with_stray_pointer,
)
from lenscat_backend.storage.pointer_pages import begin_pages, close_pages

_NOTHING = "The pointer's target holds nothing: check its prefix."


def list_folder(pointers: PointerDiscovery, folder: LibraryPath) -> Listing:
    """See `Store.list_folder`: of a pointer folder its target's entries, and the pointer file."""
    try:
        listing = _list(pointers, folder)
    except NotFoundError:
        if not pointers.look_again(folder):
            raise
        listing = _list(pointers, folder)
    if not any(map(is_no_pointer, listing.entries)):
        return listing
    entries = tuple(entry for entry in listing.entries if not is_no_pointer(entry))
    return listing._replace(entries=entries, problems=(*listing.problems, NO_FILE))


def list_pages(pointers: PointerDiscovery, folder: LibraryPath, report: Report) -> Iterator[Sequence[Entry]]:
    """See `Store.list_pages`; a pointer file comes first, and then its target's entries."""
    for page in _pages(pointers, folder, report):
        if any(map(is_no_pointer, page)):
            report(NO_FILE)
            page = [entry for entry in page if not is_no_pointer(entry)]
        yield page


def said_of(pointers: PointerDiscovery, folder: LibraryPath, is_empty: bool) -> tuple[str, str]:
    """What a pointer folder that was just listed is called, and what is wrong with it; both "" for others."""
    mount = pointers.mounts.at(folder)
    return ("", "") if mount is None else (mount.label, _NOTHING if is_empty and is_bucket(mount) else "")


def _list(pointers: PointerDiscovery, folder: LibraryPath) -> Listing:
    container, rest, parent = pointers.container_of(folder)
    own = container.list_folder(rest)
    pointer = pointer_in(own.entries)
    if pointer is None or not folder:
        pointers.note_no_pointer(folder, container, rest)
        return own if pointer is None else with_stray_pointer(own)
    mount, listing = _list_target(pointers, pointers.mount_to_follow(folder, container, rest, pointer.etag, parent))
    shown = [entry for entry in listing.entries if entry.name != POINTER_FILE]
    return Listing(
        (*shown, pointer),
        joint_etag(mount, listing.etag) if pointer.settled else "",
        (*listing.problems, *hidden_by_pointer(own.entries)),
        *said_of(pointers, folder, not listing.entries),
    )


def _list_target(pointers: PointerDiscovery, mount: Mount) -> tuple[Mount, Listing]:
    """Follow a pointer to its end, for a target may be a pointer itself."""
    while True:
        mount = pointers.mounts.follow(mount)
        store = pointers.store_of(mount)
        listing = store.list_folder(ROOT)
        pointer = pointer_in(listing.entries)
        if pointer is None:
            pointers.plain.add(store, ROOT)
            return mount, listing
        mount = pointers.mount_to_follow(mount.at, store, ROOT, pointer.etag, mount)


def _pages(pointers: PointerDiscovery, folder: LibraryPath, report: Report) -> Iterator[Sequence[Entry]]:
    container, rest, parent = pointers.container_of(folder)
    pages = container.list_pages(rest, report)
    try:
        begun, pointer = begin_pages(container, rest, pages)
    except NotFoundError:
        if not pointers.look_again(folder):
            raise
        yield from _pages(pointers, folder, report)
        return
    if pointer is None or not folder:
        pointers.note_no_pointer(folder, container, rest)
        for page in chain(begun, pages):
            yield page if pointer is None else [entry for entry in page if entry.name != POINTER_FILE]
        if pointer is not None:
            report(STRAY_POINTER)
        return
    close_pages(pages)  # what the pointer hides is not asked for
    yield [pointer]
    for problem in hidden_by_pointer(chain.from_iterable(begun)):
        report(problem)
    yield from _target_pages(pointers, pointers.mount_to_follow(folder, container, rest, pointer.etag, parent), report)


def _target_pages(pointers: PointerDiscovery, mount: Mount, report: Report) -> Iterator[Sequence[Entry]]:
    mount = pointers.mounts.follow(mount)
    store = pointers.store_of(mount)
    pages = store.list_pages(ROOT, report)
    begun, pointer = begin_pages(store, ROOT, pages)
    if pointer is not None:
        close_pages(pages)
        yield from _target_pages(pointers, pointers.mount_to_follow(mount.at, store, ROOT, pointer.etag, mount), report)
        return
    yield from begun
    yield from pages
    pointers.plain.add(store, ROOT)

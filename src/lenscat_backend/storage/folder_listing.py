"""Listing one folder of a local disk: names, sizes, times and etags in one pass, 100,000 and more entries a second."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from lenscat_backend.errors import LenscatError
from lenscat_backend.models.paths import decode_name
from lenscat_backend.storage.base import Entry, Listing
from lenscat_backend.storage.names import LISTED_HIDDEN_NAMES
from lenscat_backend.storage.root_folder import FolderHandle

FINE_TICK_NS = 20_000_000
"""Two changes within this time may carry the same time stamp: file systems use the kernel's tick, up to 10 ms."""
COARSE_TICK_NS = 2_000_000_000
"""The same where times have no part below a second: FAT counts in steps of two seconds."""
_SECOND_NS = 1_000_000_000


def etag_of(info: os.stat_result) -> str:
    """What tells one state of a file or folder from another without reading it: size, times and inode."""
    return f"{info.st_size:x}-{info.st_mtime_ns:x}-{info.st_ctime_ns:x}-{info.st_ino:x}"


def is_settled(info: os.stat_result, now_ns: int) -> bool:
    """Whether any later change must show in `etag_of`, because the clock has ticked since the last one.

    A modification time ahead of the clock was set on purpose and tells nothing; a change time cannot be set, so one
    ahead of the clock means that the clocks differ: never settled.
    """
    changed, modified = info.st_ctime_ns, info.st_mtime_ns
    limit = now_ns - (FINE_TICK_NS if changed % _SECOND_NS else COARSE_TICK_NS)
    return changed < limit and (modified < limit or modified > now_ns)


def entry_of(name: str, info: os.stat_result, now_ns: int) -> Entry:
    """The entry of a file or folder. A folder's etag is the one of its listing, "" while it has not settled."""
    settled = is_settled(info, now_ns)
    if stat.S_ISDIR(info.st_mode):
        return Entry(name, True, 0, 0, folder_etag(info, now_ns), settled)
    return Entry(name, False, info.st_size, info.st_mtime_ns, etag_of(info), settled, info.st_ctime_ns)


def folder_etag(info: os.stat_result, now_ns: int) -> str:
    """The etag of a listing that begins after `info` was taken; "" while it has not settled: nobody may trust it."""
    if not is_settled(info, now_ns):
        return ""
    return f"{info.st_mtime_ns:x}-{info.st_ctime_ns:x}-{info.st_ino:x}"


def list_entries(folder: FolderHandle, clock: Callable[[], int]) -> Listing:
    """The folder's entries; raises `OSError` as it comes.

    Folders in it carry no etag, so that a listing does not change with what happens further down. Names that vanish
    meanwhile are left out; any other failure fails the whole, for a listing with holes would pass for deletions.
    """
    before = os.fstat(folder.descriptor)  # before the names: a change meanwhile must show the next time
    now_ns = clock()
    entries, others = _list_files(folder.descriptor, now_ns)
    problems: list[str] = []
    for name, item in others:
        if item.is_symlink():
            _add_link(folder, name, now_ns, entries, problems)
        elif item.is_dir(follow_symlinks=False):
            entries.append(Entry(name, True, 0, 0, "", True))
    return Listing(tuple(entries), folder_etag(before, now_ns), tuple(sorted(problems)))


def _list_files(descriptor: int, now_ns: int) -> tuple[list[Entry], list[tuple[str, os.DirEntry[str]]]]:
    """The ordinary files, and what needs a closer look. This loop runs once a file: it repeats `entry_of` by hand."""
    entries: list[Entry] = []
    others: list[tuple[str, os.DirEntry[str]]] = []
    fine, coarse = now_ns - FINE_TICK_NS, now_ns - COARSE_TICK_NS
    new = tuple.__new__  # twice as fast as Entry(...)
    with os.scandir(descriptor) as found:
        for item in found:
            name = item.name
            if name[0] == "." and name not in LISTED_HIDDEN_NAMES:
                continue
            if not name.isascii():
                name = decode_name(os.fsencode(name))
            if not item.is_file(follow_symlinks=False):
                others.append((name, item))
                continue
            try:
                info = item.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            size, modified, changed = info.st_size, info.st_mtime_ns, info.st_ctime_ns
            limit = fine if changed % _SECOND_NS else coarse
            settled = changed < limit and (modified < limit or modified > now_ns)
            etag = "%x-%x-%x-%x" % (size, modified, changed, info.st_ino)  # noqa: UP031 - faster than an f-string
            entries.append(new(Entry, (name, False, size, modified, etag, settled, changed)))
    return entries, others


def _add_link(folder: FolderHandle, name: str, now_ns: int, entries: list[Entry], problems: list[str]) -> None:
    try:
        info = folder.stat(name)
    except FileNotFoundError:
        return
    except LenscatError as error:
        problems.append(str(error))  # names the link
        return
    if stat.S_ISDIR(info.st_mode):
        entries.append(Entry(name, True, 0, 0, "", True))
    elif stat.S_ISREG(info.st_mode):
        entries.append(entry_of(name, info, now_ns))

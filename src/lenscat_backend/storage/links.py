"""The rules for symbolic links, in one place.

- A link to a file counts as that file.
- A link to a folder counts as that folder, once: a path crosses one folder link at most, and none to a folder
  that contains the link, so that every walk ends.
- A link out of the library leads nowhere, unless the library was opened to follow such links.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple

from lenscat_backend.errors import NotFoundError, OutsideLibraryError
from lenscat_backend.models.paths import decode_name
from lenscat_backend.storage.os_errors import MISSING

_MAX_LINKS = 40
"""More links in one path are an error (ELOOP) on Linux: `path_resolution(7)`."""


class LinkTarget(NamedTuple):
    """Where an allowed link leads: the real path on the host, never shown, and what is there."""

    real: bytes
    info: os.stat_result


def is_inside(path: bytes, folder: bytes) -> bool:
    """Whether the real path `path` is `folder` or lies in it."""
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def resolve_link(
    folder: bytes, name: bytes, *, root: bytes | None, crossed: bool, seen: dict[bytes, bytes]
) -> LinkTarget:
    """Where the link `name` in the real folder `folder` leads; raises where the rules do not allow it.

    `root` is the real folder to stay in, None for no such bound. `crossed` says whether a folder link was crossed on
    the way. `seen` keeps real paths of folders between calls, for a folder full of links. The errors name the link;
    trouble with the disk comes as `OSError`.
    """
    target, info = _look_behind(folder, name, seen)
    if root is not None and not is_inside(target, root):
        raise OutsideLibraryError(f"{decode_name(name)}: a link that leads out of the library.")
    if stat.S_ISDIR(info.st_mode):
        if is_inside(folder, target):
            raise NotFoundError(f"{decode_name(name)}: a link to a folder that contains it.")
        if crossed:
            raise NotFoundError(f"{decode_name(name)}: a link to a folder, behind another such link.")
    return LinkTarget(target, info)


def trace_link(folder: bytes, name: bytes) -> list[bytes]:
    """Every name that is looked up to follow the link `name` in the real folder `folder`, first to last.

    Each is a path whose folder is real. A change to any of them may change where the link leads; the last is what the
    link leads to, or what is missing. The rules are not applied: ask `resolve_link` whether it may be followed.
    """
    here, waiting, looked_up, links = folder, [name], [], 0
    while waiting and links <= _MAX_LINKS:
        part = waiting.pop()
        if part in (b"", b"."):
            continue
        if part == b"..":
            here = parent_of(here)
            continue
        path = here.rstrip(b"/") + b"/" + part
        looked_up.append(path)
        try:
            text = os.readlink(path)  # noqa: PTH115 - bytes
        except OSError as error:
            if error.errno != errno.EINVAL:  # which says: no link
                break
            here = path
            continue
        links += 1
        here = b"/" if text.startswith(b"/") else here
        waiting += reversed(text.split(b"/"))
    return looked_up


def parent_of(path: bytes) -> bytes:
    """The folder of an absolute path; that of the top is the top itself."""
    return path.rpartition(b"/")[0] or b"/"


def _look_behind(folder: bytes, name: bytes, seen: dict[bytes, bytes]) -> LinkTarget:
    try:
        target = _real_target(folder, name, seen)
        return LinkTarget(target, os.lstat(target))
    except OSError as error:
        if error.errno in MISSING:
            raise NotFoundError(f"{decode_name(name)}: a link to something that does not exist.") from error
        if error.errno == errno.ELOOP:
            raise NotFoundError(f"{decode_name(name)}: a link that leads to itself.") from error
        raise


def _real_target(folder: bytes, name: bytes, seen: dict[bytes, bytes]) -> bytes:
    """`os.path.realpath` of the link, cheaper where many links lead into few folders."""
    text = os.readlink(folder + b"/" + name)  # noqa: PTH115 - bytes
    parent, _, last = os.path.join(folder, text).rpartition(b"/")  # noqa: PTH118 - bytes
    if last in (b"", b".", b".."):
        return os.path.realpath(parent + b"/" + last, strict=True)
    if parent not in seen:
        seen[parent] = os.path.realpath(parent or b"/", strict=True)
    target = seen[parent].rstrip(b"/") + b"/" + last
    return os.path.realpath(target, strict=True) if stat.S_ISLNK(os.lstat(target).st_mode) else target

"""Opening what lies inside a library's folder on the local disk, and nothing else.

A path is first walked without following any link (`descent`). Only where a link is met are real paths worked out and
the rules applied (`links`), and then the real path is walked in the same way.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence

from lenscat_backend.errors import NotFoundError, UnreachableError
from lenscat_backend.models.paths import ROOT, LibraryPath, encode_name, join
from lenscat_backend.storage.closing import Closing
from lenscat_backend.storage.descent import MAYBE_LINK, OPEN_FILE, OPEN_FOLDER, Making, descend, is_link, open_regular
from lenscat_backend.storage.links import LinkTarget, is_inside, resolve_link
from lenscat_backend.storage.names import is_left_out
from lenscat_backend.storage.os_errors import MISSING, missing, translate


class RootFolder:
    """The library's folder: opens folders inside it. Safe to use from several threads."""

    def __init__(self, path: bytes, *, follow_outside: bool) -> None:
        """`path` is absolute; nothing need be there yet."""
        self.path = path
        self._follow_outside = follow_outside
        self._device: int | None = None

    def open_folder(self, path: LibraryPath, *, make: bool = False, durable: bool = False) -> FolderHandle:
        """The folder at `path`, open; with `make`, missing folders are made on the way (`durable`: and flushed).

        Raises `OSError` for what the system refuses, `UnreachableError` where the root is gone,
        `OutsideLibraryError` and `NotFoundError` for links that lead nowhere.
        """
        raw = encode_name(path)
        segments = raw.split(b"/") if raw else []
        making = Making(make, durable)
        descriptor = descend(self._open_root(), segments, making)
        if descriptor is not None:
            return FolderHandle(self, path, descriptor, segments)
        real, crossed = self._resolve(path, segments, making)
        return FolderHandle(self, path, self.open_real(real, making), segments, real, crossed)

    def open_real(self, real: bytes, making: Making | None = None) -> int:
        """A descriptor of the folder at a real path that the rules allow; refuses a link that appeared meanwhile."""
        root = self.real_path()
        if is_inside(real, root):
            start, below = self._open_root(), real[len(root) :]
        else:
            start, below = os.open(b"/", OPEN_FOLDER), real
        segments = [segment for segment in below.split(b"/") if segment]
        descriptor = descend(start, segments, making or Making())
        if descriptor is None:
            raise NotFoundError("A folder was replaced by a link just now: try again.")
        return descriptor

    def real_path(self) -> bytes:
        """The root's path without links; not kept, for a link to the root may be moved at any time."""
        return os.path.realpath(self.path)

    def follow(
        self, folder: bytes, name: bytes, *, crossed: bool, seen: dict[bytes, bytes] | None = None
    ) -> LinkTarget:
        """Where the link `name` in the real folder `folder` leads; raises as `resolve_link`."""
        known = {} if seen is None else seen
        if self.path not in known:
            known[self.path] = self.real_path()
        root = None if self._follow_outside else known[self.path]
        return resolve_link(folder, name, root=root, crossed=crossed, seen=known)

    def check_present(self) -> None:
        """Raise `UnreachableError` where the root is missing, or empty on another device than it was.

        The latter is the bare mount point of a disk that was unmounted: it must not pass for an emptied library.
        """
        descriptor = self._open_root()
        try:
            device = os.fstat(descriptor).st_dev
            if device == self._device:
                return
            if _is_empty(descriptor):
                raise UnreachableError("The library's disk is not mounted any more: mount it again.", 10.0)
            self._device = device
        finally:
            os.close(descriptor)

    def _open_root(self) -> int:
        try:
            descriptor = os.open(self.path, OPEN_FOLDER)
        except OSError as error:
            if error.errno in MISSING or error.errno == errno.ELOOP:
                message = "The library's folder is not there: check that its disk is connected and mounted."
                raise UnreachableError(message, 10.0) from error
            raise translate(error, ROOT) from error
        if self._device is None:
            self._device = os.fstat(descriptor).st_dev
        return descriptor

    def _resolve(self, path: LibraryPath, segments: Sequence[bytes], making: Making) -> tuple[bytes, bool]:
        """The real path of a folder behind a link, and whether a link was crossed; the end may be yet to make."""
        real, crossed = self.real_path(), False
        for number, segment in enumerate(segments):
            here = real.rstrip(b"/") + b"/" + segment
            try:
                info = os.lstat(here)
            except FileNotFoundError:
                if making.allowed:
                    return b"/".join((real, *segments[number:])), crossed
                raise
            if stat.S_ISLNK(info.st_mode):
                here, info = self.follow(real, segment, crossed=crossed)
                crossed = True
                if not stat.S_ISDIR(info.st_mode):
                    raise missing(path)
            real = here
        return real, crossed


class FolderHandle(Closing):
    """An open folder that lies inside the library; a context manager. Not for several threads at once."""

    __slots__ = ("_crossed", "_real", "_root", "_seen", "_segments", "descriptor", "path")

    def __init__(
        self,
        root: RootFolder,
        path: LibraryPath,
        descriptor: int,
        segments: Sequence[bytes],
        real: bytes | None = None,
        crossed: bool = False,
    ) -> None:
        self.path = path
        self.descriptor = descriptor
        self._root = root
        self._segments = segments
        self._real = real
        self._crossed = crossed
        self._seen: dict[bytes, bytes] = {}

    def open_file(self, name: str) -> int:
        """A descriptor of the file `name`, for reading; the caller closes it.

        `NotFoundError` where it is missing or a folder, `UnsupportedError` for a FIFO, socket or device,
        `OutsideLibraryError` for a link out of the library, and the other errors of a store.
        """
        try:
            return self.open_regular(name)[0]
        except OSError as error:
            raise translate(error, join(self.path, name)) from error

    def open_listed(self, name: str) -> int:
        """As `open_file`, for a file that a listing has just shown to be an ordinary one: it is not looked at again."""
        try:
            return os.open(encode_name(name), OPEN_FILE, dir_fd=self.descriptor)
        except OSError:
            return self.open_file(name)

    def open_regular(self, name: str) -> tuple[int, os.stat_result]:
        """As `open_file`, with what the descriptor's own stat says; raises `OSError` as it comes."""
        raw, path = encode_name(name), join(self.path, name)
        try:
            return open_regular(raw, self.descriptor, path)
        except OSError as error:
            if error.errno not in MAYBE_LINK or not is_link(raw, self.descriptor):
                raise
        parent, _, last = self.follow(raw).real.rpartition(b"/")
        if not last:  # a link to "/"
            raise missing(path)
        descriptor = self._root.open_real(parent or b"/")
        try:
            return open_regular(last, descriptor, path)
        finally:
            os.close(descriptor)

    def stat(self, name: str) -> os.stat_result:
        """What `name` is, links followed by the rules; raises `OSError` as it comes."""
        raw = encode_name(name)
        info = os.stat(raw, dir_fd=self.descriptor, follow_symlinks=False)
        return self.follow(raw).info if stat.S_ISLNK(info.st_mode) else info

    def follow(self, raw_name: bytes) -> LinkTarget:
        """Where the link of these bytes leads; raises as `links.resolve_link`."""
        if self._real is None:
            self._real = b"/".join((self._root.real_path().rstrip(b"/"), *self._segments)) or b"/"
        return self._root.follow(self._real, raw_name, crossed=self._crossed, seen=self._seen)

    def close(self) -> None:
        """Close the folder; harmless a second time."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def _is_empty(descriptor: int) -> bool:
    with os.scandir(descriptor) as found:
        return all(is_left_out(item.name) for item in found)

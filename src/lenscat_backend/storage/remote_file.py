"""A file that is not on this machine, as if it were open: read by ranges, downloaded where a path is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from lenscat_backend.errors import UnreachableError
from lenscat_backend.storage.base import Entry
from lenscat_backend.storage.closing import Closing
from lenscat_backend.storage.local_file import check_range

Stream = Callable[[int, int], Iterator[bytes]]
Read = Callable[[int, int], bytes]


class RemoteFile(Closing):
    """See `OpenedFile`. `read` and `stream` must fail where the file is no longer the one of `entry`.

    Where they give less than the file has, `UnreachableError`: half a picture must not pass for a whole one.
    """

    def __init__(self, entry: Entry, read: Read, stream: Stream) -> None:
        self.size = entry.size
        self.etag = entry.etag
        self.mtime_ns = entry.mtime_ns
        self._read = read
        self._stream = stream
        self._local: IO[bytes] | None = None

    def read(self, offset: int, length: int) -> bytes:
        """See `OpenedFile.read`; a request a call, or none once the file was downloaded."""
        length = min(length, max(self.size - offset, 0))
        if self._local is not None:
            self._local.seek(offset)
            return self._local.read(length)
        data = self._read(offset, length) if length else b""
        _check_whole(len(data), length)
        return data

    def stream(self, offset: int, length: int) -> Iterator[bytes]:
        """See `OpenedFile.stream`; one request."""
        check_range(offset, length)
        return self._whole(offset, min(length, max(self.size - offset, 0)))

    def on_disk(self) -> Path:
        """A temporary copy without a name, so that a crash leaves nothing; downloaded by the first call."""
        if self._local is None:
            local = TemporaryFile()  # noqa: SIM115 (closed by `close`)
            try:
                for chunk in self._whole(0, self.size):
                    local.write(chunk)
                local.flush()
            except BaseException:
                local.close()
                raise
            self._local = local
        return Path(f"/dev/fd/{self._local.fileno()}")

    def _whole(self, offset: int, length: int) -> Iterator[bytes]:
        done = 0
        for chunk in self._stream(offset, length):
            done += len(chunk)
            yield chunk
        _check_whole(done, length)

    def close(self) -> None:
        """Remove the copy, if there is one."""
        if self._local is not None:
            self._local.close()
            self._local = None


def _check_whole(got: int, asked: int) -> None:
    if got < asked:
        raise UnreachableError("The file ended early, before all that was announced had come: try again.")

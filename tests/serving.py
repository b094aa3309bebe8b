"""Real servers for tests: a process of its own, stopped by its process id; and polling with a deadline."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

T = TypeVar("T")

DEADLINE_S = 30.0
_POLL_S = 0.01
_RUN_LENSCAT = "import sys; from lenscat_backend.cli.main import main; sys.argv[0] = 'lenscat'; main()"


def poll(look: Callable[[], T | None], what: str, deadline_s: float = DEADLINE_S) -> T:
    """The first result of `look` that is true; fails the test once the deadline has passed."""
    end = time.monotonic() + deadline_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"still waiting for {what} after {deadline_s:.0f} s")
        time.sleep(_POLL_S)


def tree_digest(root: Path) -> dict[bytes, str]:
    """Every file and link below `root` by its raw relative path, with a hash of its bytes or its target."""
    found: dict[bytes, str] = {}
    raw_root = os.fsencode(root)
    for folder, folders, files in os.walk(raw_root):
        for name in files + [name for name in folders if os.path.islink(folder + b"/" + name)]:  # noqa: PTH114 - bytes
            path = folder + b"/" + name
            found[path[len(raw_root) + 1 :]] = _digest(path)
    return found


def _digest(path: bytes) -> str:
    if os.path.islink(path):  # noqa: PTH114 - bytes
        return "-> " + os.fsdecode(os.readlink(path))  # noqa: PTH115 - bytes
    with open(path, "rb") as file:  # noqa: PTH123 - bytes
        return hashlib.sha256(file.read()).hexdigest()


def run_lenscat(*arguments: str | Path, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one command of `lenscat` to its end."""
    return subprocess.run(
        lenscat_command(*arguments),
        env=os.environ | environment,
        input=given,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S * 2,
    )


def lenscat_command(*arguments: str | Path) -> list[str]:
    """The command line that runs `lenscat` with this very interpreter, whatever is on the PATH."""
    return [sys.executable, "-c", _RUN_LENSCAT, *(str(argument) for argument in arguments)]


@dataclass
class Reply:
    """One reply, its header names in lower case."""

    status: int
    headers: dict[str, str]
    data: bytes

    def json(self) -> Any:
        """The body as a JSON value."""
        return json.loads(self.data)


@dataclass
class Served:
    """A server process and where it listens."""

    process: subprocess.Popen[str]
    host: str
    port: int
    lines: list[str] = field(default_factory=list)

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request whose target goes over the wire byte for byte, dots and percent signs included."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=DEADLINE_S)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            data = body.encode() if isinstance(body, str) else body
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if data is not None:
                connection.putheader("Content-Length", str(len(data)))
            with suppress(BrokenPipeError, ConnectionResetError):  # a server may refuse a body before all of it is sent
                connection.endheaders(data)
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, call: str, **arguments: object) -> Reply:
        """GET a call with query arguments."""
        return self.ask("GET", target_of(call, **arguments))

    def put_item(self, path: str, fields: object, **headers: str) -> Reply:
        """PUT an item's metadata."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("PUT", target_of("/api/item", path=path), json.dumps(fields), given)

    def kill(self) -> None:
        """End it the hard way, at whatever it is doing."""
        self.process.kill()
        self.process.wait(DEADLINE_S)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)


def target_of(call: str, **arguments: object) -> str:
    """A request target; texts are percent-encoded as UTF-8, bytes as they are."""
    pairs = [
        f"{name}={quote(value if isinstance(value, bytes) else str(value), safe='')}"
        for name, value in arguments.items()
    ]
    return call + ("?" + "&".join(pairs) if pairs else "")


@contextmanager
def serving(root: Path | str, *options: str | Path, **environment: str) -> Iterator[Served]:
    """`lenscat serve root` (a folder or a URL) on a free port of this machine, until the block ends."""
    command = lenscat_command("serve", root, "--host", "127.0.0.1", "--port", "0", *options)
    with running(command, "Lenscat serves ", **environment) as served:
        yield served


@contextmanager
def running(command: list[str], ready: str, **environment: str) -> Iterator[Served]:
    """A server process, once it has printed a line with `ready` and its address; killed when the block ends."""
    process = subprocess.Popen(
        command,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    reader = threading.Thread(target=_collect, args=(process, lines), daemon=True)
    reader.start()
    try:
        line = poll(lambda: _line_with(lines, ready, process), f"a server to say {ready!r}")
        host, _, port = line.partition("http://")[2].partition("/")[0].partition(" ")[0].rpartition(":")
        yield Served(process, host, int(port), lines)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(DEADLINE_S)
        reader.join(DEADLINE_S)
        if process.stdout is not None:
            process.stdout.close()


def _collect(process: subprocess.Popen[str], lines: list[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)


def _line_with(lines: list[str], ready: str, process: subprocess.Popen[str]) -> str | None:
    found = next((line for line in lines if ready in line), None)
    if found is None and process.poll() is not None:
        raise AssertionError(f"the server ended with {process.returncode}: {''.join(lines)}")
    return found

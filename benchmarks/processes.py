"""Processes that the benchmarks start, and stop again whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STOP_S = 30.0
_RUN_LENSCAT = "import sys; from lenscat_backend.cli.main import main; sys.argv[0] = 'lenscat'; main()"
_REPO = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Server:
    """A running `lenscat serve`: when it was started and when it said that it listens (`time.perf_counter`)."""

    pid: int
    host: str
    port: int
    started_at: float
    listening_at: float


def environment(cache: Path | None = None) -> dict[str, str]:
    """This environment without the user's Lenscat settings, and with Python keeping what it compiled, as it does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LENSCAT_", "S3_", "LOCAL_"))}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_REPO), os.environ.get("PYTHONPATH"))))
    return kept | ({"LENSCAT_CACHE_DIR": str(cache)} if cache else {})


def lenscat(*arguments: str | Path, cache: Path) -> None:
    """Run one command of `lenscat` to its end."""
    command = [sys.executable, "-c", _RUN_LENSCAT, *map(str, arguments)]
    subprocess.run(command, env=environment(cache), cwd=cache.parent, check=True, stdout=subprocess.DEVNULL)


def run_module(name: str, *arguments: str | Path | int, given: object = None) -> Any:
    """Run a module of this package in a process of its own; `given` and the result travel as JSON."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *map(str, arguments)]
    done = subprocess.run(
        command, input=json.dumps(given), env=environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)


@contextmanager
def stopping(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended when the block ends."""
    process: subprocess.Popen[str] = subprocess.Popen(command, text=True, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


@contextmanager
def serving(root: Path | str, cache: Path) -> Iterator[Server]:
    """`lenscat serve root` on a free port of loopback, in a process of its own as its users have it."""
    cache.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", _RUN_LENSCAT, "serve", str(root), "--host", "127.0.0.1", "--port", "0"]
    log = cache.parent / f"{cache.name}.log"
    with log.open("w") as errors:
        started_at = time.perf_counter()
        options: dict[str, Any] = {"env": environment(cache), "cwd": cache.parent}
        with stopping(command, stdout=subprocess.PIPE, stderr=errors, **options) as process:
            assert process.stdout is not None
            text = process.stdout.readline()
            while text and "http://" not in text:
                text += process.stdout.readline()
            if "http://" not in text:
                raise RuntimeError(f"lenscat serve did not start: see {log}")
            host, _, port = text.partition("http://")[2].partition("/")[0].rpartition(":")
            yield Server(process.pid, host, int(port), started_at, time.perf_counter())


def resident_mib(pid: int) -> float:
    """Resident memory of a process and its children, in MiB; what they share counts for each (Linux only)."""
    return sum(_resident_kib(one) for one in (pid, *_children(pid))) / 1024


def _children(pid: int) -> list[int]:
    try:
        raw = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    children = [int(one) for one in raw.split()]
    return children + [below for child in children for below in _children(child)]


def _resident_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)

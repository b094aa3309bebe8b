"""The limit of a scan: list folders, then open and read the head of every file, or only ask for its facts.

`python -m benchmarks.bare_read read|stat`: a list of folders as JSON on stdin, then a line "go"; prints the seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.machine import cores
from benchmarks.processes import environment, stopping

HEAD_BYTES = 16 * 1024


def bare_images_a_second(root: Path, folders: dict[str, int], mode: str) -> float:
    """How many images a second one process a core gets through. `mode`: "read" heads, or "stat" only."""
    count = cores()
    paths = [str(root / folder) for folder in folders]
    command = [sys.executable, "-m", "benchmarks.bare_read", mode]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": environment()}
    with ExitStack() as stack:
        processes = [stack.enter_context(stopping(command, **pipes)) for _ in range(count)]
        for number, process in enumerate(processes):
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(json.dumps(paths[number::count]) + "\n")
            process.stdin.flush()
            process.stdout.readline()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        seconds = [float(process.stdout.readline()) for process in processes if process.stdout is not None]
    return sum(folders.values()) / max(seconds)


def main() -> None:
    """Do the work given on standard input."""
    look = _read_folder if sys.argv[1] == "read" else _stat_folder
    folders = json.loads(sys.stdin.readline())
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    for folder in folders:
        look(folder)
    print(time.perf_counter() - began, flush=True)


def _read_folder(folder: str) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir():
                descriptor = os.open(entry.path, os.O_RDONLY)
                os.read(descriptor, HEAD_BYTES)
                os.close(descriptor)


def _stat_folder(folder: str) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir():
                entry.stat(follow_symlinks=False)


if __name__ == "__main__":
    main()

"""Several processes on one folder: no increment is lost, and a killed writer leaves old or new bytes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import lenscat_backend
from lenscat_backend.models.paths import ROOT, parse_path
from lenscat_backend.storage.file_writing import SWEEP_AGE_NS
from lenscat_backend.storage.local import LocalDisk

A = parse_path("a.json")
PROCESSES, INCREMENTS = 4, 25

PRELUDE = """
import sys
from pathlib import Path
from lenscat_backend.errors import ConflictError
from lenscat_backend.models.paths import parse_path
from lenscat_backend.storage.local import LocalDisk
disk, path = LocalDisk(Path(sys.argv[1])), parse_path("a.json")
print("ready", flush=True)
sys.stdin.readline()
"""

INCREMENT = """
for _ in range(int(sys.argv[2])):
    while True:
        blob = disk.read(path, 99)
        try:
            disk.write(path, b"%d" % (int(blob.data) + 1), if_version=blob.version, durable=False)
            break
        except ConflictError:
            pass
"""

CREATE = """
from lenscat_backend.errors import AlreadyExistsError
for number in range(int(sys.argv[2])):
    try:
        disk.write(parse_path(f"new/{number}"), sys.argv[3].encode(), create_only=True, durable=False)
        print(number, flush=True)
    except AlreadyExistsError:
        pass
"""

REWRITE = """
number = 0
while True:
    disk.write(path, b"%d" % (number % 10) * 300_000, durable=False)
    number += 1
"""


def start(code: str, root: Path, *args: str) -> subprocess.Popen[str]:
    """A process that waits for a line before it begins."""
    source = Path(lenscat_backend.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(source)}
    process = subprocess.Popen(
        [sys.executable, "-c", PRELUDE + code, str(root), *args],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_processes_lose_no_increment(tmp_path: Path) -> None:
    disk = LocalDisk(tmp_path)
    disk.write(A, b"0")
    processes = [start(INCREMENT, tmp_path, str(INCREMENTS)) for _ in range(PROCESSES)]
    for process in processes:
        go(process)
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert disk.read(A, 99).data == b"%d" % (PROCESSES * INCREMENTS)
    assert [item.name for item in tmp_path.iterdir()] == ["a.json"]


def test_one_process_creates(tmp_path: Path) -> None:
    processes = [start(CREATE, tmp_path, "50", str(number)) for number in range(3)]
    for process in processes:
        go(process)
    created = {}
    for number, process in enumerate(processes):
        output = process.communicate()[0]
        assert process.returncode == 0
        for line in output.split():
            assert line not in created
            created[line] = str(number)
    assert created == {str(number): (tmp_path / f"new/{number}").read_text() for number in range(50)}


def test_a_killed_writer_leaves_old_or_new_bytes(tmp_path: Path) -> None:
    """Killed at random moments: the file is whole each time, the lock is free, and a sweep takes the rest."""
    disk, chance = LocalDisk(tmp_path), random.Random(1)
    disk.write(A, b"0" * 300_000)
    for _ in range(6):
        process = start(REWRITE, tmp_path)
        go(process)
        for _ in range(chance.randrange(1, 60)):  # as many whole files as chance wants, then the end
            _assert_whole(disk)
        process.kill()
        process.communicate()
        _assert_whole(disk)
    later = LocalDisk(tmp_path, clock=lambda: 2 * SWEEP_AGE_NS + tmp_path.stat().st_mtime_ns)
    later.sweep(ROOT)
    assert [item.name for item in tmp_path.iterdir()] == ["a.json"]
    disk.write(A, b"after")


def _assert_whole(disk: LocalDisk) -> None:
    data = disk.read(A, 1 << 20).data
    assert len(data) == 300_000 and len(set(data)) == 1

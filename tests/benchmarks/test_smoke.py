"""Every benchmark runs through with tiny sizes; no test here looks at a time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.radosgw import PROGRAMS

NAMES = ("drawing", "existing", "scanning", "curve", "searching", "objects")


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_runs_and_writes_its_page(name: str, tmp_path: Path) -> None:
    if name == "existing" and not (shutil.which("nginx") and shutil.which("wrk")):
        pytest.skip("needs nginx and wrk")
    if name == "objects" and not all(map(shutil.which, PROGRAMS)):
        pytest.skip("needs Ceph's radosgw")
    out = tmp_path / "out"

    assert main(["--tiny", "--only", name, "--work", str(tmp_path / "work"), "--out", str(out)]) == 0

    [section] = json.loads((out / "results.json").read_text())
    assert section["name"] == name
    assert all(figure["value"] > 0 for figure in section["figures"])
    assert section["title"] in (out / "results.md").read_text()
    assert (out / f"{name}.svg").read_text().startswith("<?xml")


def test_a_work_folder_that_holds_other_files_is_refused(tmp_path: Path) -> None:
    precious = tmp_path / "holiday.jpg"
    precious.write_bytes(b"mine")

    with pytest.raises(SystemExit, match="holds other files"):
        main(["--tiny", "--only", "curve", "--work", str(tmp_path)])

    assert list(tmp_path.iterdir()) == [precious]

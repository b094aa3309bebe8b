"""Several servers, each with a pointer of its own to one target: no edit is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.api.test_conflicts import edit_until_done
from tests.api.test_pointers_s3 import environment, gallery
from tests.conftest import picture
from tests.s3.servers import S3Server
from tests.s3.shelves import Shelf, point


def test_two_servers_and_sixteen_writers_lose_no_tag_behind_pointers(radosgw: S3Server, tmp_path: Path) -> None:
    """A library on a disk and one in a bucket; the first has a second pointer to the target, under another name."""
    target, holder = Shelf(radosgw, radosgw.new_bucket()), Shelf(radosgw, radosgw.new_bucket())
    target.put("art/p.jpg", picture())
    disk = tmp_path / "disk"
    point(disk / "one", target.target("art"))
    point(disk / "two", target.target(region="us-east-1"))
    holder.point("lib/three", target.target("art"))
    settings = environment(radosgw, LENSCAT_OBJECT_RETRIES="5")
    with ExitStack() as stack:
        first = stack.enter_context(gallery(disk, tmp_path / "c1", **settings))
        second = stack.enter_context(gallery(f"s3://{holder.name}/lib", tmp_path / "c2", **settings))
        ways = ((first, "one/p.jpg"), (second, "three/p.jpg"), (first, "two/art/p.jpg"), (second, "three/p.jpg"))

        def write(writer: int) -> None:
            for number in range(2):
                server, path = ways[(writer + number) % len(ways)]
                edit_until_done(server, path, f"w{writer}-{number}")

        with ThreadPoolExecutor(16) as threads:
            list(threads.map(write, range(16)))
        expected = {f"w{writer}-{number}" for writer in range(16) for number in range(2)}
        assert set(target.tags("art/p.jpg")) == expected
        for server, path in ways:
            assert set(server.get("/api/item", path=path).json()["tags"]) == expected
        assert not any("Traceback" in line for server in (first, second) for line in server.lines)

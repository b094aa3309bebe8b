"""Buckets as a plain S3 client sees them, with pointers between them and disks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import picture
from tests.s3.servers import S3Server

POINTER = ".lenscat.folder.json"


@dataclass
class Shelf:
    """A bucket, as a plain S3 client sees it: no code of ours reads or writes it here."""

    server: S3Server
    name: str

    def put(self, key: str, data: bytes) -> None:
        self.server.put(self.name, key, data)

    def get(self, key: str) -> bytes:
        answer = self.server.signer.ask("GET", f"/{self.name}/{key}")
        assert answer.status == 200, (key, answer)
        return answer.body

    def delete(self, key: str) -> None:
        assert self.server.signer.ask("DELETE", f"/{self.name}/{key}").status == 204

    def listed(self, prefix: str = "") -> set[str]:
        query = {"list-type": "2", "prefix": prefix}
        return set(
            re.findall("<Key>([^<]+)</Key>", self.server.signer.ask("GET", f"/{self.name}", query).body.decode())
        )

    def tags(self, picture_key: str) -> list[str]:
        found: list[str] = json.loads(self.get(f"{picture_key}.json"))["tags"]
        return found

    def target(self, prefix: str = "", **fields: Any) -> dict[str, Any]:
        return {"type": "s3", "bucket": self.name, "prefix": prefix} | fields

    def point(self, folder: str, target: Mapping[str, Any], **fields: Any) -> None:
        self.put(f"{folder}/{POINTER}".lstrip("/"), pointer(target, **fields))


def pointer(target: Mapping[str, Any], **fields: Any) -> bytes:
    """A pointer file."""
    return json.dumps({"version": 1, "kind": "pointer", "target": target} | fields).encode()


def local(path: str | Path) -> dict[str, str]:
    return {"type": "local", "path": str(path)}


def point(folder: Path, target: Mapping[str, Any], **fields: Any) -> None:
    """Make a folder of this machine a pointer."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / POINTER).write_bytes(pointer(target, **fields))


@pytest.fixture
def shelf(ministack: S3Server) -> Shelf:
    """A bucket with pictures below ``art/``: `x.jpg` with the tag *theirs*, `deep/y.png`, `deep/er/z.jpg`."""
    made = Shelf(ministack, ministack.new_bucket())
    made.put("art/x.jpg", picture("red", (300, 200)))
    made.put("art/x.jpg.json", json.dumps({"v": 1, "tags": ["theirs"]}).encode())
    made.put("art/deep/y.png", picture("blue", form="PNG"))
    made.put("art/deep/er/z.jpg", picture("green"))
    return made


@pytest.fixture
def other(ministack: S3Server) -> Shelf:
    """Another bucket, empty."""
    return Shelf(ministack, ministack.new_bucket())

"""What programs are told of the API, as it was reviewed."""

from __future__ import annotations

import json
import os
from pathlib import Path

from starlette.testclient import TestClient

GOLDEN = Path(__file__).parent / "golden" / "openapi.json"


def test_the_description_is_as_reviewed(client: TestClient) -> None:
    """After a change on purpose: UPDATE_GOLDEN=1 writes the file anew, and the diff shows what programs will see."""
    found = client.get("/openapi.json").json()
    del found["info"]["version"]
    text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text)
    assert json.loads(GOLDEN.read_text()) == found

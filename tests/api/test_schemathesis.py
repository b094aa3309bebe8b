"""The OpenAPI description against a real server: whatever it allows to be asked, no reply is a server error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from lenscat_backend.api.app import make_routes
from tests.conftest import picture
from tests.serving import Served, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("schema") / "library"
    root.mkdir()
    for name in ("a.jpg", "0.jpg", "b c.jpg"):
        (root / name).write_bytes(picture())
    with serving(root, "--cache-dir", tmp_path_factory.mktemp("cache")) as served:
        yield served
        assert served.get("/api/health").status == 200
        assert (root / "a.jpg").read_bytes() == picture()
        assert "Traceback" not in "".join(served.lines)


def _never() -> Any:
    raise AssertionError("only described, not opened")


described = schemathesis.openapi.from_dict(make_routes(_never, lambda: None, lambda error: None).openapi())


@described.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_call_ends_in_a_server_error(case: Any, server: Served) -> None:
    case.call_and_validate(
        base_url=f"http://{server.host}:{server.port}",
        checks=[not_a_server_error, content_type_conformance, response_schema_conformance],
    )

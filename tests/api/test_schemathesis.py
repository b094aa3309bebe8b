"""Made-up requests for every call of the OpenAPI description: never a 5xx, and every reply is as described."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from lenscat_backend.api.app import make_routes
from lenscat_backend.library.library import Library
from tests.conftest import picture
from tests.serving import serving

PROMISES = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 40


def _no_library() -> Library:
    raise AssertionError("only the description is wanted")


schema = schemathesis.openapi.from_dict(make_routes(_no_library, lambda: None, lambda error: None).openapi())


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a real server over a small library listens."""
    root = tmp_path_factory.mktemp("library")
    for name in ("a.jpg", "0", "A/x.jpg"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(picture())
    with serving(root, "--cache-dir", tmp_path_factory.mktemp("cache")) as served:
        yield f"http://{served.host}:{served.port}"
        assert "Traceback" not in "".join(served.lines)


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_request(case: Case, url: str) -> None:
    case.call_and_validate(base_url=url, checks=PROMISES)


@schema.include(path_regex="^/api/(item|thumb|preview|files)").parametrize()
@settings(max_examples=EXAMPLES // 2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_request_about_a_picture_that_exists(case: Case, url: str) -> None:
    if "path" in case.path_parameters:
        case.path_parameters["path"] = "a.jpg"
    else:
        case.query = {**(case.query or {}), "path": "a.jpg"}
    case.call_and_validate(base_url=url, checks=PROMISES)

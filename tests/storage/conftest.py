"""The stores that tests of faults share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.s3.faulty_proxy import faulty_proxy
from tests.s3.faulty_store import A, Faulty
from tests.s3.servers import S3Server


@pytest.fixture
def faulty(s3_server: S3Server) -> Iterator[Faulty]:
    bucket = s3_server.new_bucket()
    direct = s3_server.open(bucket, "in")
    direct.write(A, b"0123456789")
    with faulty_proxy(s3_server.port) as proxy:
        store = s3_server.open(bucket, "in", endpoint=proxy.url, timeout_s=5.0)
        yield Faulty(store, proxy, direct, s3_server, bucket)

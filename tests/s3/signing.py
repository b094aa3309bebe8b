"""Signed requests of the tests' own, to make what the client library cannot: buckets, policies, users, odd keys.

Signature version 4: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, urlencode


class Answer(NamedTuple):
    """A reply."""

    status: int
    body: bytes


class Signer(NamedTuple):
    """Keys, and the server of this machine they are good for."""

    port: int
    access_key: str
    secret_key: str
    service: str = "s3"
    region: str = "us-east-1"

    def ask(self, method: str, path: str, query: dict[str, str] | None = None, body: bytes = b"") -> Answer:
        """One request; `path` is not percent-encoded yet, and may hold anything a key may."""
        host, target = f"127.0.0.1:{self.port}", quote(path, safe="/~")
        arguments = urlencode(sorted((query or {}).items()), quote_via=quote, safe="~")
        headers = self._headers(method, host, target, arguments, hashlib.sha256(body).hexdigest())
        if self.service != "s3":
            headers["content-type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(host, timeout=30)
        try:
            connection.request(method, f"{target}?{arguments}" if arguments else target, body, headers)
            reply = connection.getresponse()
            return Answer(reply.status, reply.read())
        finally:
            connection.close()

    def _headers(self, method: str, host: str, target: str, arguments: str, digest: str) -> dict[str, str]:
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        signed = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": now}
        names = ";".join(signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        canonical = f"{method}\n{target}\n{arguments}\n{lines}\n{names}\n{digest}"
        scope = f"{now[:8]}/{self.region}/{self.service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{self.secret_key}".encode()
        for part in (*scope.split("/"), text):
            key = hmac.digest(key, part.encode(), "sha256")
        authorization = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope},SignedHeaders={names},Signature={key.hex()}"
        )
        return {**signed, "authorization": authorization}

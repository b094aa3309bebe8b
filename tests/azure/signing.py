"""Signed requests of the tests' own to Azure Blob Storage, for containers and odd keys.

Shared Key: https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-with-shared-key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
from email.utils import formatdate
from typing import NamedTuple
from urllib.parse import quote, urlencode

VERSION = "2021-12-02"


class Answer(NamedTuple):
    """A reply; header names are looked up in any case."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class SharedKey(NamedTuple):
    """An account, its key in Base64, and the port of this machine's server that knows them."""

    port: int
    account: str
    key: str

    def ask(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request; `path` goes below the account and is not percent-encoded yet, `headers` begin with ``x-ms-``."""
        query, target = query or {}, quote(f"/{self.account}{path}", safe="/~")
        sent = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": VERSION, **(headers or {})}
        sent["Authorization"] = f"SharedKey {self.account}:{self._signature(method, target, query, sent, body)}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, f"{target}?{urlencode(query)}" if query else target, body, sent)
            reply = connection.getresponse()
            return Answer(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def _signature(self, method: str, target: str, query: dict[str, str], sent: dict[str, str], body: bytes) -> str:
        length = str(len(body)) if body else ""
        standard = [method, "", "", length, *[""] * 8]  # encoding, language, length, MD5, type, date, conditions, range
        ours = [f"{name}:{value}" for name, value in sorted(sent.items())]
        resource = [f"/{self.account}{target}", *(f"{name}:{value}" for name, value in sorted(query.items()))]
        text = "\n".join([*standard, *ours, *resource])
        return base64.b64encode(hmac.digest(base64.b64decode(self.key), text.encode(), hashlib.sha256)).decode()

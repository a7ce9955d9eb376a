"""How does a request to a provider leave an adapter: its body, its length, and who it is from?"""

from __future__ import annotations

from base64 import b64encode

import httpx

Headers = list[tuple[bytes, bytes]]

JSON: Headers = [(b"Content-Type", b"application/json"), (b"Accept", b"application/json")]
FORM: Headers = [
    (b"Content-Type", b"application/x-www-form-urlencoded"),
    (b"Accept", b"application/json"),
]


def post(url: httpx.URL, headers: Headers, content: bytes) -> httpx.Request:
    """One POST; `Host` must be among the headers, for finding it anew costs more than the rest."""
    request = httpx.Request(
        "POST",
        url,
        headers=[*headers, (b"Content-Length", b"%d" % len(content))],
        stream=httpx.ByteStream(content),
    )
    request.read()
    return request


def basic(username: str, secret: str) -> bytes:
    """An `Authorization` header's value (RFC 7617)."""
    return b"Basic " + b64encode(f"{username}:{secret}".encode())

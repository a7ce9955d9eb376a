"""Did this webhook really come from the provider?

Verified on the raw bytes, before anything is parsed for use, and compared in constant time. Whatever
the request holds, the answer is True or False: nothing here raises. Twilio signs no time, so a repeated
webhook still verifies; receipts are deduplicated after this. Others sign one, and are believed for five minutes.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import chain
from urllib.parse import parse_qs, unquote_to_bytes

_FORM = "application/x-www-form-urlencoded"
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>(?:[^/?@]*@)?(?:\[[^]/?]*\]|[^:/?@]*))(?::(?P<port>\d+))?(?P<rest>[/?].*)?",
    re.IGNORECASE | re.DOTALL,
)
_TOLERANCE = timedelta(minutes=5)
"""How far a signed time may be from ours; what Telnyx' own libraries take."""
_STANDARD_PORTS = {"https": 443, "http": 80}
_LONGEST_STAMP = 12


def twilio(token: str, url: str, content_type: str, body: bytes, signature: str) -> bool:
    """Whether `signature` is Twilio's over this request, under the account's auth token.

    `url` is the public URL as Twilio requested it. A form is signed with the URL, parameter by
    parameter; any other body by the hash in the URL's `bodySHA256`. An account without a token
    verifies nothing. Source: Twilio's webhook security rules.
    """
    is_form = content_type.partition(";")[0].strip().lower() == _FORM
    if not token or not (is_form or _body_matches(url, body)):
        return False
    signed = _parameters(body) if is_form else b""
    given = signature.strip().encode(errors="replace")
    key = token.encode(errors="replace")
    # Which spelling it was is no secret, so the first that matches ends the search.
    return any(
        hmac.compare_digest(b64encode(hmac.digest(key, candidate + signed, "sha1")), given)
        for candidate in _candidates(url)
    )


def _parameters(body: bytes) -> bytes:
    """Every name with each of its distinct values, sorted, as the bytes they were sent as."""
    pairs = set()
    for field in body.split(b"&"):
        name, _, value = field.partition(b"=")
        # Most of a form is written as it is; looking is cheaper than unquoting.
        if b"%" in field or b"+" in field:
            name, value = _unquoted(name), _unquoted(value)
        pairs.add((name, value))
    return b"".join(chain.from_iterable(sorted(pairs)))


def _unquoted(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _body_matches(url: str, body: bytes) -> bool:
    hashes = parse_qs(url.partition("?")[2].partition("#")[0]).get("bodySHA256")
    if not hashes:
        return not body
    expected = sha256(body).hexdigest().encode()
    return hmac.compare_digest(expected, hashes[0].lower().encode(errors="replace"))


def _candidates(url: str) -> Iterator[bytes]:
    """The spellings of `url` Twilio may have signed: its servers disagree about the port."""
    url = url.partition("#")[0]
    yield url.encode(errors="replace")
    if match := _URL.fullmatch(url):
        scheme, host, port, rest = match.group("scheme", "host", "port", "rest")
        other = "" if port is not None else f":{_STANDARD_PORTS[scheme.lower()]}"
        yield f"{scheme}://{host}{other}{rest or ''}".encode(errors="replace")


def recent(stamp: str, at: datetime | None) -> bool:
    """Whether a signed time, in whole seconds since 1970, is about when the webhook came."""
    if at is None or not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _LONGEST_STAMP):
        return False
    return abs(int(at.timestamp()) - int(stamp)) <= _TOLERANCE.total_seconds()


def base64(text: str) -> bytes:
    """What a text encodes; empty unless it is the one way of writing that."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return b""
    return data if b64encode(data).decode() == text else b""

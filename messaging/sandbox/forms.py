"""How is a form or a query string read and written, on the hottest path of the carrier?"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote_plus, unquote

FORM = "application/x-www-form-urlencoded; charset=utf-8"

_BYTES = {
    high + low: bytes.fromhex(high + low)
    for high in "0123456789abcdefABCDEF"
    for low in "0123456789abcdefABCDEF"
}


def decoded(text: str) -> str:
    """A form value in clear; a third of the cost of the standard library's, on the hottest path."""
    text = text.replace("+", " ")
    if "%" not in text:
        return text
    first, *escaped = text.split("%")
    try:
        parts = [_BYTES[part[:2]] + part[2:].encode() for part in escaped]
    except KeyError:
        return unquote(text)
    return (first.encode() + b"".join(parts)).decode("utf-8", "replace")


def fields_of(text: str) -> dict[str, str]:
    """A form or query string; of a repeated field the last value. Nothing is malformed."""
    found = {}
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        if name:
            found[decoded(name)] = decoded(value)
    return found


# Senders and recipients come again and again; the standard library's encoder costs more than a
# signature.
_quoted = lru_cache(maxsize=4096)(quote_plus)


def encode(fields: Iterable[tuple[str, str]]) -> bytes:
    """A form; the names are letters, digits and hyphens only."""
    return "&".join(f"{n}={v if v.isalnum() else _quoted(v)}" for n, v in fields).encode()

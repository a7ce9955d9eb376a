"""What did a request to send ask for, in no provider's words?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from messaging.sandbox.forms import decoded

_CORRELATION = re.compile(r"[?&]([me])=([^&#]*)")
_REFERENCE = re.compile(
    r"([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})\.([0-9]{1,7})-?"
)


@dataclass(slots=True)
class Create:
    """A request to send that passed every check of its provider."""

    to: str
    sender: str | None
    service: str | None
    body: str
    media: int
    callback: str
    """Where receipts of this message go; empty if the request does not say, or cannot."""
    m: str | None
    e: str | None
    kind: str = "sms"
    """`sms`, `mms`, `email` or `dm`."""
    flash: bool = False
    reference: str = ""
    """The caller's name for it, where the provider has room for one."""
    trigger: str = ""
    """Four digits that choose a fault; the last four of the recipient unless given."""
    extra: Any = None
    """What else the dialect wants to remember of it."""


def correlation(callback: str) -> tuple[str | None, str | None]:
    """The message id `m` and epoch `e` in the query of a callback URL."""
    found = dict(_CORRELATION.findall(callback.partition("#")[0]))
    m, e = found.get("m"), found.get("e")
    return (None if m is None else decoded(m)), e


def referenced(reference: str) -> tuple[str | None, str | None]:
    """The message id and epoch in a caller's name for an attempt: 32 hex digits, `.`, the epoch, `-` or not.

    Any other name is the id as it stands; an empty one is none.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return reference or None, None
    *parts, e = match.groups()
    return "-".join(parts), e

"""What is a telephone number, a sender's name, a web address, and a time in ISO 8601?"""

from __future__ import annotations

import re
from datetime import UTC, datetime

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
SHORT_CODE = re.compile(r"[0-9]{3,8}")
ALPHANUMERIC = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &+_-]{1,11}")
# No underscore in the host: Twilio refuses it.
WEB = re.compile(r"https?://(?:[^/?#@\s]*@)?[A-Za-z0-9.\-\[\]:]+(?:[/?#]\S*)?", re.IGNORECASE)


def is_sender(text: str) -> bool:
    """Whether this may send: a number in E.164, a short code, or a name."""
    return bool(E164.fullmatch(text) or SHORT_CODE.fullmatch(text) or ALPHANUMERIC.fullmatch(text))


def is_web(text: str, longest: int) -> bool:
    """Whether this is the address of a webhook."""
    return len(text) <= longest and WEB.fullmatch(text) is not None


def iso(at: float, *, milliseconds: bool = True) -> str:
    """A time as in `2026-11-20T16:00:00.000Z`; `at` is in seconds since 1970."""
    text = datetime.fromtimestamp(at, UTC).isoformat(
        timespec="milliseconds" if milliseconds else "seconds"
    )
    return text.replace("+00:00", "Z")


def instant(text: str) -> float:
    """The time in seconds since 1970 of a text in ISO 8601, in UTC unless it says; else ValueError."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()

"""What can be read from any provider's reply, whatever it holds?

Readings shared by the adapters. None of them raises: a reply is outside input, and a send whose reply
cannot be read must become an outcome, never an exception.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson

_LONGEST_WAIT = timedelta(days=1)


def json_object(response: httpx.Response) -> Mapping[str, Any]:
    """The reply's JSON object; an empty one if the body is anything else."""
    try:
        reply = orjson.loads(response.content)
    except ValueError:
        return {}
    return reply if isinstance(reply, dict) else {}


def date(value: object) -> datetime | None:
    """An RFC 2822 date, as in HTTP headers; without a zone it is UTC."""
    try:
        moment = parsedate_to_datetime(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def retry_after(headers: httpx.Headers) -> timedelta | None:
    """The wait a Retry-After header asks for, at most a day (RFC 9110 section 10.2.3).

    A date is read against the reply's own `Date`, so no clock of ours is needed.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=int(value[:9])), _LONGEST_WAIT)
    until, now = date(value), date(headers.get("date"))
    if until is None or now is None:
        return None
    return min(max(until - now, timedelta()), _LONGEST_WAIT)

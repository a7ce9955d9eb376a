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
    return json_fields(response.content)


def json_fields(body: bytes) -> Mapping[str, Any]:
    """The JSON object a body is; an empty one if it is anything else."""
    try:
        return fields(orjson.loads(body))
    except ValueError:
        return {}


def fields(value: object) -> Mapping[str, Any]:
    """The value if it is an object; else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; none if it is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def word(value: object, longest: int = 40) -> str:
    """A text such as a status, never longer than one could be; empty if it is none."""
    return value[:longest] if isinstance(value, str) else ""


def moment(value: object) -> datetime | None:
    """An ISO 8601 date and time; without a zone it is UTC."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return read.replace(tzinfo=UTC) if read and read.tzinfo is None else read


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
    wait = seconds(value)
    if wait is not None:
        return wait
    until, now = date(value), date(headers.get("date"))
    if until is None or now is None:
        return None
    return min(max(until - now, timedelta()), _LONGEST_WAIT)


def seconds(value: str) -> timedelta | None:
    """A number of whole seconds, at most a day; None for anything else."""
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=int(value[:9])), _LONGEST_WAIT)
    return None

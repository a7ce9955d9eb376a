"""Which detail records does Telnyx show of an account's messages?

A message has a record once it has left the queue. Only the filters that a look-up of messages needs are
known; any other is refused, as Telnyx refuses one that the record type does not have.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from messaging.sandbox.addresses import instant, iso
from messaging.sandbox.connection import Reply, json_reply
from messaging.sandbox.ledger import Entry
from messaging.sandbox.telnyx_wire import Problem, problem_reply

_FILTER = re.compile(r"filter\[(\w+)\](?:\[(gte|gt|lte|lt|eq)\])?")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
    "eq": operator.eq,
}
_STATUSES = {"sent": "dlr_unconfirmed", "delivered": "delivered", "undelivered": "failed"}
_MAX_PAGE = 50

Condition = Callable[[Entry], bool]


def records(fields: Mapping[str, str], newest_first: Iterable[Entry], now: float) -> Reply:
    """A page of the records that pass the filters of a query."""
    try:
        conditions = _conditions(fields)
        number, size = int(fields.get("page[number]", "1")), int(fields.get("page[size]", "20"))
    except (KeyError, ValueError):
        return problem_reply(Problem("10015", "Bad Request", "The query has a field nobody knows."))
    if fields.get("filter[record_type]") != "messaging" or number < 1 or size < 1:
        return problem_reply(
            Problem("10015", "Bad Request", "filter[record_type] or page is wrong.")
        )
    size = min(size, _MAX_PAGE)
    found = [
        entry
        for entry in newest_first
        if now >= entry.sent_at and all(holds(entry) for holds in conditions)
    ]
    shown = islice(found, (number - 1) * size, number * size)
    meta = {
        "page_number": number,
        "page_size": size,
        "total_pages": -(-len(found) // size),
        "total_results": len(found),
    }
    return json_reply(200, {"data": [_record(entry, now) for entry in shown], "meta": meta})


def _conditions(fields: Mapping[str, str]) -> list[Condition]:
    """What the filters demand; KeyError or ValueError for one that is not known."""
    return [
        _condition(match[1], match[2] or "eq", value)
        for name, value in fields.items()
        if (match := _FILTER.fullmatch(name)) is not None and match[1] != "record_type"
    ]


def _condition(name: str, comparison: str, value: str) -> Condition:
    if name == "created_at":
        compare, at = _COMPARE[comparison], instant(value)
        return lambda entry: compare(entry.at, at)
    equal: dict[str, Condition] = {
        "cld": lambda entry: entry.to == value,
        "cli": lambda entry: entry.sender == value,
        "uuid": lambda entry: entry.sid == value,
        "direction": lambda _: value == "outbound",
    }
    return equal[name]


def _record(entry: Entry, now: float) -> dict[str, Any]:
    status = entry.status(now)
    final = status in ("delivered", "undelivered")
    return {
        "record_type": "message_detail_record",
        "uuid": entry.sid,
        "direction": "outbound",
        "cld": entry.to,
        "cli": entry.sender,
        "status": _STATUSES.get(status, "gw_reject"),
        "delivery_status": {"undelivered": "delivery_failed"}.get(status, status),
        "delivery_status_webhook_url": entry.extra.webhook_url,
        "delivery_status_failover_url": entry.extra.failover_url,
        "message_type": entry.kind.upper(),
        "parts": max(entry.segments, 1),
        "created_at": iso(entry.at),
        "sent_at": iso(entry.sent_at),
        "completed_at": iso(entry.done_at) if final else None,
        "updated_at": iso(entry.done_at if final else entry.sent_at),
        "errors": [str(entry.error_code)] if status == "undelivered" else [],
        "cost": "0.0040",
        "currency": "USD",
        "rate": "0.0040",
        "tags": None,
    }

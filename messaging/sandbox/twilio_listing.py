"""Which messages does a list request show, and where is the next page?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from messaging.sandbox.ledger import Entry
from messaging.sandbox.twilio_problems import UNKNOWN_PARAMETER, Problem
from messaging.sandbox.twilio_wire import API_VERSION, message

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000
_DATE_FILTERS = ("DateSent", "DateSent<", "DateSent>")
_MIDNIGHT = time()


@dataclass(frozen=True, slots=True)
class Query:
    """A list request that was understood."""

    to: str | None
    sender: str | None
    sent: tuple[Callable[[float], bool], ...]
    """Conditions on the time a message was sent, in seconds since 1970."""
    page: int
    page_size: int
    before: int | None
    """The index in the ledger of the last message of the page before, from `PageToken`."""
    fields: dict[str, str]
    """The filters as given, for the links to other pages."""


def read_query(fields: dict[str, str]) -> Query | Problem:
    """Reads the query of a list request; 20001 for a number or date that is none."""
    try:
        sent = tuple(_date_filter(name, fields[name]) for name in _DATE_FILTERS if name in fields)
        page = int(fields.get("Page", "0"))
        page_size = int(fields.get("PageSize", DEFAULT_PAGE_SIZE))
        token = fields.get("PageToken")
        before = int(token.removeprefix("PA"), 16) if token is not None else None
    except ValueError:
        return UNKNOWN_PARAMETER
    if page < 0 or page_size < 1:
        return UNKNOWN_PARAMETER
    return Query(
        to=fields.get("To"),
        sender=fields.get("From"),
        sent=sent,
        page=page,
        page_size=min(page_size, MAX_PAGE_SIZE),
        before=before,
        fields={n: v for n, v in fields.items() if n in ("To", "From", *_DATE_FILTERS)},
    )


def page(query: Query, account: str, newest_first: Iterable[Entry], now: float) -> dict[str, Any]:
    """One page of the list.

    A `PageToken` names the last message of the page before it, so new messages never shift a page
    that is read through `next_page_uri`.
    """
    matching = (entry for entry in newest_first if _matches(entry, query, now))
    found = list(islice(_from_page(matching, query), query.page_size + 1))
    shown = found[: query.page_size]
    first = query.page * query.page_size
    following = (
        _uri(account, query, query.page + 1, shown[-1].index)
        if len(found) > query.page_size
        else None
    )
    return {
        "first_page_uri": _uri(account, query, 0),
        "end": max(first + len(shown) - 1, 0),
        "previous_page_uri": _uri(account, query, query.page - 1) if query.page else None,
        "messages": [message(entry, now) for entry in shown],
        "uri": _uri(account, query, query.page, query.before),
        "page_size": query.page_size,
        "start": first,
        "next_page_uri": following,
        "page": query.page,
    }


def _from_page(matching: Iterable[Entry], query: Query) -> Iterable[Entry]:
    if query.before is None:
        return islice(matching, query.page * query.page_size, None)
    last = query.before
    return (entry for entry in matching if entry.index < last)


def _matches(entry: Entry, query: Query, now: float) -> bool:
    if not query.sent:
        return True
    if entry.canceled or now < entry.sent_at:
        return False
    return all(holds(entry.sent_at) for holds in query.sent)


def _date_filter(name: str, text: str) -> Callable[[float], bool]:
    """A condition on the second a message was sent; ValueError for a text that is no date.

    `DateSent<` is at or before, `DateSent>` at or after. `DateSent` is the whole day in UTC if the
    time is midnight, which is how the official client writes a date, and else that second.
    """
    start = datetime.fromisoformat(text)
    start = start.replace(tzinfo=UTC) if start.tzinfo is None else start
    first = start.timestamp()
    if name == "DateSent<":
        return lambda at: at < first + 1.0
    if name == "DateSent>":
        return lambda at: at >= first
    end = first + (86_400.0 if start.astimezone(UTC).time() == _MIDNIGHT else 1.0)
    return lambda at: first <= at < end


def _uri(account: str, query: Query, number: int, before: int | None = None) -> str:
    fields: dict[str, str | int] = dict(query.fields)
    fields |= {"PageSize": query.page_size, "Page": number}
    if before is not None:
        fields["PageToken"] = f"PA{before:032x}"
    return f"/{API_VERSION}/Accounts/{account}/Messages.json?{urlencode(fields)}"

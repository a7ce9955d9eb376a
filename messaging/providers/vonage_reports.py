"""Does Vonage have a message, as its Reports API knows it?

Records of a stretch of time, of which each says the client reference it was sent with: a doubtful attempt is
found by that alone, and by nothing that another message could share. The API lives at `api.nexmo.com`, also
for the SMS API, which does not; whoever else serves both, at one address. Source: Vonage's description of
`GET /v2/reports/records`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import httpx

from messaging.domain.message import ProviderAccount
from messaging.providers import posting, replies
from messaging.providers.base import DeliveryReport, Doubt, Sighting

_CLOCK_BEFORE, _CLOCK_AFTER = timedelta(seconds=60), timedelta(seconds=120)

Read = Callable[[Mapping[str, Any]], DeliveryReport | None]
"""Reads one record; None if it is unreadable."""


@lru_cache(maxsize=1024)
def _endpoint(base_url: str, username: str, secret: str) -> tuple[httpx.URL, posting.Headers]:
    url = httpx.URL(base_url.rstrip("/") + "/v2/reports/records")
    if url.host.startswith("rest.") and url.host.endswith(".nexmo.com"):
        url = url.copy_with(host="api" + url.host.removeprefix("rest"))
    return url, [(b"Host", url.netloc), (b"Authorization", posting.basic(username, secret))]


def lookup(account: ProviderAccount, doubt: Doubt, product: str) -> httpx.Request:
    """The GET that lists what the account sent about the time of the attempt."""
    start, end = doubt.started_at - _CLOCK_BEFORE, doubt.deadline + _CLOCK_AFTER
    return _records(account, product, {"date_start": _time(start), "date_end": _time(end)})


def fetch(account: ProviderAccount, provider_message_id: str, product: str) -> httpx.Request:
    """The GET that asks for one message."""
    return _records(account, product, {"id": provider_message_id})


def _records(account: ProviderAccount, product: str, which: Mapping[str, str]) -> httpx.Request:
    url, headers = _endpoint(account.base_url, account.username, account.secret)
    query = {"account_id": account.username, "product": product, "direction": "outbound", **which}
    return httpx.Request("GET", url, params=query, headers=headers)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sightings(response: httpx.Response, doubt: Doubt, read: Read) -> list[Sighting] | None:
    """The attempt, if it is listed; None if the list proves nothing, as when it is not whole.

    A long text has a record for each of its parts, all with our one reference: the first stands for all.
    """
    reply = replies.json_object(response)
    records = reply.get("records")
    if response.status_code != 200 or not isinstance(records, list) or not doubt.reference:
        return None
    for record in replies.objects(records):
        report = read(record)
        if report is not None and report.reference == doubt.reference:
            seen = (report.provider_message_id, report.provider_status, report.event)
            return [Sighting(*seen, named=True)]
    whole = reply.get("request_status") == "SUCCESS" and not reply.get("cursor")
    legible = all(replies.fields(record).get("message_id") for record in records)
    return [] if whole and legible else None


def fetched(response: httpx.Response, read: Read) -> DeliveryReport | None:
    """What the record of one message says."""
    records = replies.objects(replies.json_object(response).get("records"))
    return read(records[0]) if response.status_code == 200 and records else None

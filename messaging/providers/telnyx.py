"""How does Telnyx (API v2) carry an SMS or MMS: the send, its reply, the look-ups, its receipts, as values.

Telnyx offers no idempotent send, no reference of ours and no list of messages. A send of unknown outcome
is settled by the receipt at its own address, or by the detail records between the two numbers, which show
a message only once it has left the queue; the message itself then says which address was its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from messaging.domain.failures import Accepted, Failure, Kind, Outcome
from messaging.domain.lifecycle import Event
from messaging.domain.message import Channel, ProviderAccount
from messaging.providers import failure_tables, posting, replies, telnyx_signature
from messaging.providers.base import (
    Abilities,
    DeliveryReport,
    Doubt,
    Outbound,
    Provider,
    RawEvent,
    Sighting,
    Webhook,
)
from messaging.providers.telnyx_errors import (
    ABOUT_EITHER,
    ASYNC,
    BAD_SENDER,
    BLAMELESS,
    DAILY_CAPS,
    LAPSES,
    RANK,
    SYNC,
)
from messaging.providers.telnyx_inbound import inbound

_TEN_PARTS = 1530
_QUEUE = timedelta(hours=4)
"""How long Telnyx may hold a message before it is sent, and its detail record written."""
_CLOCK = timedelta(seconds=60)
_PAGE = 50
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_CODE = re.compile(r"[0-9]{1,6}")
_OUTBOUND = frozenset({"message.sent", "message.finalized"})

# A receipt of any kind proves that Telnyx took the message.
_EVENTS = {
    "scheduled": Event.ACCEPTED,
    "queued": Event.ACCEPTED,
    "sending": Event.ACCEPTED,
    "sent": Event.ACCEPTED,
    "delivery_unconfirmed": Event.ACCEPTED,
    "delivered": Event.DELIVERED,
    "delivery_failed": Event.UNDELIVERED,
    "sending_failed": Event.FAILED,
    "expired": Event.FAILED,
    "cancelled": Event.FAILED,
}


@lru_cache(maxsize=1024)
def _endpoint(base_url: str, secret: str, path: str) -> tuple[httpx.URL, posting.Headers]:
    """A resource of the API, and the headers every request to it has."""
    url = httpx.URL(base_url.rstrip("/") + path)
    return url, [(b"Host", url.netloc), (b"Authorization", f"Bearer {secret}".encode())]


def request(account: ProviderAccount, out: Outbound) -> httpx.Request:
    """The one POST that sends `out`."""
    url, headers = _endpoint(account.base_url, account.secret, "/v2/messages")
    message: dict[str, Any] = {
        "from": out.sender,
        "to": out.to,
        "type": "MMS" if out.channel is Channel.MMS else "SMS",
        "webhook_url": out.callback_url,
        "use_profile_webhooks": False,
    }
    if out.body:
        message["text"] = out.body
    if out.parts is not None and out.channel is Channel.MMS:
        message["media_urls"] = list(out.parts.media)
        if out.parts.subject:
            message["subject"] = out.parts.subject
    return posting.post(url, [*headers, *posting.JSON], orjson.dumps(message))


def outcome(response: httpx.Response) -> Outcome:
    """What Telnyx' reply to a send says became of it."""
    reply, status = replies.json_object(response), response.status_code
    if 200 <= status < 300:
        data = replies.fields(reply.get("data"))
        name = replies.word(data.get("id"), 65)
        if _ID.fullmatch(name):
            return Accepted(name, _status(data))
        return Failure(Kind.AMBIGUOUS, "unreadable", "Telnyx' reply names no message.")
    errors = replies.objects(reply.get("errors"))
    known = _worst([known for error in errors if (known := _known(error))])
    if status == 429:
        limited = known if known and known.kind is Kind.RATE_LIMITED else SYNC["10011"]
        return replace(limited, retry_after=_wait(response.headers))
    if known is not None:
        return known
    code = next((code for error in errors if (code := _code(error.get("code")))), None)
    if 300 <= status < 500 and status != 408:
        detail = "Telnyx refused the request without a reason known to Posthorn."
        return Failure(Kind.CONFIG, code or f"http_{status}", detail)
    detail = "Telnyx failed; it may have taken the message."
    return Failure(Kind.AMBIGUOUS, code or f"http_{status}", detail)


def _known(error: Mapping[str, Any]) -> Failure | None:
    """What one error of a reply means; None for a code unknown to us."""
    code = _code(error.get("code"))
    known = SYNC.get(code or "")
    if known is None or code not in ABOUT_EITHER:
        return known
    pointer = replies.word(replies.fields(error.get("source")).get("pointer"))
    return replace(BAD_SENDER, code=known.code) if pointer.startswith("/from") else known


def _worst(known: list[Failure]) -> Failure | None:
    return min(known, key=lambda failure: RANK.index(failure.kind), default=None)


def _wait(headers: httpx.Headers) -> timedelta | None:
    """How long to wait: `x-ratelimit-reset` holds the seconds that are left, not a time."""
    left = replies.seconds(headers.get("x-ratelimit-reset", "").strip())
    return replies.retry_after(headers) if left is None else left


def lookup(account: ProviderAccount, doubt: Doubt) -> httpx.Request:
    """The GET that lists the detail records between the two numbers since the attempt."""
    url, headers = _endpoint(account.base_url, account.secret, "/v2/detail_records")
    since = (doubt.started_at - _CLOCK).astimezone(UTC)
    query = {
        "filter[record_type]": "messaging",
        "filter[cld]": doubt.to,
        "filter[cli]": doubt.sender,
        "filter[created_at][gte]": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "page[size]": str(_PAGE),
    }
    return httpx.Request("GET", url, params=query, headers=headers)


def sightings(response: httpx.Response, doubt: Doubt) -> list[Sighting] | None:
    """Messages of these numbers and this time, none of them certain; None if the list proves nothing.

    A record says neither what was in a message nor where its receipts went.
    """
    reply = replies.json_object(response)
    records = reply.get("data")
    whole = replies.fields(reply.get("meta")).get("total_pages", 1) in (0, 1)
    if response.status_code != 200 or not isinstance(records, list) or not whole:
        return None
    seen = [_sighting(replies.fields(record), doubt) for record in records]
    return None if None in seen else [each for each in seen if isinstance(each, Sighting)]


def _sighting(record: Mapping[str, Any], doubt: Doubt) -> Sighting | bool | None:
    """What a record shows of the attempt; False if it is another message's, None if unreadable."""
    name, created = replies.word(record.get("uuid"), 65), replies.moment(record.get("created_at"))
    if not _ID.fullmatch(name) or created is None:
        return None
    latest = doubt.deadline + _QUEUE + _CLOCK
    ours = record.get("cld") == doubt.to and record.get("cli") == doubt.sender
    if not ours or record.get("direction") == "inbound":
        return False
    if not doubt.started_at - _CLOCK <= created <= latest:
        return False
    status = replies.word(record.get("status"))
    event = Event.DELIVERED if status == "delivered" else Event.ACCEPTED
    return Sighting(name, status, event, certain=False)


def fetch(account: ProviderAccount, provider_message_id: str) -> httpx.Request:
    """The GET that asks for one message; Telnyx keeps it for ten days."""
    url, headers = _endpoint(account.base_url, account.secret, "/v2/messages")
    return httpx.Request("GET", f"{url}/{quote(provider_message_id, safe='')}", headers=headers)


def fetched(response: httpx.Response) -> DeliveryReport | None:
    """What a message looked up by its id says of itself, and where its receipts were to go."""
    message = replies.fields(replies.json_object(response).get("data"))
    if response.status_code != 200 or message.get("direction") == "inbound":
        return None
    return _read(message, replies.moment(message.get("completed_at")))


def events(webhook: Webhook) -> list[RawEvent]:
    """The one event of a webhook, by Telnyx' own name for it: it is the same when posted again."""
    data = replies.fields(replies.json_fields(webhook.body).get("data"))
    name = replies.word(data.get("id"), 65)
    digest = blake2b(webhook.body, digest_size=16).hexdigest
    return [RawEvent(name if _ID.fullmatch(name) else digest(), webhook.body)]


def report(webhook: Webhook) -> DeliveryReport | None:
    """The receipt in a webhook; None for anything else, such as an inbound message."""
    data = replies.fields(replies.json_fields(webhook.body).get("data"))
    if replies.word(data.get("event_type")) not in _OUTBOUND:
        return None
    return _read(replies.fields(data.get("payload")), replies.moment(data.get("occurred_at")))


def _read(message: Mapping[str, Any], at: datetime | None) -> DeliveryReport | None:
    name, status = replies.word(message.get("id"), 65), _status(message)
    if not _ID.fullmatch(name) or not status:
        return None
    codes = (_code(error.get("code")) for error in replies.objects(message.get("errors")))
    code = next((code for code in codes if code), None)
    known = ASYNC.get(code or "") or SYNC.get(code or "")
    return DeliveryReport(
        provider_message_id=name,
        event=failure_tables.refined(_EVENTS.get(status), known),
        provider_status=status,
        code=code,
        detail=known.detail if known else None,
        callback_url=replies.word(message.get("webhook_url"), 2000) or None,
        at=at,
    )


def _status(message: Mapping[str, Any]) -> str:
    """Where its one recipient stands; empty if nobody says."""
    to = replies.objects(message.get("to"))
    return replies.word(to[0].get("status")) if to else ""


def _code(value: object) -> str | None:
    """An error code as text; Telnyx writes it as one, but not always."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if _CODE.fullmatch(text) else None


PROVIDER = Provider(
    name="telnyx",
    base_url="https://api.telnyx.com",
    abilities={
        Channel.SMS: Abilities(max_body=_TEN_PARTS),
        Channel.MMS: Abilities(max_body=_TEN_PARTS, media=10),
    },
    request=request,
    outcome=outcome,
    lookup=lookup,
    sightings=sightings,
    absence_proof=_QUEUE + timedelta(hours=1),
    fetch=fetch,
    fetched=fetched,
    verify=telnyx_signature.verify,
    report=report,
    events=events,
    inbound=inbound,
    dead_numbers=frozenset({"40001", "40012"}),
    filtered=frozenset({"40002", "40003", "40015", "40017"}),
    blameless=BLAMELESS,
    daily_caps=DAILY_CAPS,
    lapses=LAPSES,
)

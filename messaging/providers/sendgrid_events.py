"""What became of an e-mail, as SendGrid posts it: many events in one webhook, many times over.

Our own argument comes back in every event, and names the attempt; SendGrid's id is longer in an event than
in the reply to the send. A complaint or a click on unsubscribe comes after delivery, so the message keeps its
state. Source: SendGrid's Event Webhook reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson

from messaging.domain.lifecycle import Event
from messaging.providers import replies
from messaging.providers.base import DeliveryReport, RawEvent, Webhook
from messaging.providers.sendgrid_errors import end_event, ending

ARGUMENT = "posthorn_attempt"
"""The custom argument our reference travels in; an event holds it beside its own fields."""
_EVENTS = {
    "processed": Event.ACCEPTED,
    "deferred": Event.ACCEPTED,
    "delivered": Event.DELIVERED,
}
_WITHDRAWN = frozenset({"spamreport", "unsubscribe", "group_unsubscribe"})
_ROUTE = re.compile(r"\.(?:filter|recvd)")
"""What follows the id of the send: which of SendGrid's machines it went through."""
_ID = re.compile(r"[A-Za-z0-9._-]{1,120}")
_REFERENCE = re.compile(r"[0-9a-f.]{1,40}")
_LATEST = 4_102_444_800
"""The year 2100, in seconds since 1970."""


def events(webhook: Webhook) -> list[RawEvent]:
    """Every event of a webhook by itself, known again by `sg_event_id`."""
    try:
        posted = orjson.loads(webhook.body)
    except ValueError:
        return []
    return [_raw(event) for event in replies.objects(posted)]


def _raw(event: Mapping[str, Any]) -> RawEvent:
    body = orjson.dumps(event)
    key = replies.word(event.get("sg_event_id"), 200)
    return RawEvent(key or blake2b(body, digest_size=16).hexdigest(), body)


def report(webhook: Webhook) -> DeliveryReport | None:
    """The receipt that one event is; None if it names no message."""
    event = replies.json_fields(webhook.body)
    word = replies.word(event.get("event"))
    given = replies.word(event.get(ARGUMENT), 41)
    reference = given if _REFERENCE.fullmatch(given) else None
    name = message_id(replies.word(event.get("sg_message_id"), 300)) or reference
    if not word or name is None:
        return None
    bad = ending(event)
    return DeliveryReport(
        name,
        end_event(bad) if bad is not None else _EVENTS.get(word),
        word,
        bad.code if bad is not None else word if word in _WITHDRAWN else None,
        bad.detail if bad is not None else None,
        reference=reference,
        at=_moment(event.get("timestamp")),
        withdraws_consent=word in _WITHDRAWN,
    )


def message_id(text: str) -> str:
    """The id as the reply to the send gave it; empty if there is none in it.

    An id of old has dots itself, so it ends where the route begins, and at its first dot only if there is
    none.
    """
    route = _ROUTE.search(text)
    name = text[: route.start()] if route else text.partition(".")[0]
    return name if _ID.fullmatch(name) else ""


def _moment(value: object) -> datetime | None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _LATEST:
        return None
    return datetime.fromtimestamp(value, UTC)

"""Telnyx afterwards: its receipts, the look-ups that settle a doubt, and what people answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from messaging.domain.lifecycle import Event
from messaging.domain.registration import Lapse
from messaging.providers import get
from messaging.providers.base import DeliveryReport, Sighting, Webhook
from tests.providers.conformance import BODY, CALLBACK, FROM, NOON, TO, account, doubt
from tests.providers.dialects.telnyx import ID, RECORD, event, message

TELNYX = get("telnyx")
ACCOUNT = account("telnyx")
assert TELNYX.lookup is not None
assert TELNYX.sightings is not None
assert TELNYX.fetched is not None
lookup, sightings, fetched = TELNYX.lookup, TELNYX.sightings, TELNYX.fetched


def report(payload: dict[str, Any], event_type: str = "message.finalized") -> DeliveryReport | None:
    return TELNYX.report(Webhook(CALLBACK, {}, event(payload, event_type)))


def test_a_receipt_says_when_it_was_and_where_it_belongs() -> None:
    assert report(message("delivered")) == DeliveryReport(
        ID,
        Event.DELIVERED,
        "delivered",
        callback_url=CALLBACK,
        at=datetime(2026, 3, 2, 12, 0, 7, 123000, UTC),
    )
    assert report(message("delivered"), "message.deleted") is None
    assert report(message("delivered", to=[])) is None


@pytest.mark.parametrize(
    ("status", "code", "event_", "known"),
    [
        ("delivery_failed", "40300", Event.OPTED_OUT, True),
        ("sending_failed", "40300", Event.OPTED_OUT, True),
        ("sending_failed", "40010", Event.BLOCKED_MISSING_CAMPAIGN, True),
        ("sending_failed", "40333", Event.BLOCKED_BILLING, True),
        ("sending_failed", "40322", Event.BLOCKED_COMPLIANCE, True),
        ("delivery_failed", "40001", Event.UNDELIVERED, True),
        ("delivery_failed", "49999", Event.UNDELIVERED, False),
        ("delivered", "40300", Event.DELIVERED, True),
        ("delivery_unconfirmed", "40005", Event.ACCEPTED, True),
    ],
)
def test_the_status_decides_and_the_code_refines(
    status: str, code: str, event_: Event, known: bool
) -> None:
    read = report(message(status, errors=[{"code": code, "title": f"no {TO}"}]))
    assert read is not None
    assert (read.event, read.code) == (event_, code)
    assert (read.detail is not None) is known
    assert TO not in repr(read)


def test_which_codes_speak_of_a_registration() -> None:
    assert TELNYX.lapses["40019"] is Lapse.CAMPAIGN
    assert {code for code, lapse in TELNYX.lapses.items() if lapse is Lapse.SENDER} == {
        "40010",
        "40329",
        "40330",
    }


def test_the_lookup_asks_for_the_two_numbers_since_the_attempt() -> None:
    request = lookup(ACCOUNT, doubt())
    assert request.url.path == "/v2/detail_records"
    assert dict(request.url.params) == {
        "filter[record_type]": "messaging",
        "filter[cld]": TO,
        "filter[cli]": FROM,
        "filter[created_at][gte]": "2026-03-02T11:59:00Z",
        "page[size]": "50",
    }


MATCH = [Sighting(ID, "delivered", Event.DELIVERED, certain=False)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCH),
        ({"status": "failed"}, [Sighting(ID, "failed", Event.ACCEPTED, certain=False)]),
        ({"cld": "+12025550124"}, []),
        ({"cli": "+12025550101"}, []),
        ({"direction": "inbound"}, []),
        ({"created_at": "2026-03-02T11:58:59Z"}, []),
        ({"created_at": "2026-03-02T15:59:00Z"}, MATCH),  # it waited in the queue
        ({"created_at": "2026-03-02T16:02:00Z"}, []),
        ({"created_at": "yesterday"}, None),
        ({"uuid": None}, None),
    ],
)
def test_which_records_may_be_the_attempts(
    changes: dict[str, Any], expected: list[Sighting] | None
) -> None:
    reply = httpx.Response(200, json={"data": [{**RECORD, **changes}]})
    assert sightings(reply, doubt()) == expected


@pytest.mark.parametrize("pages", [2, "1", None, [], {}])
def test_a_list_that_is_not_whole_proves_nothing(pages: object) -> None:
    reply = httpx.Response(200, json={"data": [], "meta": {"total_pages": pages}})
    assert sightings(reply, doubt()) is None


def test_a_message_says_by_its_own_address_whose_it_is() -> None:
    reply = httpx.Response(200, json={"data": message("delivered", completed_at=NOON.isoformat())})
    assert fetched(reply) == DeliveryReport(
        ID, Event.DELIVERED, "delivered", callback_url=CALLBACK, at=NOON
    )
    assert fetched(httpx.Response(404, json={"data": message("delivered")})) is None
    inbound = httpx.Response(200, json={"data": message("delivered", direction="inbound")})
    assert fetched(inbound) is None


@pytest.mark.parametrize(
    ("changes", "body", "media"),
    [
        ({}, BODY, ()),
        ({"text": None}, "", ()),
        ({"text": "a\0b"}, "ab", ()),
        ({"media": [{"url": "https://x/1"}, {"url": None}, 5]}, BODY, ("https://x/1",)),
        ({"media": None}, BODY, ()),
    ],
)
def test_an_inbound_message_is_read_leniently(
    changes: dict[str, Any], body: str, media: tuple[str, ...]
) -> None:
    payload = message(
        "x", **{"from": {"phone_number": TO}, "to": [{"phone_number": FROM}], **changes}
    )
    (read,) = TELNYX.inbound(Webhook(CALLBACK, {}, event(payload, "message.received")))
    assert (read.from_, read.to, read.body, read.media) == (TO, FROM, body, media)


@pytest.mark.parametrize("changes", [{"from": TO}, {"to": []}, {"id": 5}, {"from": {}}])
def test_what_names_nobody_is_no_message(changes: dict[str, Any]) -> None:
    payload = message("x", **{"from": {"phone_number": TO}, **changes})
    assert TELNYX.inbound(Webhook(CALLBACK, {}, event(payload, "message.received"))) == []

"""Twilio afterwards: the look-up that settles a doubt, and the receipts."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from messaging.domain.lifecycle import Event
from messaging.providers import get
from messaging.providers.base import DeliveryReport, Sighting, Webhook
from messaging.providers.twilio_errors import ASYNC, SYNC
from tests.providers.conformance import BODY, CALLBACK, FROM, NOON, SID, TO, account, doubt

TWILIO = get("twilio")
assert TWILIO.lookup is not None
assert TWILIO.sightings is not None
lookup, sightings = TWILIO.lookup, TWILIO.sightings
OLDER = "SM" + "0e" * 16


# --- the look-up


def test_the_lookup_asks_for_the_newest_between_the_two_numbers() -> None:
    request = lookup(account("twilio"), doubt())
    assert request.url.path.endswith("/Messages.json")
    assert dict(request.url.params) == {"To": TO, "From": FROM, "PageSize": "50"}
    assert b"To=%2B12025550123" in request.url.query
    assert request.headers["authorization"].startswith("Basic ")


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "sid": SID,
        "status": "sent",
        "direction": "outbound-api",
        "to": TO,
        "from": FROM,
        "body": BODY,
        "date_created": "Mon, 02 Mar 2026 12:00:03 +0000",
        "error_code": None,
        **changes,
    }


def at(seconds: float) -> str:
    return format_datetime(NOON + timedelta(seconds=seconds))


def seen(*messages: Any, more: str | None = None, status: int = 200) -> list[Sighting] | None:
    page = {"messages": list(messages), "next_page_uri": more}
    return sightings(httpx.Response(status, json=page), doubt())


MATCH = [Sighting(SID, "sent", Event.ACCEPTED)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCH),
        ({"from": None}, MATCH),
        ({"body": BODY + " \n"}, MATCH),
        ({"body": "Sent from your Twilio trial account - " + BODY}, MATCH),
        ({"body": BODY.upper()}, []),
        ({"body": None}, []),
        ({"direction": "inbound"}, []),
        ({"direction": "outbound-reply"}, []),
        ({"to": "+12025550124"}, []),
        ({"from": "+12025550101"}, []),
        ({"date_created": at(-60)}, MATCH),
        ({"date_created": at(-61)}, []),
        ({"date_created": at(30 + 120)}, MATCH),
        ({"date_created": at(30 + 121)}, []),
        ({"date_created": None}, None),
        ({"date_created": "yesterday"}, None),
        ({"sid": None}, None),
        ({"status": "delivered"}, [Sighting(SID, "delivered", Event.DELIVERED)]),
        (
            {"status": "undelivered", "error_code": 30003},
            [Sighting(SID, "undelivered", Event.UNDELIVERED)],
        ),
        ({"status": "failed", "error_code": 21610}, [Sighting(SID, "failed", Event.OPTED_OUT)]),
        ({"status": "novel"}, [Sighting(SID, "novel", None)]),
    ],
)
def test_which_message_is_the_attempts(
    changes: dict[str, Any], expected: list[Sighting] | None
) -> None:
    assert seen(entry(**changes)) == expected


def test_an_empty_list_is_an_answer_and_two_matches_are_two() -> None:
    assert seen() == []
    twins = seen(entry(), entry(sid=OLDER))
    assert twins == [*MATCH, Sighting(OLDER, "sent", Event.ACCEPTED)]


def test_a_page_that_ends_too_early_proves_no_absence() -> None:
    other, older = entry(body="other"), entry(body="other", date_created=at(-3600))
    assert seen(other, more="/next") is None
    assert seen(other, older, more="/next") == []
    assert seen(other, more=None) == []
    assert seen(entry(), more="/next") == MATCH


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_an_error_proves_nothing(status: int) -> None:
    assert seen(status=status) is None


@pytest.mark.parametrize("page", [b"", b"{}", b"[]", b'{"messages": {}}', b'{"messages": [1]}'])
def test_an_unreadable_page_proves_nothing(page: bytes) -> None:
    assert sightings(httpx.Response(200, content=page), doubt()) is None


# --- receipts


def receipt(**fields: str) -> list[DeliveryReport]:
    everything = {"AccountSid": "AC1", "From": FROM, "To": TO, "Surprise": "", **fields}
    found = TWILIO.report(Webhook(CALLBACK, {}, urlencode(everything).encode()))
    return [found] if found is not None else []


@pytest.mark.parametrize(
    ("status", "event"),
    [
        ("accepted", Event.ACCEPTED),
        ("scheduled", Event.ACCEPTED),
        ("queued", Event.ACCEPTED),
        ("sending", Event.ACCEPTED),
        ("sent", Event.ACCEPTED),
        ("partially_delivered", Event.ACCEPTED),
        ("delivered", Event.DELIVERED),
        ("read", Event.DELIVERED),
        ("undelivered", Event.UNDELIVERED),
        ("failed", Event.FAILED),
        ("canceled", Event.FAILED),
        ("teleported", None),
    ],
)
def test_every_status_of_a_receipt(status: str, event: Event | None) -> None:
    assert receipt(MessageSid=SID, MessageStatus=status) == [DeliveryReport(SID, event, status)]
    assert receipt(SmsSid=SID, SmsStatus=status) == [DeliveryReport(SID, event, status)]


BAD_ENDS = {
    "21610": Event.OPTED_OUT,
    "30002": Event.BLOCKED_BILLING,
    "30032": Event.BLOCKED_MISSING_CAMPAIGN,
    "30033": Event.BLOCKED_MISSING_CAMPAIGN,
    "30034": Event.BLOCKED_MISSING_CAMPAIGN,
    "30035": Event.BLOCKED_MISSING_CAMPAIGN,
    "30610": Event.BLOCKED_COMPLIANCE,
    "30640": Event.BLOCKED_COMPLIANCE,
}


@pytest.mark.parametrize("code", sorted(ASYNC))
def test_a_code_refines_a_bad_end_and_only_that(code: str) -> None:
    for status, plain in (("undelivered", Event.UNDELIVERED), ("failed", Event.FAILED)):
        (report,) = receipt(MessageSid=SID, MessageStatus=status, ErrorCode=code)
        assert report.event is BAD_ENDS.get(code, plain)
        assert (report.code, report.detail) == (code, ASYNC[code].detail)
    for status, plain in (("delivered", Event.DELIVERED), ("sent", Event.ACCEPTED)):
        (report,) = receipt(MessageSid=SID, MessageStatus=status, ErrorCode=code)
        assert report.event is plain


def test_what_a_carrier_filtered_and_what_nobody_is_to_blame_for() -> None:
    assert TWILIO.filtered == {"30007"}
    assert TWILIO.filtered | TWILIO.landlines | TWILIO.dead_numbers <= ASYNC.keys() | SYNC.keys()
    assert TWILIO.blameless == {
        "14107", "30001", "30002", "30010", "30019", "30020", "30021", "30022", "30023", "30027",
        "30032", "30033", "30034", "30035", "30036", "30410", "30450", "30500", "30610",
    }  # fmt: skip
    assert not TWILIO.blameless & (TWILIO.filtered | TWILIO.landlines | TWILIO.dead_numbers)


def test_an_unknown_code_is_kept_and_changes_nothing() -> None:
    (report,) = receipt(MessageSid=SID, MessageStatus="failed", ErrorCode="39999")
    assert (report.event, report.code, report.detail) == (Event.FAILED, "39999", None)
    (report,) = receipt(MessageSid=SID, MessageStatus="failed", ErrorCode=TO, ErrorMessage=TO)
    assert (report.event, report.code, report.detail) == (Event.FAILED, None, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"MessageSid": SID, "SmsStatus": "received", "Body": "STOP"},
        {"MessageSid": SID, "MessageStatus": "receiving"},
        {"MessageSid": SID},
        {"MessageStatus": "delivered"},
        {"MessageSid": "../x", "MessageStatus": "delivered"},
        {},
    ],
)
def test_what_is_no_receipt(fields: dict[str, str]) -> None:
    assert receipt(**fields) == []

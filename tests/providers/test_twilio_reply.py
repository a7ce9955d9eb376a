"""Twilio: what its reply to a send says, code by code."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from messaging.domain.failures import Accepted, Failover, Failure, Kind
from messaging.domain.lifecycle import Status
from messaging.providers import get
from messaging.providers.twilio_errors import ASYNC, SYNC
from tests.providers.conformance import (
    SID,
    TO,
)

TWILIO = get("twilio")

# code, kind, status, failover
REFUSALS = """
10001 permanent_config blocked_billing other_provider
20003 permanent_config failed none
20005 permanent_config blocked_billing other_provider
20404 permanent_config failed none
20429 rate_limited failed other_provider
20500 ambiguous failed none
20503 transient_retry failed other_provider
21211 permanent_recipient undeliverable none
21212 permanent_sender failed other_sender
21408 permanent_config failed other_provider
21601 permanent_sender failed other_sender
21602 permanent_config failed none
21603 permanent_config failed none
21604 permanent_config failed none
21606 permanent_sender failed other_sender
21608 permanent_config failed none
21609 permanent_config failed none
21610 opted_out opted_out none
21611 rate_limited failed other_sender
21612 permanent_recipient undeliverable other_provider
21614 permanent_recipient undeliverable none
21616 permanent_config failed none
21617 permanent_config failed none
21618 permanent_sender undeliverable none
21619 permanent_config failed none
21620 permanent_config failed none
21621 permanent_sender failed other_sender
21622 permanent_config failed other_provider
21623 permanent_config failed none
21624 permanent_config failed none
21701 permanent_config failed none
21702 permanent_config failed other_provider
21703 permanent_sender failed other_provider
21704 permanent_sender failed other_provider
21705 permanent_config failed none
21730 transient_retry failed other_provider
30032 permanent_sender blocked_missing_campaign other_sender
30033 permanent_sender blocked_missing_campaign other_sender
30034 permanent_sender blocked_missing_campaign other_sender
30035 permanent_sender blocked_missing_campaign other_sender
"""
LATE = """
14107 rate_limited failed none
30001 rate_limited failed other_sender
30002 permanent_config blocked_billing other_provider
30003 transient_retry undeliverable none
30004 permanent_recipient undeliverable none
30005 permanent_recipient undeliverable none
30006 permanent_recipient undeliverable none
30007 permanent_sender undeliverable none
30008 transient_retry undeliverable other_sender
30010 permanent_config failed none
30011 permanent_recipient undeliverable none
30017 transient_retry undeliverable none
30018 permanent_sender undeliverable other_sender
30019 permanent_config failed none
30020 transient_retry failed none
30021 transient_retry failed none
30022 rate_limited failed other_sender
30023 rate_limited failed none
30024 permanent_sender undeliverable other_sender
30027 rate_limited failed none
30032 permanent_sender blocked_missing_campaign other_sender
30033 permanent_sender blocked_missing_campaign other_sender
30034 permanent_sender blocked_missing_campaign other_sender
30035 permanent_sender blocked_missing_campaign other_sender
30036 transient_retry failed other_sender
30410 ambiguous failed none
30450 rate_limited failed none
30500 transient_retry failed other_provider
30610 rate_limited blocked_compliance none
30640 permanent_recipient blocked_compliance none
21610 opted_out opted_out none
"""


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.split("\n") if line]


def reply(status: int, content: object, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=content, headers=headers)


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (201, {"sid": SID, "status": "queued", "error_code": None}, Accepted(SID, "queued")),
        (201, {"sid": SID, "status": "accepted"}, Accepted(SID, "accepted")),
        (200, {"sid": SID}, Accepted(SID, "")),
        (201, {"sid": SID, "status": 7}, Accepted(SID, "")),
    ],
)
def test_a_message_with_a_sid_is_accepted(
    status: int, content: dict[str, Any], expected: Accepted
) -> None:
    assert TWILIO.outcome(reply(status, content)) == expected


@pytest.mark.parametrize(
    "content", [{}, [], {"sid": None}, {"sid": ""}, {"sid": 3}, {"sid": "a b"}]
)
def test_a_good_status_without_a_sid_is_ambiguous(content: object) -> None:
    result = TWILIO.outcome(reply(201, content))
    assert isinstance(result, Failure)
    assert (result.kind, result.code) == (Kind.AMBIGUOUS, "unreadable")


def legacy(code: str) -> dict[str, Any]:
    return {"code": int(code), "message": f"no {TO}", "more_info": "https://x", "status": 400}


def problem(code: str) -> dict[str, Any]:
    return {"type": "https://x", "title": "No", "status": 400, "code": int(code), "detail": TO}


@pytest.mark.parametrize("shape", [legacy, problem])
@pytest.mark.parametrize(("code", "kind", "status", "failover"), rows(REFUSALS))
def test_every_code_of_a_refused_send(
    shape: Any, code: str, kind: str, status: str, failover: str
) -> None:
    http = {"20003": 401, "20404": 404, "20429": 429, "20500": 500, "20503": 503}.get(code, 400)
    result = TWILIO.outcome(reply(http, shape(code)))
    assert isinstance(result, Failure)
    assert (result.kind, result.code) == (Kind(kind), code)
    assert (result.status, result.failover) == (Status(status), Failover(failover))
    assert result.suppress is (code == "21610")
    assert result == replace(SYNC[code], retry_after=None)


def test_the_tables_hold_no_other_codes_and_speak_in_sentences() -> None:
    assert [row[0] for row in rows(REFUSALS)] == sorted(SYNC)
    assert sorted(row[0] for row in rows(LATE)) == sorted(ASYNC)
    blocking = {c for c, f in ASYNC.items() if f.status is Status.BLOCKED_MISSING_CAMPAIGN}
    assert TWILIO.lapses.keys() == blocking
    for failure in (*SYNC.values(), *ASYNC.values()):
        assert failure.detail.endswith(".")
        assert failure.detail[0].isupper()


@pytest.mark.parametrize(
    ("http", "content", "kind", "code"),
    [
        (400, {"code": 21211}, Kind.RECIPIENT, "21211"),
        (400, {"code": "21211"}, Kind.RECIPIENT, "21211"),
        (400, {"code": 99999}, Kind.CONFIG, "99999"),
        (400, {"code": 30007}, Kind.CONFIG, "30007"),  # an asynchronous code says nothing here
        (400, {"code": True}, Kind.CONFIG, "http_400"),
        (400, {"code": 0}, Kind.CONFIG, "http_400"),
        (400, {"code": TO}, Kind.CONFIG, "http_400"),
        (503, {"code": 20503}, Kind.TRANSIENT, "20503"),
        (503, {"code": 20500}, Kind.AMBIGUOUS, "20500"),
        (500, {"code": 99999}, Kind.AMBIGUOUS, "99999"),
        (502, "<html>", Kind.AMBIGUOUS, "http_502"),
        (408, {}, Kind.AMBIGUOUS, "http_408"),
        (307, {}, Kind.CONFIG, "http_307"),
        (429, {}, Kind.RATE_LIMITED, "429"),
        (429, {"code": 20429}, Kind.RATE_LIMITED, "20429"),
        (429, {"code": 21611}, Kind.RATE_LIMITED, "21611"),
        (429, {"code": 21211}, Kind.RATE_LIMITED, "21211"),
    ],
)
def test_status_and_code_together(http: int, content: object, kind: Kind, code: str) -> None:
    result = TWILIO.outcome(reply(http, content))
    assert isinstance(result, Failure)
    assert (result.kind, result.code) == (kind, code)


def test_a_full_sender_queue_lets_other_senders_go_on() -> None:
    full = TWILIO.outcome(reply(429, {"code": 21611}))
    busy = TWILIO.outcome(reply(429, {"code": 20429}))
    assert isinstance(full, Failure)
    assert isinstance(busy, Failure)
    assert (full.failover, busy.failover) == (Failover.OTHER_SENDER, Failover.OTHER_PROVIDER)


DATE = "Mon, 02 Mar 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 0 "}, 0),
        ({"Retry-After": "9" * 40}, 86400),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "²"}, None),
        ({"Retry-After": "Mon, 02 Mar 2026 12:00:42 GMT", "Date": DATE}, 42),
        ({"Retry-After": "Mon, 02 Mar 2026 13:00:30 +0100", "Date": DATE}, 30),
        ({"Retry-After": "Mon, 02 Mar 2026 12:00:42 -0000", "Date": DATE}, 42),
        ({"Retry-After": "Mon, 02 Mar 2026 11:00:00 GMT", "Date": DATE}, 0),
        ({"Retry-After": "Fri, 02 Mar 2096 12:00:00 GMT", "Date": DATE}, 86400),
        ({"Retry-After": "Mon, 02 Mar 2026 12:00:42 GMT"}, None),
        ({"Retry-After": "Mon, 99 Mar 2026 12:00:42 GMT", "Date": DATE}, None),
    ],
)
def test_how_long_twilio_asks_us_to_wait(headers: dict[str, str], wait: int | None) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    result = TWILIO.outcome(httpx.Response(429, headers=encoded))
    assert isinstance(result, Failure)
    assert result.retry_after == (None if wait is None else timedelta(seconds=wait))

"""Vonage's SMS API: what a send puts on the wire, replies of several parts, and its receipts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import orjson
import pytest
from jsonschema import Draft202012Validator

from messaging.domain.failures import Accepted, Failover, Failure, Kind
from messaging.domain.lifecycle import Event
from messaging.providers import get
from messaging.providers.base import DeliveryReport, Fragment, Outbound, Webhook
from messaging.providers.vonage_sms_errors import SYNC
from tests.providers.conformance import (
    BODY,
    CALLBACK,
    FROM,
    REFERENCE,
    SECRET,
    TO,
    account,
    outbound,
)
from tests.providers.dialects.vonage_sms import ID, fields, inbound, parts, taken

SMS = get("vonage_sms")
ACCOUNT = account("vonage_sms", username="abcd1234")
SPEC = next(Path(__file__).parents[3].glob("*/specs/vonage_sms.json"), None)
LONG = "x" * 161


def form(out: Outbound) -> dict[str, str]:
    content = SMS.request(ACCOUNT, out).content.decode()
    return dict(parse_qsl(content, strict_parsing=True))


def test_the_request_is_what_the_api_wants() -> None:
    request = SMS.request(ACCOUNT, outbound("Hello", timedelta(hours=1)))
    assert str(request.url) == "http://127.0.0.1:4010/sms/json"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert form(outbound("Hello", timedelta(hours=1))) == {
        "api_key": "abcd1234",
        "api_secret": SECRET,
        "from": FROM[1:],
        "to": TO[1:],
        "text": "Hello",
        "ttl": "3600000",
        "client-ref": REFERENCE,
        "callback": "https://hooks.example.com/v1/webhooks/x/0192",
    }


@pytest.mark.parametrize(
    ("body", "kind"), [("Hello", None), ("é €", None), ("Olá, só", "unicode"), ("👋", "unicode")]
)
def test_what_is_outside_the_gsm_alphabet_says_so(body: str, kind: str | None) -> None:
    sent = form(outbound(body))
    assert (sent["text"], sent.get("type")) == (body, kind)


def test_flash_is_class_zero() -> None:
    assert form(outbound(flash=True))["message-class"] == "0"
    assert "message-class" not in form(outbound())
    assert SMS.flash


@pytest.mark.parametrize(
    ("validity", "milliseconds"),
    [
        (timedelta(seconds=1), "20000"),
        (timedelta(seconds=90.5), "90500"),
        (timedelta(days=30), "604800000"),
    ],
)
def test_the_time_to_live_is_kept_in_range(validity: timedelta, milliseconds: str) -> None:
    assert form(outbound(validity=validity))["ttl"] == milliseconds


def test_an_address_that_is_too_long_is_left_to_the_accounts_setting() -> None:
    path = "https://hooks.example.com/".ljust(100, "x")
    assert form(replace(outbound(), callback_url=path + "?m=1"))["callback"] == path
    assert "callback" not in form(replace(outbound(), callback_url=path + "x?m=1"))


def test_a_long_text_is_marked_as_one() -> None:
    assert form(outbound("x" * 160))["client-ref"] == REFERENCE
    assert form(outbound(LONG))["client-ref"] == REFERENCE + "-"
    longest = replace(outbound(LONG), reference="0" * 32 + ".1234567")
    assert form(longest)["client-ref"] == "0" * 32 + ".1234567"


@pytest.mark.skipif(SPEC is None, reason="Vonage's API description is not beside the repository")
@pytest.mark.parametrize("out", [outbound(), outbound(LONG, timedelta(hours=1), flash=True)])
def test_the_form_fits_vonages_own_description(out: Outbound) -> None:
    assert SPEC is not None
    schema = json.loads(SPEC.read_text())["components"]["schemas"]["NewMessage"]
    sent: dict[str, Any] = form(out)
    for name in ("ttl", "message-class"):
        if name in sent:
            sent[name] = int(sent[name])
    assert sent.keys() <= schema["properties"].keys()
    Draft202012Validator(schema).validate(sent)


# --- the reply


def outcome(*entries: Any, status: int = 200) -> Accepted | Failure:
    return SMS.outcome(httpx.Response(status, content=parts(*entries)))


def refused(code: object, text: str = "") -> dict[str, Any]:
    return {"status": code, "error-text": text}


@pytest.mark.parametrize("code", sorted(SYNC))
def test_every_status_of_a_refused_send(code: str) -> None:
    assert outcome(refused(code, f"{TO} {BODY}")) == SYNC[code]
    assert outcome(refused(int(code))) == SYNC[code]


def test_all_parts_or_some_of_them_taken() -> None:
    """A part that was sent is never sent again: a text that is taken in part is taken."""
    assert outcome(taken()) == Accepted(ID, "accepted")
    assert outcome(taken(), taken("B")) == Accepted(ID, "accepted")
    assert outcome(taken(), refused("1", "Throttled")) == Accepted(ID, "partial")
    assert outcome(refused("9"), taken("B")) == Accepted("B", "partial")


@pytest.mark.parametrize(
    ("entries", "status", "kind", "code"),
    [
        ([refused("1"), refused("6")], 200, Kind.RECIPIENT, "6"),
        ([refused("5"), refused("77")], 200, Kind.CONFIG, "77"),
        ([refused("")], 200, Kind.AMBIGUOUS, "unreadable"),
        ([refused("6"), refused(None)], 200, Kind.AMBIGUOUS, "unreadable"),
        ([{"status": "0"}], 200, Kind.AMBIGUOUS, "unreadable"),
        ([], 200, Kind.AMBIGUOUS, "unreadable"),
        ([taken()], 500, Kind.AMBIGUOUS, "http_500"),
        ([taken()], 401, Kind.CONFIG, "http_401"),
        ([taken()], 429, Kind.RATE_LIMITED, "http_429"),
    ],
)
def test_what_a_reply_proves(entries: list[Any], status: int, kind: Kind, code: str) -> None:
    result = outcome(*entries, status=status)
    assert isinstance(result, Failure)
    assert (result.kind, result.code) == (kind, code)
    assert kind is not Kind.AMBIGUOUS or result.failover is Failover.NONE


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("Throughput Rate Exceeded - please wait [ 250 ] and retry", 250),
        ("please wait [50]", 50),
        ("Throttled", None),
        ("please wait [ soon ]", None),
    ],
)
def test_how_long_vonage_asks_us_to_wait(text: str, wait: int | None) -> None:
    result = outcome(refused("1", text))
    assert isinstance(result, Failure)
    assert result.retry_after == (None if wait is None else timedelta(milliseconds=wait))
    other = outcome(refused("6", text))
    assert isinstance(other, Failure)
    assert other.retry_after is None


# --- receipts


def report(status: str, **changes: str) -> DeliveryReport | None:
    said = fields(status, **changes)
    read = SMS.report(Webhook(CALLBACK, {}, urlencode(said).encode()))
    assert read == SMS.report(Webhook(CALLBACK, {}, orjson.dumps(said)))
    return read


def test_a_receipt_repeats_our_reference() -> None:
    at = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    expected = DeliveryReport(ID, Event.DELIVERED, "delivered", reference=REFERENCE, at=at)
    assert report("delivered") == expected
    assert report("delivered", scts="then") == replace(expected, at=None)
    assert report("delivered", client_ref="") == replace(expected, reference=None)
    assert report("delivered", messageId="") is None


def test_of_a_long_text_only_its_first_part_may_say_that_it_arrived() -> None:
    """Its id is known from the reply; the reference would speak for every part."""
    marked = {"client_ref": REFERENCE + "-"}
    arrived, refused_, taken_ = (
        report(status, **marked) for status in ("delivered", "failed", "accepted")
    )
    assert arrived is not None
    assert (arrived.event, arrived.reference) == (Event.DELIVERED, None)
    for read, event in ((refused_, Event.UNDELIVERED), (taken_, Event.ACCEPTED)):
        assert read is not None
        assert (read.event, read.reference) == (event, REFERENCE)


@pytest.mark.parametrize(
    ("status", "number", "event", "code"),
    [
        ("failed", "9", Event.OPTED_OUT, "dlr-9"),
        ("rejected", "53", Event.BLOCKED_COMPLIANCE, "dlr-53"),
        ("failed", "6", Event.UNDELIVERED, "dlr-6"),
        ("failed", "77", Event.UNDELIVERED, "dlr-77"),
        ("delivered", "9", Event.DELIVERED, "dlr-9"),
        ("expired", "0", Event.UNDELIVERED, None),
        ("failed", "000", Event.UNDELIVERED, None),
        ("failed", "x", Event.UNDELIVERED, None),
    ],
)
def test_the_status_decides_and_the_code_refines(
    status: str, number: str, event: Event, code: str | None
) -> None:
    read = report(status, err_code=number)
    assert read is not None
    assert (read.event, read.code) == (event, code)


# --- what people answer


@pytest.mark.parametrize(
    ("changes", "fragment"),
    [
        ({}, None),
        ({"concat": "true", "concat_ref": "7", "concat_total": "3", "concat_part": "2"}, (2, 3)),
        ({"concat": "false", "concat_ref": "7", "concat_total": "3", "concat_part": "2"}, None),
        ({"concat": "true", "concat_ref": "", "concat_total": "3", "concat_part": "2"}, None),
        ({"concat": "true", "concat_ref": "7", "concat_total": "3", "concat_part": "4"}, None),
        ({"concat": "true", "concat_ref": "7", "concat_total": "999", "concat_part": "4"}, None),
        ({"concat": "true", "concat_ref": "7", "concat_total": "1", "concat_part": "1"}, None),
        ({"concat": "true", "concat_ref": "7", "concat_total": "3", "concat_part": "x"}, None),
    ],
)
def test_a_piece_says_which_it_is(
    changes: dict[str, str], fragment: tuple[int, int] | None
) -> None:
    (read,) = SMS.inbound(Webhook(CALLBACK, {}, inbound(**changes)))
    assert read.fragment == (Fragment("7", *fragment) if fragment else None)
    assert read.at == datetime(2026, 3, 2, 12, 0, 1, tzinfo=UTC)
    assert read.provider_keyword is None

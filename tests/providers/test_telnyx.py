"""Telnyx: what a send puts on the wire, and what its reply means."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from jsonschema import Draft202012Validator

from messaging.domain.failures import Accepted, Failover, Failure, Kind
from messaging.domain.message import Channel, Parts
from messaging.providers import get
from messaging.providers.telnyx_errors import SYNC
from tests.providers.conformance import (
    BODY,
    CALLBACK,
    FROM,
    SECRET,
    TO,
    account,
    outbound,
)
from tests.providers.dialects.telnyx import ID, message

TELNYX = get("telnyx")
ACCOUNT = account("telnyx")
SPEC = next(Path(__file__).parents[3].glob("*/specs/telnyx_messages.json"), None)
PICTURES = Parts(
    subject="Look", media=("https://cdn.example.com/a.png", "https://cdn.example.com/b")
)
SMS = outbound()
MMS = outbound(channel=Channel.MMS, parts=PICTURES)


def test_the_request_is_what_the_api_wants() -> None:
    request = TELNYX.request(ACCOUNT, SMS)
    assert str(request.url) == "http://127.0.0.1:4010/v2/messages"
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["host"] == "127.0.0.1:4010"
    assert orjson.loads(request.content) == {
        "from": FROM,
        "to": TO,
        "type": "SMS",
        "text": BODY,
        "webhook_url": CALLBACK,
        "use_profile_webhooks": False,
    }


def test_pictures_make_it_an_mms() -> None:
    sent = orjson.loads(TELNYX.request(ACCOUNT, MMS).content)
    assert (sent["type"], sent["subject"], sent["media_urls"]) == (
        "MMS",
        "Look",
        list(PICTURES.media),
    )
    bare = orjson.loads(TELNYX.request(ACCOUNT, replace(MMS, body="")).content)
    assert "text" not in bare


@pytest.mark.skipif(SPEC is None, reason="Telnyx' API description is not beside the repository")
@pytest.mark.parametrize("out", [SMS, MMS])
def test_the_body_fits_telnyx_own_description(out: Any) -> None:
    assert SPEC is not None
    spec = json.loads(SPEC.read_text())
    schema = {
        "$ref": "#/components/schemas/CreateMessageRequest",
        "components": spec["components"],
    }
    sent = json.loads(TELNYX.request(ACCOUNT, out).content)
    Draft202012Validator(schema).validate(sent)
    known = spec["components"]["schemas"]["CreateMessageRequest"]["properties"]
    assert sent.keys() <= known.keys()


# --- the reply


def refused(status: int, *errors: Any, **headers: str) -> Failure:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    result = TELNYX.outcome(httpx.Response(status, json={"errors": list(errors)}, headers=named))
    assert isinstance(result, Failure)
    return result


def error(code: object, pointer: str = "/to") -> dict[str, Any]:
    return {"code": code, "title": "No", "detail": f"not {TO}", "source": {"pointer": pointer}}


def test_the_id_and_status_of_a_good_reply() -> None:
    reply = httpx.Response(200, json={"data": message("queued")})
    assert TELNYX.outcome(reply) == Accepted(ID, "queued")
    cases: list[Any] = [{}, [], {"id": None}, {"id": "a b"}, {"id": 7}]
    for data in cases:
        result = TELNYX.outcome(httpx.Response(200, json={"data": data}))
        assert isinstance(result, Failure)
        assert (result.kind, result.code) == (Kind.AMBIGUOUS, "unreadable")


@pytest.mark.parametrize("code", sorted(SYNC))
def test_every_code_of_a_refused_send(code: str) -> None:
    for status in (400, 422):
        assert refused(status, error(code)) == SYNC[code]
    assert refused(422, error(int(code))) == SYNC[code]


@pytest.mark.parametrize(
    ("codes", "winner"),
    [
        (["10015", "40300", "40310"], "40300"),
        (["40318", "40310"], "40310"),
        (["10037", "10011"], "10011"),
        (["10037", "40305"], "40305"),
        (["40310", "10007"], "10007"),
        (["40300", "10007"], "40300"),
        (["99999", "40310"], "40310"),
    ],
)
def test_of_several_errors_the_worst_decides(codes: list[str], winner: str) -> None:
    for order in (codes, codes[::-1]):
        assert refused(422, *[error(code) for code in order]).code == winner


@pytest.mark.parametrize("code", ["10002", "10016"])
def test_a_bad_number_is_whose_the_pointer_says(code: str) -> None:
    ours, theirs = refused(422, error(code, "/from")), refused(422, error(code, "/to"))
    assert (ours.kind, ours.code, ours.failover) == (Kind.SENDER, code, Failover.OTHER_SENDER)
    assert (theirs.kind, theirs.code) == (Kind.RECIPIENT, code)
    assert refused(422, {"code": code, "source": "x"}).kind is Kind.RECIPIENT
    assert refused(422, error("40310", "/from")).kind is Kind.RECIPIENT


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"x_ratelimit_reset": "7"}, 7),
        ({"x_ratelimit_reset": "soon"}, None),
        ({"x_ratelimit_reset": "1392815263"}, 86400),
        ({"retry_after": "9"}, 9),
        ({"retry_after": "9", "x_ratelimit_reset": "2"}, 2),
    ],
)
def test_how_long_telnyx_asks_us_to_wait(headers: dict[str, str], wait: int | None) -> None:
    limited = refused(429, error("10011"), **headers)
    assert (limited.kind, limited.failover) == (Kind.RATE_LIMITED, Failover.OTHER_PROVIDER)
    assert limited.retry_after == (None if wait is None else timedelta(seconds=wait))
    assert refused(429, error("40318")).failover is Failover.OTHER_SENDER


@pytest.mark.parametrize(
    ("status", "errors", "kind", "code"),
    [
        (400, [error("99999")], Kind.CONFIG, "99999"),
        (400, [error("40010")], Kind.CONFIG, "40010"),  # a receipt's code says nothing here
        (400, [error(True)], Kind.CONFIG, "http_400"),
        (400, [error(TO)], Kind.CONFIG, "http_400"),
        (500, [error("99999")], Kind.AMBIGUOUS, "99999"),
        (500, [error("10007")], Kind.AMBIGUOUS, "10007"),
        (503, [error("10037")], Kind.TRANSIENT, "10037"),
        (503, [], Kind.AMBIGUOUS, "http_503"),
        (408, [], Kind.AMBIGUOUS, "http_408"),
    ],
)
def test_status_and_code_together(status: int, errors: list[Any], kind: Kind, code: str) -> None:
    result = refused(status, *errors)
    assert (result.kind, result.code) == (kind, code)

"""Twilio: what a send puts on the wire."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import httpx
import pytest
from jsonschema import Draft202012Validator

from messaging.domain.message import Channel
from messaging.providers import get
from messaging.providers.base import Outbound
from tests.providers.conformance import (
    BODY,
    CALLBACK,
    FROM,
    TO,
    account,
    outbound,
)

TWILIO = get("twilio")
ACCOUNT = account("twilio")
SPEC = next(Path(__file__).parents[3].glob("*/specs/twilio_messages.json"), None)


def form(out: Outbound) -> dict[str, str]:
    return dict(parse_qsl(TWILIO.request(ACCOUNT, out).content.decode(), strict_parsing=True))


def test_the_request_is_what_the_api_wants() -> None:
    request = TWILIO.request(ACCOUNT, outbound(validity=timedelta(hours=1)))
    assert str(request.url) == (
        "http://127.0.0.1:4010/2010-04-01/Accounts/AC11111111111111111111111111111111/Messages.json"
    )
    user_and_secret = httpx.BasicAuth(ACCOUNT.username, ACCOUNT.secret)
    signed = next(user_and_secret.auth_flow(httpx.Request("GET", "http://x")))
    assert request.headers["authorization"] == signed.headers["authorization"]
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.content.decode(), strict_parsing=True) == {
        "To": [TO],
        "From": [FROM],
        "Body": [BODY],
        "StatusCallback": [CALLBACK + "#rc=5&rp=all"],
        "ValidityPeriod": ["3600"],
    }


@pytest.mark.parametrize(
    "body", ["a+b & c=d %20;#?/", "line\nbreak\r\n", "👋🏽 Olá ñ ÿ", "\u2028 \x00"]
)
def test_any_text_survives_the_form(body: str) -> None:
    assert form(outbound(body))["Body"] == body


@pytest.mark.parametrize(
    ("validity", "seconds"),
    [
        (timedelta(hours=1), "3600"),
        (timedelta(seconds=90.9), "90"),
        (timedelta(hours=10), "36000"),
        (timedelta(days=3), "36000"),
        (timedelta(milliseconds=20), "1"),
        (timedelta(seconds=-5), "1"),
        (None, None),
    ],
)
def test_the_validity_period_is_kept_in_range(
    validity: timedelta | None, seconds: str | None
) -> None:
    assert form(outbound(validity=validity)).get("ValidityPeriod") == seconds


def test_an_account_name_cannot_change_the_path() -> None:
    request = TWILIO.request(account("twilio", username="../x?y#z"), outbound())
    assert request.url.raw_path == b"/2010-04-01/Accounts/..%2Fx%3Fy%23z/Messages.json"


def test_what_twilio_is() -> None:
    assert set(TWILIO.abilities) == {Channel.SMS, Channel.MMS}
    assert TWILIO.abilities[Channel.SMS].max_body == 1600


@pytest.mark.skipif(SPEC is None, reason="Twilio's API description is not beside the repository")
@pytest.mark.parametrize("validity", [None, timedelta(hours=1), timedelta(days=9)])
def test_the_form_fits_twilios_own_description(validity: timedelta | None) -> None:
    path = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
    assert SPEC is not None
    operation = json.loads(SPEC.read_text())["paths"][path]["post"]
    schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    fields: dict[str, Any] = dict(form(outbound(validity=validity)))
    if "ValidityPeriod" in fields:
        fields["ValidityPeriod"] = int(fields["ValidityPeriod"])
    assert fields.keys() <= schema["properties"].keys()
    Draft202012Validator(schema).validate(fields)
    with pytest.raises(Exception, match="'To' is a required property"):
        Draft202012Validator(schema).validate({"From": FROM})

"""Twilio's Lookup: where it is asked, and what its replies say of a line."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from messaging.domain.compliance.facts import LineType
from messaging.providers import get
from tests.providers.conformance import SECRET, account

TWILIO = get("twilio")


def asked(base_url: str) -> httpx.Request:
    assert TWILIO.line_lookup is not None
    return TWILIO.line_lookup(account("twilio", base_url=base_url), "+12025550123")


def answered(reply: dict[str, Any], status: int = 200) -> LineType | None:
    assert TWILIO.line is not None
    return TWILIO.line(httpx.Response(status, json=reply))


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://api.twilio.com", "https://lookups.twilio.com"),
        ("https://api.twilio.com/", "https://lookups.twilio.com"),
        ("https://api.dublin.ie1.twilio.com", "https://lookups.dublin.ie1.twilio.com"),
        ("http://127.0.0.1:4010", "http://127.0.0.1:4010"),
        ("https://api.example.com:8443/twilio", "https://api.example.com:8443/twilio"),
        ("https://api.twilio.com.example.com", "https://api.twilio.com.example.com"),
    ],
)
def test_the_lookup_goes_to_twilios_own_host_for_it_or_to_the_accounts(
    base_url: str, url: str
) -> None:
    request = asked(base_url)
    wanted = f"{url}/v2/PhoneNumbers/%2B12025550123?Fields=line_type_intelligence"
    assert (request.method, str(request.url)) == ("GET", wanted)
    assert request.headers["host"] == httpx.URL(url).netloc.decode()


def test_the_lookup_carries_the_accounts_credentials_and_shows_none() -> None:
    request = asked("https://api.twilio.com")
    basic = httpx.BasicAuth("AC" + "1" * 32, SECRET)
    expected = next(basic.auth_flow(httpx.Request("GET", "https://x")))
    assert request.headers["authorization"] == expected.headers["authorization"]
    assert SECRET not in repr(request)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("mobile", LineType.MOBILE),
        ("landline", LineType.LANDLINE),
        ("fixedVoip", LineType.VOIP),
        ("nonFixedVoip", LineType.VOIP),
        ("tollFree", LineType.UNKNOWN),
        ("pager", LineType.UNKNOWN),
        ("something new", LineType.UNKNOWN),
        (None, LineType.UNKNOWN),
        (7, LineType.UNKNOWN),
    ],
)
def test_a_reply_says_what_kind_of_line_it_is(kind: object, line: LineType) -> None:
    package = {"type": kind, "carrier_name": "Anyone", "error_code": None}
    assert answered({"valid": True, "line_type_intelligence": package}) is line


def test_a_number_twilio_does_not_know_is_an_answer() -> None:
    assert answered({"valid": False, "line_type_intelligence": None}) is LineType.UNKNOWN


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (401, {"code": 20003, "message": "Authenticate", "status": 401}),
        (429, {"code": 20429, "message": "Too Many Requests", "status": 429}),
        (500, {}),
        (503, {"line_type_intelligence": {"type": "mobile", "error_code": None}}),
        (200, {}),
        (200, {"valid": True}),
        (200, {"line_type_intelligence": "mobile"}),
        (200, {"line_type_intelligence": {"type": None, "error_code": 60600}}),
    ],
)
def test_what_is_no_answer_says_nothing(status: int, reply: dict[str, Any]) -> None:
    assert answered(reply, status) is None


def test_a_reply_that_is_not_json_says_nothing() -> None:
    assert TWILIO.line is not None
    assert TWILIO.line(httpx.Response(200, content=b"<html>")) is None

"""The look-up of numbers: read by the product's own adapter."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from messaging import providers
from messaging.domain.compliance.facts import LineType
from messaging.domain.message import ProviderAccount
from tests.sandbox.carrier import Sandbox

TWILIO = providers.get("twilio")


def ask(carrier: Sandbox, number: str, token: str | None = None) -> httpx.Response:
    account = ProviderAccount(
        id=UUID(int=1),
        tenant_id=UUID(int=2),
        provider="twilio",
        name="main",
        base_url=carrier.url,
        username=carrier.account,
        secret=token or carrier.token,
        max_in_flight=10,
        absence_proof=timedelta(minutes=10),
    )
    assert TWILIO.line_lookup is not None
    return carrier.http.send(TWILIO.line_lookup(account, number))


@pytest.mark.parametrize(
    ("number", "line"),
    [
        ("+12025550123", LineType.MOBILE),
        ("+12025550196", LineType.LANDLINE),
        ("+5511955550196", LineType.LANDLINE),
        ("+12025550197", LineType.VOIP),
        ("+12025550198", LineType.UNKNOWN),
        ("+12025550199", None),
        ("+1", LineType.UNKNOWN),
    ],
)
def test_the_last_digits_say_what_kind_of_line_it_is(
    carrier: Sandbox, number: str, line: LineType | None
) -> None:
    assert TWILIO.line is not None
    assert TWILIO.line(ask(carrier, number)) is line


def test_without_its_credentials_nobody_is_answered(carrier: Sandbox) -> None:
    assert ask(carrier, "+12025550123", token="wrong").status_code == 401
    assert carrier.http.get("/v2/PhoneNumbers/+12025550123").status_code == 401


def test_the_line_is_only_told_when_it_is_asked_for(carrier: Sandbox) -> None:
    auth = (carrier.account, carrier.token)
    plain = carrier.http.get("/v2/PhoneNumbers/+12025550196", auth=auth).json()
    assert (plain["valid"], plain["line_type_intelligence"]) == (True, None)
    assert carrier.http.post("/v2/PhoneNumbers/+12025550196", auth=auth).status_code == 405
    assert carrier.http.get("/v2/PhoneNumbers/+12025550196/x", auth=auth).status_code == 404

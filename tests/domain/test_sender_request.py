"""What sort of identity is an address, and what can be said of it?"""

from __future__ import annotations

import pytest

from messaging.domain.addresses import AddressProblem
from messaging.domain.message import Capability, Channel
from messaging.domain.registration import SenderKind
from messaging.domain.sender_request import (
    Identity,
    SenderPatch,
    SenderRequest,
    identify,
    problems_with,
    usual_mps,
)
from messaging.domain.warm_up import DEFAULT_RAMP

SMS, EMAIL, DM = Channel.SMS, Channel.EMAIL, Channel.INSTAGRAM_DM
ACCOUNT = "17841400000000000"


@pytest.mark.parametrize(
    ("raw", "channel", "address", "kind", "on"),
    [
        ("+12025550100", None, "+12025550100", SenderKind.LONG_CODE, SMS),
        ("(202) 555-0100", None, "+12025550100", SenderKind.LONG_CODE, SMS),
        ("+18885550100", None, "+18885550100", SenderKind.TOLL_FREE, SMS),
        ("+5511955550150", None, "+5511955550150", SenderKind.INTERNATIONAL, SMS),
        ("123", None, "123", SenderKind.SHORT_CODE, SMS),
        (" 12345678 ", SMS, "12345678", SenderKind.SHORT_CODE, SMS),
        ("Acme", None, "Acme", SenderKind.ALPHANUMERIC, SMS),
        ("A&B - 4711x", SMS, "A&B - 4711x", SenderKind.ALPHANUMERIC, SMS),
        ("News@Example.COM", None, "news@example.com", SenderKind.EMAIL, EMAIL),
        (ACCOUNT, DM, ACCOUNT, SenderKind.INSTAGRAM, DM),
        ("@Acme.Shop", None, "acme.shop", SenderKind.INSTAGRAM, DM),
    ],
)
def test_an_address_says_what_it_is(
    raw: str, channel: Channel | None, address: str, kind: SenderKind, on: Channel
) -> None:
    assert identify(raw, channel, "US") == Identity(on, address, kind)


@pytest.mark.parametrize(
    ("raw", "channel", "code"),
    [
        ("12", None, "not_a_short_code"),
        ("Twelve chars", None, "not_a_name"),
        ("Café", None, "not_a_name"),
        ("-Acme", None, "not_a_name"),
        ("+1202555010", None, "not_possible"),
        ("", SMS, "not_a_number"),
        ("a@b", None, "not_an_email"),
        ("a b@example.com", None, "not_an_email"),
        ("+12025550100", EMAIL, "not_an_email"),
        ("1234", DM, "not_an_instagram_account"),
        ("no spaces", DM, "not_an_instagram_account"),
        ("@" + "x" * 31, None, "not_an_instagram_account"),
    ],
)
def test_what_is_no_address_says_why(raw: str, channel: Channel | None, code: str) -> None:
    found = identify(raw, channel, "US")
    assert isinstance(found, AddressProblem)
    assert found.code == code


def test_rates_are_as_usual_for_the_kind() -> None:
    assert {kind: usual_mps(kind) for kind in SenderKind} == dict.fromkeys(SenderKind, 1.0) | {
        SenderKind.TOLL_FREE: 3.0,
        SenderKind.SHORT_CODE: 100.0,
        SenderKind.EMAIL: 10.0,
        SenderKind.INSTAGRAM: 100.0,
    }


@pytest.mark.parametrize(
    ("channel", "kind", "said", "pointer"),
    [
        (SMS, SenderKind.LONG_CODE, {"capabilities": ["email"]}, "#/capabilities"),
        (SMS, SenderKind.ALPHANUMERIC, {"capabilities": ["mms"]}, "#/capabilities"),
        (EMAIL, SenderKind.EMAIL, {"capabilities": ["email", "sms"]}, "#/capabilities"),
        (DM, SenderKind.INSTAGRAM, {"capabilities": ["flash"]}, "#/capabilities"),
        (SMS, SenderKind.LONG_CODE, {"country": "XX"}, "#/country"),
        (
            SMS,
            SenderKind.LONG_CODE,
            {"provider_verification_id": "HH1"},
            "#/provider_verification_id",
        ),
    ],
)
def test_what_cannot_be_true_of_a_sender_is_told(
    channel: Channel, kind: SenderKind, said: dict[str, object], pointer: str
) -> None:
    (found,) = problems_with(SenderPatch.model_validate(said), channel, kind, "#")
    assert found.pointer == pointer


def test_whatever_its_kind_can_is_no_problem() -> None:
    able = [Capability.SMS, Capability.MMS, Capability.FLASH]
    asked = SenderRequest.model_validate({"address": "x", "capabilities": able, "country": "US"})
    assert problems_with(asked, SMS, SenderKind.LONG_CODE, "#") == []


def test_a_ramp_has_levels() -> None:
    assert SenderPatch.model_validate({"ramp": "default"}).ramp == list(DEFAULT_RAMP)
    assert SenderPatch(ramp=[5, 10]).ramp == [5, 10]

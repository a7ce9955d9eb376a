"""Twilio's registrations: where each kind is asked about, and what the replies say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    RegistrationKind,
    RegistrationState,
    Verification,
)
from messaging.providers import get
from messaging.providers.base import Registration, RegistrationReport
from tests.providers.conformance import SECRET, account

TWILIO = get("twilio")
BRAND, CAMPAIGN, TOLL_FREE = RegistrationKind
SID = "0123456789abcdefABCDEF0123456789"
SERVICE = f"MG{SID}"


def asked(
    kind: RegistrationKind,
    reference: str,
    service: str | None = None,
    base_url: str = "https://api.twilio.com",
) -> httpx.Request | None:
    assert TWILIO.registration_lookup is not None
    registration = Registration(kind, reference, service)
    return TWILIO.registration_lookup(account("twilio", base_url=base_url), registration)


def answered(
    kind: RegistrationKind, reply: dict[str, Any], status: int = 200
) -> RegistrationReport | None:
    assert TWILIO.registration is not None
    return TWILIO.registration(httpx.Response(status, json=reply), kind)


@pytest.mark.parametrize(
    ("kind", "reference", "service", "path"),
    [
        (BRAND, f"BN{SID}", None, f"/v1/a2p/BrandRegistrations/BN{SID}"),
        (CAMPAIGN, f"QE{SID}", SERVICE, f"/v1/Services/MG{SID}/Compliance/Usa2p/QE{SID}"),
        (TOLL_FREE, f"HH{SID}", None, f"/v1/Tollfree/Verifications/HH{SID}"),
    ],
)
@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://api.twilio.com", "https://messaging.twilio.com"),
        ("https://api.dublin.ie1.twilio.com/", "https://messaging.dublin.ie1.twilio.com"),
        ("http://127.0.0.1:4010", "http://127.0.0.1:4010"),
        ("https://api.twilio.com.example.com", "https://api.twilio.com.example.com"),
    ],
)
def test_each_kind_is_asked_about_at_its_own_address(
    kind: RegistrationKind,
    reference: str,
    service: str | None,
    path: str,
    base_url: str,
    host: str,
) -> None:
    request = asked(kind, reference, service, base_url)
    assert request is not None
    assert (request.method, str(request.url)) == ("GET", host + path)
    assert request.headers["host"] == httpx.URL(host).netloc.decode()
    basic = httpx.BasicAuth("AC" + "1" * 32, SECRET)
    expected = next(basic.auth_flow(httpx.Request("GET", "https://x")))
    assert request.headers["authorization"] == expected.headers["authorization"]
    assert SECRET not in repr(request)


@pytest.mark.parametrize(
    ("kind", "reference", "service"),
    [
        (BRAND, "BN1", None),
        (BRAND, f"QE{SID}", None),
        (BRAND, f"BN{SID}/../x", None),
        (BRAND, f"BN{SID}\n", None),
        (CAMPAIGN, f"QE{SID}", None),
        (CAMPAIGN, f"QE{SID}", "MG1"),
        (CAMPAIGN, f"QE{SID}", f"BN{SID}"),
        (CAMPAIGN, f"CM{SID}", SERVICE),
        (CAMPAIGN, "CABCDEF", SERVICE),
        (TOLL_FREE, f"BN{SID}", None),
        (TOLL_FREE, "", None),
    ],
)
def test_what_is_none_of_twilios_by_its_name_is_not_asked_about(
    kind: RegistrationKind, reference: str, service: str | None
) -> None:
    assert asked(kind, reference, service) is None


@pytest.mark.parametrize(
    ("kind", "field", "word", "state"),
    [
        (BRAND, "status", "PENDING", BrandStatus.PENDING),
        (BRAND, "status", "IN_REVIEW", BrandStatus.PENDING),
        (BRAND, "status", "APPROVED", BrandStatus.ACTIVE),
        (BRAND, "status", "FAILED", BrandStatus.FAILED),
        (BRAND, "status", "SUSPENDED", BrandStatus.SUSPENDED),
        (BRAND, "status", "DELETION_PENDING", BrandStatus.SUSPENDED),
        (BRAND, "status", "DELETION_FAILED", BrandStatus.SUSPENDED),
        (BRAND, "status", "DELETED", BrandStatus.SUSPENDED),
        (CAMPAIGN, "campaign_status", "PENDING", CampaignStatus.PENDING),
        (CAMPAIGN, "campaign_status", "IN_PROGRESS", CampaignStatus.PENDING),
        (CAMPAIGN, "campaign_status", "VERIFIED", CampaignStatus.VERIFIED),
        (CAMPAIGN, "campaign_status", "FAILED", CampaignStatus.FAILED),
        (CAMPAIGN, "campaign_status", "SUSPENDED", CampaignStatus.SUSPENDED),
        (TOLL_FREE, "status", "PENDING_REVIEW", Verification.PENDING),
        (TOLL_FREE, "status", "IN_REVIEW", Verification.PENDING),
        (TOLL_FREE, "status", "TWILIO_APPROVED", Verification.VERIFIED),
        (TOLL_FREE, "status", "TWILIO_REJECTED", Verification.REJECTED),
        # Another kind's word is none of this one's.
        (BRAND, "status", "VERIFIED", None),
        (CAMPAIGN, "campaign_status", "APPROVED", None),
        (TOLL_FREE, "status", "APPROVED", None),
        (BRAND, "status", "approved", None),
        (BRAND, "status", "", None),
    ],
)
def test_every_word_has_its_state_and_another_none(
    kind: RegistrationKind, field: str, word: str, state: RegistrationState | None
) -> None:
    report = answered(kind, {"sid": "x", field: word, "date_updated": None})
    assert report == RegistrationReport(state, None)
    assert report is not None
    assert type(report.state) is type(state)


@pytest.mark.parametrize(
    ("date", "since"),
    [
        ("2026-03-01T14:48:52Z", datetime(2026, 3, 1, 14, 48, 52, tzinfo=UTC)),
        ("2026-03-01T14:48:52+02:00", datetime(2026, 3, 1, 12, 48, 52, tzinfo=UTC)),
        ("2026-03-01T14:48:52", datetime(2026, 3, 1, 14, 48, 52, tzinfo=UTC)),
        ("Sun, 01 Mar 2026 14:48:52 +0000", None),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_it_says_when_it_last_changed_if_it_says(date: object, since: datetime | None) -> None:
    report = answered(BRAND, {"status": "APPROVED", "date_updated": date})
    assert report == RegistrationReport(BrandStatus.ACTIVE, since)


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (401, {"code": 20003, "message": "Authenticate", "status": 401}),
        (404, {"code": 20404, "message": "not found", "status": 404}),
        (404, {"status": "APPROVED"}),
        (429, {"code": 20429, "status": 429}),
        (503, {"status": "APPROVED"}),
        (200, {}),
        (200, {"status": None}),
        (200, {"status": ["APPROVED"]}),
        (200, {"campaign_status": "VERIFIED"}),
    ],
)
def test_what_is_no_answer_says_nothing(status: int, reply: dict[str, Any]) -> None:
    assert answered(BRAND, reply, status) is None


@pytest.mark.parametrize("content", [b"<html>", b"", b"[]", b"\xff"])
def test_a_reply_that_is_no_object_says_nothing(content: bytes) -> None:
    assert TWILIO.registration is not None
    assert TWILIO.registration(httpx.Response(200, content=content), TOLL_FREE) is None

"""Registrations at the carrier: put by a test, read by the product's own adapter."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from messaging import providers
from messaging.domain.message import ProviderAccount
from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    RegistrationKind,
    RegistrationState,
    Verification,
)
from messaging.providers.base import Registration, RegistrationReport
from tests.sandbox.carrier import Sandbox, Start

TWILIO = providers.get("twilio")
BRAND, CAMPAIGN, TOLL_FREE = (prefix + "a1" * 16 for prefix in ("BN", "QE", "HH"))
SERVICE = "MG" + "b2" * 16
OTHER = "AC" + "9" * 32


@pytest.fixture
def registry(shared: Sandbox) -> Iterator[Sandbox]:
    yield shared
    shared.http.delete("/sandbox/registrations").raise_for_status()


def put(sandbox: Sandbox, sid: str, status: str, **fields: str) -> httpx.Response:
    return sandbox.http.post("/sandbox/registrations", json={"sid": sid, "status": status} | fields)


def ask(sandbox: Sandbox, asked: Registration, **credentials: str) -> httpx.Response:
    account = ProviderAccount(
        id=UUID(int=1),
        tenant_id=UUID(int=2),
        provider="twilio",
        name="main",
        base_url=sandbox.url,
        username=credentials.get("account", sandbox.account),
        secret=credentials.get("token", sandbox.token),
        max_in_flight=10,
        absence_proof=timedelta(minutes=10),
    )
    assert TWILIO.registration_lookup is not None
    request = TWILIO.registration_lookup(account, asked)
    assert request is not None
    return sandbox.http.send(request)


def read(sandbox: Sandbox, asked: Registration) -> RegistrationReport | None:
    assert TWILIO.registration is not None
    return TWILIO.registration(ask(sandbox, asked), asked.kind)


ASKED = {
    RegistrationKind.BRAND: Registration(RegistrationKind.BRAND, BRAND),
    RegistrationKind.CAMPAIGN: Registration(RegistrationKind.CAMPAIGN, CAMPAIGN, SERVICE),
    RegistrationKind.TOLL_FREE: Registration(RegistrationKind.TOLL_FREE, TOLL_FREE),
}


@pytest.mark.parametrize(
    ("kind", "word", "state"),
    [
        (RegistrationKind.BRAND, "IN_REVIEW", BrandStatus.PENDING),
        (RegistrationKind.BRAND, "APPROVED", BrandStatus.ACTIVE),
        (RegistrationKind.CAMPAIGN, "VERIFIED", CampaignStatus.VERIFIED),
        (RegistrationKind.CAMPAIGN, "SUSPENDED", CampaignStatus.SUSPENDED),
        (RegistrationKind.TOLL_FREE, "TWILIO_REJECTED", Verification.REJECTED),
        (RegistrationKind.TOLL_FREE, "SOMETHING_NEW", None),
    ],
)
def test_a_registration_stands_where_it_was_put(
    registry: Sandbox, kind: RegistrationKind, word: str, state: RegistrationState | None
) -> None:
    asked = ASKED[kind]
    assert read(registry, asked) is None
    before = datetime.fromtimestamp(int(time.time()), UTC)
    service = {"service": asked.service} if asked.service else {}
    put(registry, asked.reference, "PENDING", **service).raise_for_status()
    put(registry, asked.reference, word, **service).raise_for_status()
    report = read(registry, asked)
    assert report is not None
    assert report.state == state
    assert report.since is not None
    assert before <= report.since <= before + timedelta(seconds=30)
    (shown,) = registry.get("/sandbox/registrations")
    assert shown == ask(registry, asked).json()


def test_it_is_shown_to_its_account_alone_and_under_its_own_service(start: Start) -> None:
    sandbox = start("--account", f"AC{'0' * 31}1:posthorn-sandbox-token", "--account", f"{OTHER}:t")
    put(sandbox, CAMPAIGN, "VERIFIED", service=SERVICE).raise_for_status()
    asked = ASKED[RegistrationKind.CAMPAIGN]
    assert ask(sandbox, asked).status_code == 200
    assert ask(sandbox, asked, token="wrong").status_code == 401
    assert ask(sandbox, asked, account=OTHER, token="t").status_code == 404
    elsewhere = Registration(RegistrationKind.CAMPAIGN, CAMPAIGN, "MG" + "0" * 32)
    assert ask(sandbox, elsewhere).status_code == 404
    where = ask(sandbox, asked).request.url.path
    auth = (sandbox.account, sandbox.token)
    assert sandbox.http.post(where, auth=auth).status_code == 405
    assert sandbox.http.get("/v1/a2p/BrandRegistrations/", auth=auth).status_code == 404
    sandbox.http.delete("/sandbox/registrations").raise_for_status()
    assert ask(sandbox, asked).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"sid": BRAND}, 400),
        ({"status": "APPROVED"}, 400),
        ({"sid": "BN1", "status": "APPROVED"}, 400),
        ({"sid": BRAND, "status": "approved"}, 400),
        ({"sid": BRAND, "status": 7}, 400),
        ({"sid": BRAND, "status": "APPROVED", "service": SERVICE}, 400),
        ({"sid": CAMPAIGN, "status": "VERIFIED"}, 400),
        ({"sid": CAMPAIGN, "status": "VERIFIED", "service": "MG1"}, 400),
        ({"sid": BRAND, "status": "APPROVED", "colour": "red"}, 400),
        ({"sid": BRAND, "status": "APPROVED", "account": OTHER}, 404),
        ([], 400),
    ],
)
def test_what_is_no_registration_is_refused(registry: Sandbox, body: Any, status: int) -> None:
    answer = registry.http.post("/sandbox/registrations", json=body)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert registry.get("/sandbox/registrations") == []

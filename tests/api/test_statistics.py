"""A campaign's statistics count its business, and say what they leave out."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest
import sqlalchemy as sa

from messaging.domain.lifecycle import Status
from messaging.domain.message import Traffic
from messaging.domain.traffic import NO_BUSINESS, counted_under, shown
from messaging.runtime import Runtime
from tests.api.conftest import Caller

CAMPAIGN = "spring/2026"


def send(http: httpx.Client, **fields: object) -> str:
    message = {"to": "+12025550123", "body": "Hello", "campaign": CAMPAIGN, **fields}
    answer = http.post("/v1/messages", json=message)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def became(rt: Runtime, message_id: str, **values: object) -> None:
    """As dispatch and receipts would leave it; there are no workers here."""
    sets = ", ".join(f"{name} = :{name}" for name in values)
    with rt.engine.begin() as db:
        db.execute(
            sa.text(f"UPDATE messages SET {sets} WHERE id = :id"), {"id": message_id} | values
        )


def statistics(http: httpx.Client, campaign: str = CAMPAIGN) -> dict[str, Any]:
    answer = http.get(f"/v1/campaigns/{quote(campaign, safe='')}/statistics")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["campaign"] == campaign
    assert found["total"] == sum(found["by_status"].values())
    return found


def some(counts: dict[str, int]) -> dict[str, int]:
    return {name: n for name, n in counts.items() if n}


def test_only_business_is_counted_and_the_rest_stands_apart(
    rt: Runtime, http: httpx.Client
) -> None:
    for _ in range(2):
        became(rt, send(http), status="delivered", provider_message_id="SM1")
    became(rt, send(http), status="failed", provider_message_id="SM2")
    send(http)
    never = send(http)
    became(rt, never, status="failed")
    warmed = send(http)
    became(rt, warmed, is_warmup=True, status="delivered", provider_message_id="SM3")
    for traffic in ("Warmup", "Test", "Test", "SystemInternal"):
        became(rt, send(http, traffic=traffic), is_warmup=True)
    send(http, campaign="autumn")
    found = statistics(http)
    assert some(found["by_status"]) == {"delivered": 2, "failed": 1, "queued": 1}
    assert set(found["by_status"]) == {status.value for status in Status}
    assert found["excluded"] == {
        "Warmup": 1,
        "Test": 2,
        "SystemInternal": 1,
        "FailedAttempt": 1,
        "is_warmup": 1,
    }
    assert http.get(f"/v1/messages/{never}").json()["traffic"] == "FailedAttempt"
    assert http.get(f"/v1/messages/{warmed}").json()["is_warmup"] is True


def test_a_campaign_nobody_named_and_another_tenants_are_empty(
    http: httpx.Client, address: str, stranger: Caller
) -> None:
    send(http)
    assert statistics(http, "never heard of it")["total"] == 0
    with httpx.Client(base_url=address, headers=stranger.headers) as foreign:
        assert statistics(foreign)["total"] == 0


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("traffic", [t for t in Traffic if t is not Traffic.FAILED_ATTEMPT])
@pytest.mark.parametrize("taken", [True, False])
def test_every_message_is_shown_as_one_kind_and_counted_once(
    status: Status, traffic: Traffic, taken: bool
) -> None:
    told = shown(status, traffic, was_taken=taken)
    assert (told is Traffic.FAILED_ATTEMPT) == (status is Status.FAILED and not taken)
    apart = counted_under(told, is_warmup=False)
    assert (apart is None) == (told is Traffic.REAL_LEAD)
    assert counted_under(told, is_warmup=True) in NO_BUSINESS

"""The unified document's messages to more people than one transaction keeps: a campaign that begins by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from messaging import access, crowds, expansion
from messaging.access import Asked
from messaging.domain import addresses
from messaging.domain.request import MAX_LIST
from messaging.domain.scopes import KeyKind
from messaging.runtime import Runtime
from tests.api.conftest import Caller
from tests.api.facades.test_unified_bulk import counts
from tests.api.facades.unified_document import PATH

MANY = MAX_LIST + 3
PLACEHOLDER = "Nobody@example.com"
ODD = ("shares an address", "has none", "has none either", "has the placeholder's")
_PUT = sa.text("""
WITH v AS (
  SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:refs AS text[]), CAST(:emails AS text[]),
                       CAST(:keys AS bytea[])) AS v(id, ref, email, key)
), made AS (
  INSERT INTO contacts (id, tenant_id, ref, assignee, agent) SELECT id, :tenant, ref, 'team', 'Ann' FROM v
)
INSERT INTO contact_addresses (contact_id, channel, address, recipient_key, tenant_id)
SELECT id, 'email', email, key, :tenant FROM v WHERE email <> ''
""")


@pytest.fixture(autouse=True)
def crowd(rt: Runtime, caller: Caller, http: httpx.Client) -> None:
    """So many contacts of one team that are reached by e-mail, and four that are not, or not twice."""
    made = http.post("/v1/senders", json={"address": "news@example.com", "is_default": True})
    assert made.status_code == 201, made.text
    rt._directory.clear()
    emails = [f"p{n}@example.com" for n in range(MANY)]
    emails += ["p0@example.com", "", "", PLACEHOLDER.lower()]
    refs = [*(f"lead-{n}" for n in range(MANY)), *ODD]
    keys = [addresses.key(rt.settings.pepper, "email", one) for one in emails]
    values = {"ids": [rt.new_id() for _ in refs], "refs": refs, "emails": emails, "keys": keys}
    with rt.engine.begin() as db:
        db.execute(_PUT, values | {"tenant": caller.tenant.id})


@pytest.fixture
def unified(address: str, caller: Caller) -> Iterator[httpx.Client]:
    headers = {**caller.headers, "Content-Type": "application/json"}
    with httpx.Client(base_url=f"{address}/unified", timeout=60, headers=headers) as client:
        yield client


def team(**data: Any) -> dict[str, Any]:
    return {
        "bulk_settings": {"assignees": ["team"]},
        "message_data": {
            "recipient": PLACEHOLDER,
            "subject": "News for {{first_name}}",
            "content": "Braces {{stay}}",
            "sender_name": "Acme",
            "metadata": {"sent_by": "a test"},
            **data,
        },
        "message_type": "TRANSACTIONAL",
        "priority": "HIGH",
    }


def work(rt: Runtime, campaign_id: str) -> None:
    """The clock rings until everybody has their message, or has none for good."""
    done = sa.text(
        "SELECT snapshot_at IS NOT NULL AND expanded_to >= targets FROM campaigns WHERE id = :id"
    )
    while True:
        expansion.run(rt)
        with rt.engine.connect() as db:
            if db.execute(done, {"id": UUID(campaign_id)}).scalar():
                return


def campaigns(http: httpx.Client) -> list[Any]:
    found: list[Any] = http.get("/v1/campaigns").json()["data"]
    return found


def test_its_counts_are_honest_and_stay_so(
    rt: Runtime, http: httpx.Client, unified: httpx.Client
) -> None:
    key = {"Idempotency-Key": "crowd"}
    answer = unified.post(PATH, json=team(), headers=key)
    assert counts(answer) == (MANY + 3, MANY, 3, 99.97)
    (campaign,) = campaigns(http)
    id_ = campaign["id"]
    assert (id_, campaign["name"]) == (answer.json()["campaign_id"], f"bulk {id_}")
    assert unified.post(PATH, json=team(), headers=key).json() == answer.json()
    work(rt, id_)
    assert unified.post(PATH, json=team(), headers=key).json() == answer.json()
    shown = http.get(f"/v1/campaigns/{id_}").json()
    skipped = http.get(f"/v1/campaigns/{id_}/recipients?state=skipped").json()["data"]
    assert sorted(one["reason"] for one in skipped) == ["no_address", "no_address", "placeholder"]
    assert shown["state"] == "running"
    (message,) = http.post(
        "/v1/messages/search", json={"to": "p7@example.com", "channel": "email"}
    ).json()["data"]
    expected = {
        "subject": "News for {{first_name}}", "body": "Braces {{stay}}", "from_name": "Acme",
        "category": "TRANSACTIONAL", "priority": "HIGH", "lead": "lead-7", "campaign": f"bulk {id_}",
        "metadata": {"sent_by": "a test"}, "status": "queued",
    }  # fmt: skip
    assert expected.items() <= message.items()
    # A repetition made nothing, and the placeholder's address was left alone.
    assert len(campaigns(http)) == 1
    with rt.engine.connect() as db:
        to = sa.text("SELECT recipient FROM messages WHERE campaign = :name")
        found = list(db.execute(to, {"name": f"bulk {id_}"}).scalars())
    assert len(found) == len(set(found)) == MANY
    assert PLACEHOLDER.lower() not in found
    # Whoever is called off has not been written to.
    assert http.post(f"/v1/campaigns/{id_}/cancel").is_success
    expansion.run(rt, seconds=60)
    total, _, failed, _ = counts(unified.post(PATH, json=team(), headers=key))
    assert (total, failed) == (MANY + 3, MANY + 3)


def test_a_key_is_for_one_request(http: httpx.Client, unified: httpx.Client) -> None:
    key = {"Idempotency-Key": "crowd"}
    first = unified.post(PATH, json=team(), headers=key)
    other = unified.post(PATH, json=team(content="Other"), headers=key)
    assert (first.status_code, other.status_code) == (200, 422)
    assert other.json()["detail"][0]["type"] == "idempotency_key_reused"
    assert len(campaigns(http)) == 1


def test_the_same_request_later_is_the_same_although_fewer_would_be_meant(
    rt: Runtime, caller: Caller, http: httpx.Client, unified: httpx.Client
) -> None:
    key = {"Idempotency-Key": "crowd"}
    first = unified.post(PATH, json=team(), headers=key)
    with rt.engine.begin() as db:
        db.execute(sa.text("DELETE FROM contacts WHERE tenant_id = :t"), {"t": caller.tenant.id})
    assert unified.post(PATH, json=team(), headers=key).json() == first.json()
    assert len(campaigns(http)) == 1


def test_fifty_thousand_lead_ids_are_one_request(http: httpx.Client, unified: httpx.Client) -> None:
    refs = [f"lead-{n}" for n in range(MANY)]
    nobody = [f"{n:08}-0000-0000-0000-000000000000" for n in range(50_000 - MANY)]
    body = json.dumps(team() | {"bulk_settings": {"lead_ids": [*refs, *nobody]}})
    assert len(body) > 1 << 20
    total, sent, failed, _ = counts(unified.post(PATH, content=body))
    assert (total, sent, failed) == (50_000, MANY, 50_000 - MANY)
    (campaign,) = campaigns(http)
    shown = http.get(f"/v1/campaigns/{campaign['id']}/recipients?state=skipped&limit=1").json()
    assert shown["data"][0]["reason"] == "unknown_lead"


REFUSED: list[tuple[str, dict[str, Any], list[str]]] = [
    ("no subject", {"subject": None}, ["body", "message_data", "subject"]),
    ("no text", {"content": ""}, ["body", "message_data", "content"]),
    ("NUL", {"content": "a\0"}, ["body", "message_data", "content"]),
    ("too much metadata", {"metadata": {"a": "x" * 20_000}}, ["body", "message_data", "metadata"]),
    ("no sender of ours", {"sender": "x@example.com"}, ["body", "message_data", "sender"]),
]


@pytest.mark.parametrize(("data", "place"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_nobody_can_be_sent_begins_nothing(
    http: httpx.Client, unified: httpx.Client, data: dict[str, Any], place: list[str]
) -> None:
    answer = unified.post(PATH, json=team(**data))
    assert answer.status_code == 422, answer.text
    assert [item["loc"] for item in answer.json()["detail"]] == [place]
    assert campaigns(http) == []


def test_there_is_an_end_to_it(http: httpx.Client, unified: httpx.Client) -> None:
    with patch.object(crowds, "MOST", MANY + 2):
        answer = unified.post(PATH, json=team())
    (item,) = answer.json()["detail"]
    assert (answer.status_code, item["loc"], item["type"]) == (
        422,
        ["body", "bulk_settings"],
        "too_many",
    )
    assert campaigns(http) == []


def test_a_test_key_reaches_no_crowd(
    rt: Runtime, caller: Caller, http: httpx.Client, address: str
) -> None:
    key, _ = access.create(rt, caller.tenant, Asked("test", KeyKind.TEST))
    headers = {"X-API-Key": key}
    answer = httpx.post(f"{address}/unified{PATH}", json=team(), headers=headers, timeout=60)
    (item,) = answer.json()["detail"]
    assert (answer.status_code, item["type"]) == (422, "too_many")
    assert campaigns(http) == []

"""What the tests of the unified door share: a tenant on every channel, and what it is answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from messaging.domain import addresses
from messaging.runtime import Runtime
from messaging.store import tables as t
from tests.api.conftest import Caller
from tests.api.facades.unified_document import (
    PERSON,
    SENDER,
)

TEXT: dict[str, Any] = {"message_data": {"recipient": "+12025550123", "content": "Hi"}}


@pytest.fixture(autouse=True)
def on_every_channel(rt: Runtime, caller: Caller, http: httpx.Client) -> None:
    for one in ({"address": "news@example.com"}, {"address": "17841400000000000"}):
        channel = {} if "@" in one["address"] else {"channel": "instagram_dm"}
        made = http.post("/v1/senders", json={**one, **channel, "is_default": True})
        assert made.status_code == 201, made.text
    carries = {"capabilities": ["sms", "mms"]}
    assert http.patch(f"/v1/senders/{caller.sender.id}", json=carries).is_success
    rt._directory.clear()


@pytest.fixture
def unified(address: str, caller: Caller) -> Iterator[httpx.Client]:
    headers = {**caller.headers, "Content-Type": "application/json"}
    with httpx.Client(base_url=f"{address}/unified", timeout=40, headers=headers) as client:
        yield client


def become(rt: Runtime, caller: Caller, address: str) -> None:
    """Give a sender the id that the examples name; nobody else has it any more."""
    s = t.senders.c
    with rt.engine.begin() as db:
        db.execute(sa.delete(t.senders).where(s.id == SENDER))
        row = db.execute(
            sa.select(t.senders).where(s.tenant_id == caller.tenant.id, s.address == address)
        ).one()
        copy = {**row._mapping, "id": SENDER, "address": row.address[:-1] + "8"}
        db.execute(sa.insert(t.senders).values(copy))
    rt._directory.clear()


def hear(rt: Runtime, caller: Caller) -> None:
    """A person has just written to us on Instagram."""
    key = addresses.key(rt.settings.pepper, "instagram_dm", PERSON)
    row = {
        "id": rt.new_id(),
        "tenant_id": caller.tenant.id,
        "account_id": caller.account.id,
        "channel": "instagram_dm",
        "provider_message_id": f"mid.{rt.new_id()}",
        "recipient_key": key,
        "from_address": PERSON,
        "to_address": "17841400000000000",
        "body": "Hello",
        "keyword": "NONE",
        "at": rt.now(),
    }
    with rt.engine.begin() as db:
        db.execute(sa.insert(t.inbound_messages).values(row))


def queued(message_id: str, channel: str) -> dict[str, Any]:
    return {
        "success": True,
        "message_id": message_id,
        "channel_used": channel,
        "provider_used": None,
        "provider_message_id": None,
        "status": "QUEUED",
        "cost": None,
        "sent_at": None,
    }


def kept(http: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.get("/v1/messages").json()["data"]
    return found

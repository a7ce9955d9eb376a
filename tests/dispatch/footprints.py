"""What a person leaves behind at a tenant's, and what must not be found of them afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from messaging import erasure
from messaging.domain import addresses
from messaging.domain.compliance.facts import Basis, ConsentAction
from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import Category, Channel
from messaging.store import consents, number_facts
from messaging.store.consents import NewConsent
from messaging.store.erasures import Erasure
from messaging.store.messages import Move, move
from tests.carrier import accepted
from tests.dispatch.handset import Handset
from tests.world import RECIPIENT, World

SECRET = "the-word-nobody-may-find"
CANARY = (RECIPIENT[1:], RECIPIENT[2:], "(202) 555-0123", "202-555-0123", SECRET)


def sent(world: World, sid: str, **fields: Any) -> UUID:
    message_id = world.put_one(body=SECRET, **fields)
    world.carrier.answer = lambda _: accepted(sid)
    world.send()
    assert world.status(message_id) == "sent"
    return message_id


def report(
    world: World, sid: str, status: str, url: str | None = None, code: int | None = None
) -> None:
    """A receipt as it really comes: it repeats the number and more."""
    form = {"MessageSid": sid, "MessageStatus": status, "To": RECIPIENT, "Note": SECRET}
    world.post(urlencode(form | ({"ErrorCode": str(code)} if code else {})).encode(), url)


def agree(world: World, channel: Channel = Channel.SMS) -> None:
    key = addresses.key(world.rt.settings.pepper, channel.value, RECIPIENT)
    with world.rt.engine.begin() as db:
        consents.add(
            db,
            [
                NewConsent(
                    tenant_id=world.tenant.id,
                    channel=channel,
                    recipient_key=key,
                    category=Category.MARKETING,
                    action=ConsentAction.GRANT,
                    basis=Basis.EXPRESS_WRITTEN,
                    source="web form",
                    text_version="v1",
                    evidence={"form": {"phones": [RECIPIENT], "said": SECRET}},
                    at=world.rt.now(),
                )
            ],
        )


def a_life(world: World, prefix: str = "SM") -> list[UUID]:
    """Everything a person leaves behind, in every state; what is not sent comes last."""
    handset = Handset(world)
    agree(world)
    agree(world, Channel.MMS)
    handset.says(f"Who are you? {SECRET}", f"{prefix}in")
    named: dict[str, Any] = {
        "metadata": {"name": {"first": [SECRET]}},
        "postal_code": "20001",
        "time_zone": "America/New_York",
    }
    delivered = sent(world, f"{prefix}1", **named)
    report(world, f"{prefix}1", "delivered", world.callback(delivered, 1))
    under_way = sent(world, f"{prefix}2")
    report(world, f"{prefix}2", "sent")
    world.applied()
    later = world.rt.now() + timedelta(days=200)
    waiting = [
        world.put_one(body=SECRET, **named),
        world.put_one(Status.SCHEDULED, body=SECRET, scheduled_for=later),
        world.put_one(Status.DRAFT, body=SECRET),
        blocked(world),
    ]
    with world.rt.engine.begin() as db:
        number_facts.want(db, [(world.tenant.id, world.key(), waiting[0])])
    return [delivered, under_way, *waiting]


def blocked(world: World) -> UUID:
    message_id = world.put_one(body=SECRET)
    block = (Status.QUEUED, Event.BLOCKED_MISSING_CAMPAIGN, Status.BLOCKED_MISSING_CAMPAIGN)
    with world.rt.engine.begin() as db:
        move(db, [Move(message_id, 0, *block, reason="no_campaign")])
    return message_id


def erase(world: World) -> Erasure:
    return erasure.erase(world.rt, world.tenant, Channel.SMS, RECIPIENT)


def come_back(world: World) -> str:
    world.run("UPDATE erasures SET due_at = now()")
    return erasure.run(world.rt)


def hang(world: World) -> UUID:
    message_id = world.put_one(body=SECRET)
    world.carrier.answer = lambda _: None
    world.take()
    world.window.step(0)
    assert world.status(message_id) == "sending"
    return message_id

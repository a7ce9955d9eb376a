"""What a sender, a brand and a person may be asked in a day or a moment, through the whole dispatch."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from messaging.domain.message import Sender
from messaging.domain.warm_up import next_carrier_midnight
from tests.world import World

PEOPLE = [f"+1305555{n:04}" for n in range(100, 180)]
"""None of them near a sender of the world's."""


def senders_of(world: World, ids: list[UUID]) -> Counter[UUID | None]:
    return Counter(world.row(i)["sender_id"] for i in ids)


def to_each(world: World, people: list[str], **fields: Any) -> list[UUID]:
    return [world.put_one(recipient=to, **fields) for to in people]


@pytest.fixture
def limited(world: World) -> Sender:
    """A sender of the pool that may write to two people a day."""
    world.change("senders", world.sender.id, daily_recipients=2)
    return world.sender


def test_who_may_write_to_nobody_new_today_is_passed_over(world: World, limited: Sender) -> None:
    other = world.add_sender("+12025550198")
    ids = to_each(world, PEOPLE[:12])
    for _ in range(3):
        world.send()
        world.run("UPDATE ready SET due_at = now()")
    found = senders_of(world, ids)
    assert found[limited.id] <= 2
    assert found[other.id] == 12 - found[limited.id]
    assert found[None] == 0


def test_a_conversation_goes_on_whoever_else_was_met_today(world: World, limited: Sender) -> None:
    ids = to_each(world, PEOPLE[:2])
    world.send()
    assert senders_of(world, ids) == {limited.id: 2}
    again, stranger = world.put_one(recipient=PEOPLE[0]), world.put_one(recipient=PEOPLE[5])
    world.send()
    assert world.row(again)["selection_reason"] == "StickyConversation"
    assert world.status(again) == "sent"
    assert world.status(stranger) == "queued"
    world.run("UPDATE ready SET due_at = now()")
    world.send()  # by now it is known to be full, and there is nobody else
    row = world.row(stranger)
    assert (row["status"], row["scheduled_reason"]) == ("scheduled", "daily_limits")
    (kept,) = world.rows("SELECT count(*) AS n FROM sender_recipients")
    assert kept["n"] == 2


@pytest.mark.usefixtures("limited")
def test_whom_it_met_is_known_when_redis_has_forgotten(world: World) -> None:
    to_each(world, PEOPLE[:2])
    world.send()
    world.rt.redis.flushall()
    world.rt._full_until.clear()
    stranger = world.put_one(recipient=PEOPLE[5])
    world.send()
    assert world.status(stranger) == "queued"


def test_a_brands_day_is_kept_to_and_passes_at_midnight_in_california(world: World) -> None:
    """A tenth is left to others, and a third of what is sent counts: 14 x 0.9 / 0.35 = 36."""
    world.run("UPDATE brands SET segments_per_day = 14")
    world.forget_senders()
    ids = to_each(world, PEOPLE[:40])
    world.send()
    assert Counter(world.status(i) for i in ids) == {"sent": 36, "queued": 4}
    midnight = next_carrier_midnight(world.rt.now())
    assert all(abs(r["due_at"] - midnight) < timedelta(minutes=1) for r in world.ready())
    world.rt.redis.flushall()
    world.run("UPDATE ready SET due_at = now()")
    assert world.send().sent == 0


def test_one_person_is_not_written_to_twice_in_a_moment(world: World) -> None:
    world.run("""UPDATE tenants SET policy = '{"rates": {"recipient_spacing_seconds": 30}}'""")
    world.forget_senders()
    ids = [*to_each(world, [PEOPLE[0]] * 2), world.put_one(recipient=PEOPLE[1])]
    assert world.send().sent == 2
    (waits,) = world.ready()
    assert waits["message_id"] in ids[:2]
    wait = (waits["due_at"] - world.rt.now()).total_seconds()
    assert 25 < wait < 31


def test_a_lead_has_its_number_until_it_is_bound_to_another(world: World) -> None:
    world.add_sender("+12025550198")
    third = world.add_sender("+12025550197")
    world.run(
        """INSERT INTO bindings (id, tenant_id, kind, ref, sender_id)
           VALUES (gen_random_uuid(), :tenant, 'lead', 'lead-7', :sender)""",
        tenant=world.tenant.id,
        sender=third.id,
    )
    bound = world.put_one(recipient=PEOPLE[0], lead="lead-7")
    free = world.put_one(recipient=PEOPLE[1], lead="lead-8")
    world.send()
    row = world.row(bound)
    assert (row["sender_id"], row["selection_reason"]) == (third.id, "LeadAssigned")
    assert world.row(free)["selection_reason"] == "HealthyPool"


def test_a_daily_limit_that_is_raised_counts_within_a_minute(world: World, limited: Sender) -> None:
    ids = to_each(world, PEOPLE[:4])
    world.send()
    assert senders_of(world, ids)[limited.id] == 2
    world.change("senders", limited.id, daily_recipients=10)
    world.rt.ahead = timedelta(seconds=61)
    world.run("UPDATE ready SET due_at = now()")
    world.send()
    assert senders_of(world, ids)[limited.id] == 4

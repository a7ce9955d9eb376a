"""One tick: who is cordoned, who recovers, and who is let alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from messaging import telemetry
from messaging.domain.message import Sender
from messaging.domain.sender_health import SenderState
from messaging.store import sender_upkeep as store
from tests.dispatch.handset import Handset
from tests.dispatch.results import (
    BAD,
    DAY,
    GOOD,
    chosen,
    decided,
    happened,
    later,
    settle,
    state,
    states,
    tick,
)
from tests.world import World, at_once

OLD_FRIEND, STRANGER = "+12025550131", "+12025550132"


@pytest.fixture(autouse=True)
def _policy(world: World) -> None:
    telemetry.configure("error", json=True)
    settle(world)


@pytest.fixture
def other(world: World) -> Sender:
    """A second number, which nothing speaks for while the first is in use."""
    return world.add_sender("+13105550198", is_default=False)


def test_a_sender_that_goes_bad_is_cordoned_within_one_tick_and_recovers(
    world: World, other: Sender
) -> None:
    assert chosen(world, OLD_FRIEND) == ("LocalArea", world.sender.id)
    happened(world, world.sender, delivered=GOOD)
    tick(world)
    assert state(world, world.sender) == "active"
    happened(world, world.sender, undelivered=BAD)
    assert ", 1 changed," in tick(world)
    (row,) = world.rows("SELECT * FROM senders WHERE id = :id", id=world.sender.id)
    assert (row["state"], row["state_reason"][:16]) == ("cordoned", "not delivered 50")
    assert row["cordoned_until"] - row["measured_since"] == timedelta(hours=2)
    # new traffic moves, the conversation stays, and the process that judged knows it at once
    reason, sender_id = chosen(world, STRANGER)
    assert (reason, sender_id) == ("HealthyPool", other.id)
    assert chosen(world, OLD_FRIEND) == ("StickyConversation", world.sender.id)
    tick(world)
    assert state(world, world.sender) == "cordoned"
    later(world, timedelta(hours=2, minutes=1))
    tick(world)
    assert state(world, world.sender) == "amber"
    later(world, timedelta(minutes=2))
    happened(world, world.sender, delivered=GOOD)
    tick(world)
    assert states(world, world.sender) == ["cordoned", "amber", "active"]
    assert (state(world, other), states(world, other)) == ("active", [])


def test_conversations_move_when_the_grace_is_over(world: World, other: Sender) -> None:
    settle(world, cordon_hours=100.0, grace_hours=1.0)
    assert chosen(world, OLD_FRIEND)[1] == world.sender.id
    happened(world, world.sender, undelivered=BAD)
    tick(world)
    assert chosen(world, OLD_FRIEND) == ("StickyConversation", world.sender.id)
    later(world, timedelta(hours=1, minutes=1))
    assert chosen(world, OLD_FRIEND)[1] == other.id
    assert chosen(world, OLD_FRIEND) == ("StickyConversation", other.id)


def test_few_results_say_nothing(world: World) -> None:
    happened(world, world.sender, undelivered=19)
    tick(world)
    assert state(world, world.sender) == "active"


def test_a_sender_is_fresh_until_it_sends(world: World, other: Sender) -> None:
    for sender in (world.sender, other):
        world.change("senders", sender.id, state="fresh")
    tick(world)
    assert (state(world, world.sender), state(world, other)) == ("fresh", "fresh")
    chosen(world, OLD_FRIEND)
    tick(world)
    assert (state(world, world.sender), state(world, other)) == ("active", "fresh")


def test_opt_outs_count_against_a_number(world: World) -> None:
    happened(world, world.sender, delivered=100)
    happened(world, world.sender, sent=0, opted_out=12)
    tick(world)
    assert state(world, world.sender) == "cordoned"


def test_an_operators_cordon_stays_whatever_the_results(world: World) -> None:
    decided(world, SenderState.CORDONED)
    later(world, timedelta(minutes=2))
    for _ in range(3):
        happened(world, world.sender, delivered=GOOD)
        tick(world)
        later(world, 2 * DAY)
    assert states(world, world.sender) == ["cordoned"]
    decided(world, SenderState.ACTIVE)
    assert state(world, world.sender) == "active"


def test_a_retired_sender_is_not_judged(world: World) -> None:
    world.change("senders", world.sender.id, state="retired", retired_at=world.rt.now())
    happened(world, world.sender, undelivered=BAD)
    assert "judged 0 senders" in tick(world)
    assert state(world, world.sender) == "retired"


def test_results_under_a_tenants_own_policy(world: World) -> None:
    settle(world, minimum=1000)
    happened(world, world.sender, undelivered=999)
    tick(world)
    assert state(world, world.sender) == "active"


def test_a_policy_that_cannot_be_read_is_as_none(world: World) -> None:
    world.run('UPDATE tenants SET policy = \'{"sender_health": {"minimum": "many"}}\'')
    happened(world, world.sender, undelivered=99)
    tick(world)
    assert state(world, world.sender) == "active"
    happened(world, world.sender, undelivered=1)
    tick(world)
    assert state(world, world.sender) == "cordoned"


def test_one_tick_at_a_time(world: World) -> None:
    happened(world, world.sender, undelivered=BAD)
    with world.rt.engine.begin() as db:
        assert store.alone(db)
        assert tick(world) == "another tick is running"
    at_once(*[lambda: tick(world)] * 3)
    assert states(world, world.sender) == ["cordoned"]


def test_a_cordon_is_counted(world: World) -> None:
    name = "posthorn_senders_cordoned_total"
    world.rt.counters.flush()
    before = world.rt.counters.read().get(name, 0)
    happened(world, world.sender, undelivered=BAD)
    tick(world)
    world.rt.counters.flush()
    assert world.rt.counters.read()[name] == before + 1
    assert "senders" in {r["name"] for r in world.rows("SELECT name FROM heartbeats")}


def test_a_stop_from_a_handset_is_in_the_next_ticks_results(world: World) -> None:
    chosen(world, "+12025550123")
    Handset(world).says("STOP")
    tick(world)
    (row,) = world.rows("SELECT sum(opted_out) AS n FROM sender_stats")
    assert row["n"] == 1

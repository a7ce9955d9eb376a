"""Personal data stays as long as its tenant decided: every message, sooner or later, and no other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from messaging import maintenance, retention
from messaging.domain.lifecycle import FINAL, Status
from tests.carrier import accepted
from tests.dispatch.ageing import (
    NUMBER,
    SECRET,
    ended,
    erased,
    ids_by,
    keep,
    later,
    lingering,
)
from tests.dispatch.handset import Handset
from tests.remains import remains
from tests.world import RECIPIENT, World


@pytest.fixture
def keeping(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A tenant that keeps texts for 30 days and webhooks for 7."""
    monkeypatch.setattr(world.rt, "new_id", ids_by(world.rt))
    keep(world, body_days=30, receipt_days=7)
    return world


def test_what_is_over_and_old_is_emptied_and_nothing_younger(keeping: World) -> None:
    world = keeping
    old = ended(world, metadata={"name": SECRET}, postal_code="20001", time_zone="America/New_York")
    later(world, 29)
    young = ended(world)
    assert retention.run(world.rt) == "emptied 0 messages, deleted 0 webhooks"
    later(world, 2)
    assert retention.run(world.rt) == "emptied 1 messages, deleted 0 webhooks"
    assert (erased(world, old), erased(world, young)) == (True, False)
    row = world.row(old)
    assert (row["status"], row["segments"], row["recipient_key"]) == ("canceled", 1, world.key())
    assert retention.run(world.rt) == "emptied 0 messages, deleted 0 webhooks"
    later(world, 30)
    retention.run(world.rt)
    assert erased(world, young)
    assert remains(world.rt.engine, SECRET, NUMBER) == set()


def test_nothing_is_emptied_unless_the_tenant_says_so(keeping: World) -> None:
    world = keeping
    keep(world, body_days=None)
    kept = ended(world)
    later(world, 4000)
    retention.run(world.rt)
    assert not erased(world, kept)
    keep(world, body_days=1)
    retention.run(world.rt)
    assert erased(world, kept)


def test_another_tenants_messages_stay(keeping: World) -> None:
    other = World(keeping.rt)
    theirs, ours = ended(other), ended(keeping)
    later(keeping, 31)
    retention.run(keeping.rt)
    assert (erased(other, theirs), erased(keeping, ours)) == (False, True)


@pytest.mark.parametrize("status", sorted(FINAL))
def test_every_final_status_is_over(keeping: World, status: Status) -> None:
    message_id = keeping.put_one(body=SECRET)
    keeping.run("UPDATE messages SET status = CAST(:s AS message_status)", s=status.value)
    later(keeping, 31)
    retention.run(keeping.rt)
    assert erased(keeping, message_id)


@pytest.mark.parametrize("status", sorted(set(Status) - FINAL))
def test_what_is_not_over_waits_until_it_is_and_holds_nobody_up(
    keeping: World, status: Status
) -> None:
    world = keeping
    slow = world.put_one(body=SECRET)
    world.run("UPDATE messages SET status = CAST(:s AS message_status)", s=status.value)
    behind = ended(world)
    later(world, 31)
    for _ in range(2):
        retention.run(world.rt)
        assert (erased(world, slow), erased(world, behind)) == (False, True)
        assert lingering(world) == [slow]
    world.run("UPDATE messages SET status = 'delivered' WHERE id = :id", id=slow)
    assert retention.run(world.rt) == "emptied 1 messages, deleted 0 webhooks"
    assert (erased(world, slow), lingering(world)) == (True, [])


def test_what_is_scheduled_a_year_ahead_goes_when_it_has_been_sent(keeping: World) -> None:
    world = keeping
    at = world.rt.now() + timedelta(days=364)
    message_id = world.put_one(Status.SCHEDULED, body=SECRET, scheduled_for=at)
    later(world, 363)
    retention.run(world.rt)
    assert not erased(world, message_id)
    world.run("UPDATE scheduled SET due_at = now()")
    maintenance.promote_due(world.rt)
    world.send()
    assert world.status(message_id) == "sent"
    # The database's own clock has not moved.
    world.run("UPDATE messages SET sent_at = sent_at + interval '363 days'")
    later(world, 29)
    retention.run(world.rt)
    assert lingering(world) == [message_id]
    later(world, 2)
    retention.run(world.rt)
    assert (erased(world, message_id), lingering(world)) == (True, [])


def test_what_was_sent_and_never_confirmed_is_over_in_the_end(keeping: World) -> None:
    message_id = keeping.put_one(body=SECRET)
    keeping.send()
    assert keeping.status(message_id) == "sent"
    later(keeping, 31)
    retention.run(keeping.rt)
    assert erased(keeping, message_id)
    keeping.report("SM1", "delivered", keeping.callback(message_id, 1))
    keeping.applied()
    assert keeping.status(message_id) == "delivered"
    (kept,) = keeping.rows("SELECT url, body FROM raw_receipts")
    assert (kept["url"], bytes(kept["body"])) == ("", b"")


def test_an_open_attempt_is_left_alone(keeping: World) -> None:
    message_id = keeping.put_one(body=SECRET)
    keeping.carrier.answer = lambda _: None
    keeping.take()
    keeping.window.step(0)
    later(keeping, 31)
    retention.run(keeping.rt)
    assert keeping.row(message_id)["body"] == SECRET
    keeping.carrier.answer_hanging(accepted("SM1"))
    keeping.settle()
    later(keeping, 31)
    retention.run(keeping.rt)
    assert erased(keeping, message_id)


def test_what_people_wrote_goes_too(keeping: World) -> None:
    handset = Handset(keeping)
    handset.says(f"Hello {SECRET}")
    later(keeping, 31)
    handset.says("Hello again")
    retention.run(keeping.rt)
    first, second = keeping.rows("SELECT * FROM inbound_messages ORDER BY id")
    assert (first["from_address"], first["body"], first["keyword"]) == ("", "", "OTHER")
    assert (second["from_address"], second["body"]) == (RECIPIENT, "Hello again")

"""Retention stopped anywhere, run twice at once or cut short empties the same; webhooks go too."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from messaging import retention
from messaging.queues import Task
from messaging.store.retention import first_id
from tests.carrier import accepted
from tests.dispatch.ageing import (
    NUMBER,
    SECRET,
    end,
    ended,
    erased,
    ids_by,
    keep,
    later,
    lingering,
)
from tests.dispatch.handset import Handset
from tests.dispatch.killing import KilledError, killed_at
from tests.remains import remains
from tests.world import RECIPIENT, World, at_once


@pytest.fixture
def keeping(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A tenant that keeps texts for 30 days and webhooks for 7."""
    monkeypatch.setattr(world.rt, "new_id", ids_by(world.rt))
    keep(world, body_days=30, receipt_days=7)
    return world


def webhook(world: World, sid: str) -> None:
    form = {"MessageSid": sid, "MessageStatus": "delivered", "To": RECIPIENT}
    world.post(urlencode(form).encode())


def age_receipts(world: World, days: int) -> None:
    world.run(
        "UPDATE raw_receipts SET received_at = received_at - make_interval(days => :d)", d=days
    )


def test_webhooks_are_deleted_after_their_time_but_not_before_they_are_applied(
    keeping: World,
) -> None:
    world = keeping
    sent = world.put_one()
    world.carrier.answer = lambda _: accepted("SM1")
    world.send()
    webhook(world, "SM1")
    world.applied()
    webhook(world, "SM2")
    age_receipts(world, 8)
    webhook(world, "SM3")
    assert retention.run(world.rt) == "emptied 0 messages, deleted 1 webhooks"
    assert len(world.rows("SELECT 1 FROM raw_receipts")) == 2
    assert world.applied() == "2 parked"
    retention.run(world.rt)
    assert len(world.rows("SELECT 1 FROM raw_receipts")) == 2
    world.run("UPDATE pending_receipts SET due_at = now()")
    assert world.applied() == "2 unmatched"
    assert retention.run(world.rt) == "emptied 0 messages, deleted 1 webhooks"
    assert world.status(sent) == "delivered"


def test_each_tenant_has_its_own_time_for_webhooks(keeping: World) -> None:
    other = World(keeping.rt)
    for world in (keeping, other):
        webhook(world, "SM1")
    keeping.run("DELETE FROM pending_receipts")
    age_receipts(keeping, 29)
    retention.run(keeping.rt)
    (left,) = keeping.rows("SELECT account_id FROM raw_receipts")
    assert left["account_id"] == other.account.id
    age_receipts(keeping, 2)
    retention.run(keeping.rt)
    assert keeping.rows("SELECT 1 FROM raw_receipts") == []


def test_wherever_it_is_killed_nothing_is_missed(keeping: World) -> None:
    world = keeping
    handset = Handset(world)
    with patch("messaging.retention._BATCH", 2):
        for step in range(1, 200):
            ids = [ended(world) for _ in range(2)]
            slow = world.put_one(body=SECRET)
            ids.append(ended(world))
            for _ in range(3):
                handset.says(SECRET, f"SM{step}n{handset.sent}")
            later(world, 31)
            with killed_at(world.rt.engine, step) as seen:
                try:
                    retention.run(world.rt, seconds=1000)
                except KilledError:
                    stopped = True
                else:
                    stopped = False
            retention.run(world.rt, seconds=1000)
            assert all(erased(world, message_id) for message_id in ids), step
            assert lingering(world) == [slow], step
            end(world, slow)
            retention.run(world.rt, seconds=1000)
            assert remains(world.rt.engine, SECRET, NUMBER) == set(), step
            if not stopped:
                break
    assert not stopped
    assert seen[0] > 20


def test_workers_at_once_empty_each_message_once(keeping: World) -> None:
    ids = [ended(keeping) for _ in range(30)]
    later(keeping, 31)
    with patch("messaging.retention._BATCH", 4):
        said = at_once(*[lambda: retention.run(keeping.rt)] * 4)
        retention.run(keeping.rt)
    assert all(erased(keeping, message_id) for message_id in ids)
    assert sum(int(str(s).split()[1]) for s in said) <= 30


def test_a_message_in_somebodys_hands_is_not_waited_for(keeping: World) -> None:
    taken, free = ended(keeping), ended(keeping)
    later(keeping, 31)
    with keeping.rt.engine.connect() as db:
        db.execute(sa.text("SELECT 1 FROM messages WHERE id = :id FOR UPDATE"), {"id": taken})
        retention.run(keeping.rt)
        assert (erased(keeping, taken), erased(keeping, free)) == (False, True)
        db.rollback()
    retention.run(keeping.rt)
    assert erased(keeping, taken)


def test_a_tenant_that_keeps_longer_again_loses_nothing_more(keeping: World) -> None:
    ended(keeping)
    later(keeping, 40)
    second = ended(keeping)
    slow = keeping.put_one(body=SECRET)
    later(keeping, 31)
    retention.run(keeping.rt)
    assert erased(keeping, second)
    keep(keeping, body_days=365)
    end(keeping, slow)
    retention.run(keeping.rt)
    assert not erased(keeping, slow)
    keep(keeping, body_days=30)
    retention.run(keeping.rt)
    assert erased(keeping, slow)


def test_when_time_is_over_it_goes_on_by_itself(keeping: World) -> None:
    for _ in range(3):
        ended(keeping)
    later(keeping, 31)
    with patch("messaging.retention._BATCH", 1):
        retention.run(keeping.rt, seconds=0)
    assert Task.RETAIN in str(keeping.rt.redis.lrange("maintenance", 0, -1))
    (left,) = keeping.rows("SELECT count(*) AS n FROM messages WHERE erased_at IS NULL")
    assert left["n"] == 2


def test_the_first_id_of_a_moment_parts_the_ids_before_and_after(world: World) -> None:
    before = [world.rt.new_id() for _ in range(100)]
    cut = first_id(world.rt.now() + timedelta(milliseconds=1))
    assert all(one < cut for one in before)
    assert first_id(world.rt.now() - timedelta(minutes=1)) < before[0]

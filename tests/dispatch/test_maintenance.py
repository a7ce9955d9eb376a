"""The sweep, promotion and hints: whatever was lost, the clock brings it back."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from messaging import dispatch, maintenance
from messaging.domain.lifecycle import Status
from messaging.domain.message import Priority, Queue
from messaging.queues import KEY_PREFIX, Task
from messaging.store import claims, pulse
from tests.world import ClockedRuntime, World, at_once, poll, runtime, settings_for


def published(rt: ClockedRuntime, queue: str) -> int:
    length = rt.redis.llen(queue)
    assert isinstance(length, int)
    return length


def forget_hints(world: World) -> None:
    """Redis loses everything."""
    world.rt.redis.flushdb()


def test_a_sweep_puts_everything_right_that_a_crash_left_behind(world: World) -> None:
    claimed, attempted, later = world.put_one(), world.put_one(), world.rt.now()
    scheduled = world.put_one(
        Status.SCHEDULED, scheduled_for=later - timedelta(seconds=5), priority=Priority.HIGH
    )
    world.carrier.answer = lambda _: None
    world.take(limit=1)
    with world.rt.engine.begin() as db:
        claims.claim(db, Queue.NORMAL, 5, timedelta(0), world.rt.new_id())
    world.run("UPDATE open_attempts SET check_at = now() - interval '1 second'")
    said = maintenance.sweep(world.rt)
    assert said == (
        "returned 1, quarantined 0, put in doubt 1, promoted 1, released 0,"
        " hinted dispatch.high, dispatch.suspect"
    )
    assert sorted([world.status(claimed), world.status(attempted)]) == ["queued", "sending"]
    assert world.status(scheduled) == "queued"
    assert world.open_attempts()[0]["doubt_code"] == "lease_expired"
    with world.rt.engine.connect() as db:
        assert set(pulse.beats(db)) == {"sweep", "promote_due"}


def test_only_one_sweep_runs_at_a_time(world: World) -> None:
    lock = sa.text("SELECT pg_advisory_xact_lock(:id)")
    with world.rt.engine.connect() as other:
        other.execute(lock, {"id": maintenance._SWEEP_LOCK})
        assert maintenance.sweep(world.rt) == "another sweep is running"
        other.rollback()
    assert maintenance.sweep(world.rt).startswith("returned 0")


def test_sweeps_at_once_return_each_message_once(world: World) -> None:
    world.put(30)
    for _ in range(3):
        with world.rt.engine.begin() as db:
            claims.claim(db, Queue.NORMAL, 10, timedelta(0), world.rt.new_id())
    at_once(*[lambda: maintenance.sweep(world.rt)] * 4)
    maintenance.sweep(world.rt)
    assert len({row["message_id"] for row in world.ready()}) == len(world.ready()) == 30


def test_a_lost_hint_is_given_again_for_everything_that_is_due(world: World) -> None:
    for priority in Priority:
        world.put_one(priority=priority)
    world.put_one()
    world.run(
        "UPDATE ready SET queue = 'suspect' WHERE message_id IN (SELECT max(id::text)::uuid FROM messages)"
    )
    world.report("SM1", "delivered")
    forget_hints(world)
    assert maintenance.hint_due(world.rt) == [
        "dispatch.high",
        "dispatch.normal",
        "dispatch.low",
        "dispatch.suspect",
        "receipts.apply",
    ]
    lengths = {q: published(world.rt, q) for q in ("high", "normal", "low", "receipts")}
    assert lengths == {"high": 1, "normal": 1, "low": 2, "receipts": 1}


def test_nothing_due_is_not_hinted(world: World) -> None:
    world.put_one()
    world.run("UPDATE ready SET due_at = now() + interval '1 minute'")
    forget_hints(world)
    assert maintenance.hint_due(world.rt) == []


def test_everything_due_is_promoted_and_nothing_else(world: World) -> None:
    now = world.rt.now()
    world.put(2100, Status.SCHEDULED, scheduled_for=now - timedelta(minutes=1))
    world.put(5, Status.SCHEDULED, scheduled_for=now + timedelta(minutes=1))
    canceled = "SELECT message_id FROM scheduled ORDER BY due_at LIMIT 1500"
    world.run(f"UPDATE messages SET status = 'canceled' WHERE id IN ({canceled})")
    assert maintenance.promote_due(world.rt) == "promoted 2100"
    assert len(world.ready()) == 600
    assert len(world.rows("SELECT * FROM scheduled")) == 5


def test_hints_coalesce_until_somebody_answers(world: World) -> None:
    hints = world.rt.hints
    for _ in range(5):
        assert hints.ring(Task.DISPATCH_NORMAL)
    assert published(world.rt, "normal") == 1
    assert hints.ring(Task.DISPATCH_HIGH)
    hints.answered(Task.DISPATCH_NORMAL)
    assert hints.ring(Task.DISPATCH_NORMAL)
    assert (published(world.rt, "normal"), published(world.rt, "high")) == (2, 1)


def test_a_hint_nobody_answers_keeps_others_quiet_for_two_seconds_at_most(world: World) -> None:
    world.rt.hints.ring(Task.DISPATCH_NORMAL)
    left = world.rt.redis.pttl(f"{KEY_PREFIX}hint:{Task.DISPATCH_NORMAL}")
    assert isinstance(left, int)
    assert 0 < left <= 2000
    poll(
        lambda: world.rt.hints.ring(Task.DISPATCH_NORMAL) and published(world.rt, "normal") == 2,
        "the lost hint was never given again",
    )


def test_a_pump_answers_before_it_claims_and_hints_when_it_leaves_work(world: World) -> None:
    world.put(5)
    world.rt.hints.ring(Task.DISPATCH_NORMAL)
    stop: Callable[[], bool] = lambda: True  # noqa: E731
    dispatch.pump(world.rt, world.window, Queue.NORMAL, seconds=1, stopping=stop)
    assert published(world.rt, "normal") == 2


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where connections are made and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        port: int = server.getsockname()[1]
        yield port


@pytest.mark.parametrize("silent", [True, False])
def test_a_broken_redis_costs_one_short_wait_and_then_none(
    world: World, silent_port: int, silent: bool
) -> None:
    port = silent_port if silent else 1
    away = settings_for(world.rt.settings.database_url, f"redis://127.0.0.1:{port}/0")
    with runtime(away) as rt:
        started = time.monotonic()
        assert not rt.hints.ring(Task.DISPATCH_NORMAL)
        assert time.monotonic() - started < 1
        started = time.monotonic()
        for task in Task:
            assert not rt.hints.ring(task)
        assert time.monotonic() - started < 0.05
        assert 4 < rt.hints._broken_until - time.monotonic() <= 5
        rt.hints.answered(Task.DISPATCH_NORMAL)


def test_after_five_seconds_a_mended_redis_is_used_again(world: World) -> None:
    hints = world.rt.hints
    hints._broken_until = time.monotonic() + 60
    assert not hints.ring(Task.DISPATCH_NORMAL)
    hints._broken_until = time.monotonic()
    assert hints.ring(Task.DISPATCH_NORMAL)
    assert published(world.rt, "normal") == 1

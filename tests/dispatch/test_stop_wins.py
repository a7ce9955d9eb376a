"""STOP against a dispatch, interleaved on purpose at each place where they could miss each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from messaging import dispatch, plan, suppression
from messaging.domain.lifecycle import Status
from messaging.domain.message import Category, Channel, Queue
from messaging.store import backlog, facts, suppressions
from messaging.store.suppressions import NewSuppression
from messaging.suppression import Suppressed
from messaging.window import Window
from tests.world import World, at_once, poll

OTHER = "+12025550124"


def stop(world: World, *recipients: str) -> Suppressed:
    keys = [world.key(r) for r in recipients] or [world.key()]
    rows = [NewSuppression(world.tenant.id, Channel.SMS, key, "inbound") for key in keys]
    with world.rt.engine.begin() as db:
        return suppression.suppress(db, rows)


def waiting_for_locks(world: World) -> int:
    (row,) = world.rows("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    return int(row["count"])


class Interruption:
    """Starts a STOP in the middle of a dispatch, and sees that it waits there."""

    def __init__(self, world: World, pool: ThreadPoolExecutor) -> None:
        self._world = world
        self._pool = pool
        self.stopped: Future[Suppressed] | None = None

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, with the STOP just before it."""

        def interrupted(*args: Any, **kwargs: Any) -> Any:
            if self.stopped is None:
                self.stopped = self._pool.submit(stop, self._world)
                poll(lambda: waiting_for_locks(self._world), "the STOP does not wait")
            assert not self.stopped.done()
            return function(*args, **kwargs)

        return interrupted


PLACES = [
    pytest.param(facts, "gather", id="before the facts are read"),
    pytest.param(plan, "decide", id="between facts and judgement"),
    pytest.param(dispatch, "move", id="between judgement and attempt"),
    pytest.param(Window, "submit", id="between the attempt's commit and the wire"),
    pytest.param(Window, "start", id="as it goes on the wire"),
]


@pytest.mark.parametrize(("where", "name"), PLACES)
def test_a_stop_waits_for_what_was_decided_before_it(
    world: World, monkeypatch: pytest.MonkeyPatch, where: Any, name: str
) -> None:
    (first,) = world.put(1)
    with ThreadPoolExecutor(1) as pool:
        interruption = Interruption(world, pool)
        monkeypatch.setattr(where, name, interruption.before(getattr(where, name)))
        dispatch.take(world.rt, world.window, Queue.NORMAL, 1, dispatch.Summary())
        assert len(world.carrier.requests) == 1  # on the wire before it lets go
        assert interruption.stopped is not None
        assert interruption.stopped.result(10) == Suppressed(1, 0)
    monkeypatch.undo()
    rest = world.put(2)
    assert world.send().blocked == {"opted_out": 2}
    assert world.status(first) == "sent"
    assert [world.status(m) for m in rest] == ["opted_out"] * 2
    (attempt,) = world.attempts(first)
    (told,) = world.rows("SELECT at FROM suppression_events")
    assert attempt["started_at"] < told["at"]
    assert len(world.carrier.requests) == 1


def test_a_stop_between_claim_and_hold_cancels_what_is_claimed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = world.put(3)
    other = world.put_one(recipient=OTHER)
    hold = suppressions.hold
    done = []

    def late(*args: Any) -> None:
        done.append(stop(world))
        hold(*args)

    monkeypatch.setattr(suppressions, "hold", late)
    world.send()
    assert done == [Suppressed(1, 3)]
    assert {world.status(m) for m in ids} == {"canceled"}
    assert world.status(other) == "sent"
    assert [form["To"] for form in world.carrier.forms] == [OTHER]
    assert (world.ready(), world.rows("SELECT * FROM claims")) == ([], [])


def test_what_a_stop_left_behind_in_the_backlog_does_no_harm(world: World) -> None:
    later = world.rt.now()
    queued = world.put_one()
    scheduled = world.put_one(Status.SCHEDULED, scheduled_for=later)
    assert stop(world) == Suppressed(1, 2)
    assert len(world.ready()) == 1
    with world.rt.engine.begin() as db:
        backlog.promote_due(db, 10)
    assert world.send().sent == 0
    assert world.carrier.requests == []
    assert (world.ready(), world.rows("SELECT * FROM scheduled")) == ([], [])
    assert [world.status(m) for m in (queued, scheduled)] == ["canceled", "canceled"]


def test_two_stops_at_once_cancel_each_message_once(world: World) -> None:
    ids = world.put(20)
    done = at_once(*[lambda: stop(world)] * 4)
    assert sum(d.new for d in done if isinstance(d, Suppressed)) == 1
    assert sum(d.canceled for d in done if isinstance(d, Suppressed)) == 20
    assert all(world.events(m) == ["submitted", "canceled"] for m in ids)


@pytest.mark.parametrize("category", list(Category))
def test_pumps_and_stops_over_the_same_people_never_deadlock(
    world: World, category: Category
) -> None:
    numbers = [f"+120255501{n:02}" for n in range(40)]
    ids = [world.put_one(recipient=n, category=category) for n in numbers * 5]
    windows = [world.a_window() for _ in range(3)]
    stopped = threading.Event()

    def pump(window: Window) -> None:
        while not stopped.is_set():
            dispatch.take(world.rt, window, Queue.NORMAL, 7, dispatch.Summary())
            window.step(0)
        window.drain(5)

    def everybody(order: list[str]) -> None:
        for _ in range(2):
            for first in range(0, len(order), 8):
                stop(world, *order[first : first + 8])
        stopped.set()

    jobs = [lambda w=w: pump(w) for w in windows]
    jobs += [lambda o=o: everybody(o) for o in (numbers, numbers[::-1], numbers[::3])]
    at_once(*jobs)
    found = {world.status(m) for m in ids}
    assert found <= {"sent", "canceled", "opted_out", "blocked_compliance"}
    late = world.rows("""
    SELECT 1 FROM attempts a JOIN messages m ON m.id = a.message_id
    JOIN suppression_events e ON e.recipient_key = m.recipient_key
    WHERE a.started_at > e.at
    """)
    assert late == []


def test_what_falls_due_while_its_person_stops_is_canceled_and_nobody_deadlocks(
    world: World,
) -> None:
    due = world.rt.now()
    for _ in range(6):
        ids = world.put(150, Status.SCHEDULED, scheduled_for=due)
        world.run("UPDATE scheduled SET due_at = now() - random() * interval '1 minute'")

        def promote() -> None:
            for _ in range(8):
                with world.rt.engine.begin() as db:
                    backlog.promote_due(db, 20)

        at_once(promote, lambda: stop(world), promote)
        assert {world.status(m) for m in ids} == {"canceled"}

"""How long a pump goes on, and what becomes of the calls in flight when it ends."""

from __future__ import annotations

import threading
import time

import pytest
from structlog.testing import capture_logs

from messaging import dispatch, telemetry
from messaging.domain.message import Queue
from messaging.store import senders
from tests.carrier import accepted
from tests.world import RECIPIENT, World, poll

OTHER = "+12025550124"


def test_draining_waits_for_what_is_in_flight(world: World) -> None:
    message_id = world.put_one()
    world.carrier.answer = lambda _: None
    world.take()
    world.window.step(0)
    threading.Timer(0.05, world.carrier.answer_hanging, [accepted()]).start()
    assert world.window.drain(10) == 0
    assert (world.status(message_id), world.carrier.closed) == ("sent", True)


def test_draining_leaves_what_hangs_to_its_lease_and_writes_down_the_rest(world: World) -> None:
    hung, answered = world.put_one(), world.put_one(recipient=OTHER)
    hangs = lambda r: None if RECIPIENT[1:].encode() in r.read() else accepted()  # noqa: E731
    world.carrier.answer = hangs
    world.take()
    world.window._flushed_at = time.monotonic() + 60  # the answer is in hand, its turn not yet due
    world.window.step(0)
    assert world.window.drain(0) == 1
    assert (world.status(hung), world.status(answered)) == ("sending", "sent")
    (opened,) = world.open_attempts()
    assert (opened["message_id"], opened["doubt_since"]) == (hung, None)


def test_a_keeper_sees_through_what_a_pump_left_in_flight(world: World) -> None:
    ids = world.put(5)
    world.window.keep()
    dispatch.pump(world.rt, world.window, Queue.NORMAL, seconds=5)
    poll(lambda: {world.status(i) for i in ids} == {"sent"}, "the keeper did not record")
    assert world.window.drain(5) == 0
    keeper = world.window._keeper
    assert keeper is not None
    keeper.join(5)
    assert not keeper.is_alive()


def test_a_pump_moves_everything_that_is_due_within_a_small_window(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put(300)
    small = world.rt.settings.model_copy(update={"window": 20})
    monkeypatch.setattr(world.rt, "settings", small)
    world.window = world.a_window(size=20)
    summary = dispatch.pump(world.rt, world.window, Queue.NORMAL, seconds=30)
    assert summary.sent == 300
    assert world.window.drain(5) == 0
    assert world.carrier.most_in_flight <= 20
    counted = world.rows("SELECT status, count(*) AS n FROM messages GROUP BY 1")
    assert [(row["status"], row["n"]) for row in counted] == [("sent", 300)]


def test_a_worker_that_is_stopping_takes_nothing_new(world: World) -> None:
    world.put(5)
    stop = dispatch.pump(world.rt, world.window, Queue.NORMAL, seconds=5, stopping=lambda: True)
    assert (stop.claimed, len(world.ready())) == (0, 5)


def test_a_pump_says_what_left_from_a_last_resort(world: World) -> None:
    """Chosen by FallbackDefault: nothing is wrong yet, but something should have been set up."""
    nobody = world.rt.new_id()
    with world.rt.engine.begin() as db:
        senders.add_pool(db, world.tenant.id, nobody, "nobody")
    worn = world.add_sender("+12025550198", pool_ids=frozenset({nobody}), is_default=False)
    world.change("senders", worn.id, state="cordoned")
    ids = world.put(3, pool_id=nobody, recipient="+13055550123")
    world.put(2)
    telemetry.configure("warning", json=True)  # whatever another test made it
    with capture_logs() as logs:
        dispatch.pump(world.rt, world.window, Queue.NORMAL, seconds=5)
    world.settle()
    assert {world.row(i)["selection_reason"] for i in ids} == {"FallbackDefault"}
    told = [log for log in logs if log["event"] == "sender.fallback"]
    assert [(log["tenant_id"], log["messages"]) for log in told] == [(str(world.tenant.id), 3)]
    world.rt.counters.flush()
    counted = world.rt.counters.read()
    assert counted['posthorn_senders_chosen_total{reason="FallbackDefault"}'] == 3

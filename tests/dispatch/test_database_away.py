"""What was learned is written in the end, however often the database goes away meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from messaging import outcomes, plan, telemetry
from messaging.domain.message import Queue
from messaging.store import attempts, backlog
from messaging.window import Result
from tests.carrier import accepted
from tests.world import World, kill_backends, runtime, settings_for


def blinks(world: World, times: int, real: Callable[..., Any]) -> Callable[..., Any]:
    """`real`, in front of which every connection is cut the first few times."""
    left = [times]

    def cut(*arguments: Any) -> Any:
        if left[0]:
            left[0] -= 1
            kill_backends(world.rt.engine)
        return real(*arguments)

    return cut


@pytest.mark.parametrize("times", [1, 3])
def test_results_are_written_in_the_end_and_once(
    world: World, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    ids = world.put(20)
    world.take()
    monkeypatch.setattr(attempts, "settle", blinks(world, times, attempts.settle))
    world.settle()
    assert {world.status(i) for i in ids} == {"sent"}
    assert [len(world.attempts(i)) for i in ids] == [1] * 20
    assert [world.events(i).count("accepted") for i in ids] == [1] * 20
    assert (world.open_attempts(), world.window.held) == ([], 0)


def test_a_commit_whose_answer_was_lost_is_not_written_twice(world: World) -> None:
    (message_id,) = world.put(1)
    world.take()
    (ticket,) = world.window._incoming
    world.window._incoming.clear()
    results = [Result(ticket, accepted("SM1"), 0.1)]
    for _ in range(2):
        outcomes.record(world.rt, results)
    assert world.events(message_id) == ["submitted", "attempted", "accepted"]
    assert (len(world.attempts(message_id)), world.row(message_id)["attempts"]) == (1, 1)


def test_a_database_that_stays_away_leaves_the_attempts_to_their_leases(world: World) -> None:
    telemetry.configure("critical", json=True)
    message_id = world.put_one()
    patience = {"lease_seconds": 1.0, "provider_timeout_seconds": 0.5}
    nowhere = settings_for(
        "postgresql://nobody@127.0.0.1:1/none", world.rt.settings.redis_url, **patience
    )
    with runtime(nowhere) as away:
        world.window = world.a_window(away)
        world.take()
        world.settle()
    assert (world.window.held, world.status(message_id)) == (0, "sending")
    assert len(world.open_attempts()) == 1


def test_a_claim_cut_off_before_its_decisions_comes_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = world.put(5)
    monkeypatch.setattr(plan, "decide", blinks(world, 1, plan.decide))
    with pytest.raises(DBAPIError):
        world.take()
    assert (world.carrier.requests, world.open_attempts(), world.ready()) == ([], [], [])
    world.run("UPDATE claims SET lease_until = now() - interval '1 second'")
    with world.rt.engine.begin() as db:
        assert backlog.rescue_claims(db, 20, 5) == (5, 0)
    sent = sum(world.take(Queue.SUSPECT, 1).sent for _ in ids)
    world.settle()
    assert sent == 5
    assert {world.status(i) for i in ids} == {"sent"}

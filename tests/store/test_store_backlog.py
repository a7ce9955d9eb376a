"""Claims, leases, suspects, promotion: who may work on what, and what comes back after a crash."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import Priority, Queue
from messaging.store import attempts, backlog, claims, messages
from messaging.store.claims import Claim
from messaging.store.messages import Move
from tests.world import World, at_once

LEASE = timedelta(seconds=60)


def claim(world: World, limit: int = 250, queue: Queue = Queue.NORMAL) -> Claim | None:
    with world.rt.engine.begin() as db:
        return claims.claim(db, queue, limit, LEASE, world.rt.new_id())


def lapse(world: World) -> None:
    world.run("UPDATE claims SET lease_until = now() - interval '1 second'")


def rescue(world: World, most: int = 5) -> tuple[int, int]:
    with world.rt.engine.begin() as db:
        return backlog.rescue_claims(db, 20, most)


def test_claims_at_once_never_share_a_message(world: World) -> None:
    ids = world.put(400)

    def drain() -> list[UUID]:
        taken: list[UUID] = []
        while batch := claim(world, 7):
            taken += batch.epochs
        return taken

    taken = at_once(*[drain] * 6)
    everything = [message_id for batch in taken for message_id in batch]  # type: ignore[attr-defined]
    assert sorted(everything) == sorted(ids)
    assert world.ready() == []


def test_a_claim_takes_the_oldest_due_of_its_own_lane_only(world: World) -> None:
    world.put_one(priority=Priority.HIGH)
    ids = world.put(3)
    for age, message_id in enumerate(ids):
        world.run(
            "UPDATE ready SET due_at = now() - make_interval(secs => :age) WHERE message_id = :id",
            age=age * 10 - 5,
            id=message_id,
        )
    assert [claim(world, 1).epochs for _ in range(2)] == [{ids[2]: 0}, {ids[1]: 0}]  # type: ignore[union-attr]
    assert claim(world) is None


def test_a_batch_whose_worker_died_comes_back_as_suspects_one_at_a_time(world: World) -> None:
    ids = world.put(3)
    taken = claim(world)
    assert rescue(world) == (0, 0)
    lapse(world)
    assert rescue(world) == (3, 0)
    assert taken is not None
    with world.rt.engine.begin() as db:
        assert not backlog.finish(db, taken.id)
    assert {(r["queue"], r["claims"]) for r in world.ready()} == {("suspect", 1)}
    assert sorted(r["message_id"] for r in world.ready()) == sorted(ids)
    assert {len(claim(world, 1, Queue.SUSPECT).epochs) for _ in ids} == {1}  # type: ignore[union-attr]


def test_the_fifth_worker_to_die_over_a_message_is_the_last(world: World) -> None:
    message_id = world.put_one()
    queue = Queue.NORMAL
    for death in range(1, 6):
        assert claim(world, 1, queue) is not None
        lapse(world)
        assert rescue(world) == ((1, 0) if death < 5 else (0, 1))
        queue = Queue.SUSPECT
    row = world.row(message_id)
    assert (row["status"], row["status_reason"]) == ("failed", "poison")
    assert world.events(message_id) == ["submitted", "quarantined"]
    assert (world.ready(), world.rows("SELECT * FROM claims")) == ([], [])


def test_a_message_that_moved_on_is_not_brought_back(world: World) -> None:
    canceled, other = world.put(2)
    claim(world)
    with world.rt.engine.begin() as db:
        one = Move(canceled, 0, Status.QUEUED, Event.CANCELED, Status.CANCELED)
        messages.move(db, [one])
    lapse(world)
    assert rescue(world) == (1, 0)
    assert [r["message_id"] for r in world.ready()] == [other]


def test_a_claim_in_use_is_passed_over_by_the_sweep(world: World) -> None:
    world.put(2)
    taken = claim(world)
    assert taken is not None
    lapse(world)
    with world.rt.engine.begin() as db:
        assert backlog.finish(db, taken.id)
        assert rescue(world) == (0, 0)
    assert rescue(world) == (0, 0)


def test_what_waits_goes_back_to_its_lane_at_its_time_unless_it_moved(world: World) -> None:
    waits, canceled = world.put(2, priority=Priority.LOW)
    claim(world, queue=Queue.LOW)
    world.run("UPDATE messages SET status = 'canceled' WHERE id = :id", id=canceled)
    due_at = world.rt.now() + timedelta(seconds=30)
    with world.rt.engine.begin() as db:
        backlog.put_back(db, {waits: due_at, canceled: due_at})
    assert [(r["queue"], r["due_at"], r["message_id"], r["claims"]) for r in world.ready()] == [
        ("low", due_at, waits, 0)
    ]
    assert world.row(waits)["attempts"] == 0


def test_promoters_at_once_promote_each_message_once(world: World) -> None:
    ids = world.put(300, Status.SCHEDULED, scheduled_for=world.rt.now() - timedelta(minutes=1))
    world.put(5, Status.SCHEDULED, scheduled_for=world.rt.now() + timedelta(minutes=1))

    def promote() -> int:
        promoted = 0
        while True:
            with world.rt.engine.begin() as db:
                took = backlog.promote_due(db, 25)
            promoted += took
            if not took:
                return promoted

    assert sum(at_once(*[promote] * 5)) == 300  # type: ignore[arg-type]
    assert sorted(r["message_id"] for r in world.ready()) == sorted(ids)
    promoted = world.rows("SELECT count(*) AS n FROM message_events WHERE event = 'promoted'")
    assert promoted[0]["n"] == 300
    assert len(world.rows("SELECT * FROM scheduled")) == 5


def test_promotion_goes_round_locked_rows_oldest_first(world: World) -> None:
    now = world.rt.now()
    first, second, third = (
        world.put_one(Status.SCHEDULED, scheduled_for=now - timedelta(minutes=minutes))
        for minutes in (3, 2, 1)
    )
    lock = "SELECT * FROM scheduled WHERE message_id = :id FOR UPDATE"
    with world.rt.engine.connect() as other:
        other.execute(sa.text(lock), {"id": first})
        with world.rt.engine.begin() as db:
            assert backlog.promote_due(db, 1) == 1
    assert [world.status(i) for i in (first, second, third)] == ["scheduled", "queued", "scheduled"]


def test_a_canceled_message_is_not_promoted(world: World) -> None:
    past = world.rt.now() - timedelta(minutes=1)
    message_id = world.put_one(Status.SCHEDULED, scheduled_for=past)
    world.run("UPDATE messages SET status = 'canceled' WHERE id = :id", id=message_id)
    with world.rt.engine.begin() as db:
        assert backlog.promote_due(db, 10) == 1
    assert (world.ready(), world.status(message_id)) == ([], "canceled")


def test_only_attempts_past_their_lease_are_put_in_doubt_and_once(world: World) -> None:
    dead, alive = world.put(2)
    world.carrier.answer = lambda _: None
    world.take()
    world.run(
        "UPDATE open_attempts SET check_at = now() - interval '1 second' WHERE message_id = :id",
        id=dead,
    )
    for expected in (1, 0):
        with world.rt.engine.begin() as db:
            assert attempts.expire_leases(db, 100, timedelta(seconds=30)) == expected
    doubts = {r["message_id"]: r["doubt_code"] for r in world.open_attempts()}
    assert doubts == {dead: "lease_expired", alive: None}
    assert world.status(dead) == "sending"


def test_the_lanes_with_due_work_are_named(world: World) -> None:
    world.put_one(priority=Priority.LOW)
    world.put_one(priority=Priority.HIGH)
    world.put_one()
    world.run("UPDATE ready SET due_at = now() + interval '1 hour' WHERE queue = 'normal'")
    with world.rt.engine.connect() as db:
        assert backlog.queues_due(db) == [Queue.HIGH, Queue.LOW]
        assert backlog.others_due(db) == (False, False)

"""The one statement that moves messages: compare-and-set, timestamps, work tables."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from messaging.domain.lifecycle import TIMESTAMPS, TRANSITIONS, Event, Status
from messaging.domain.message import Priority, SelectionReason
from messaging.store import messages
from messaging.store.messages import Move
from tests.world import World, at_once

STEPS = [
    (before, event, after)
    for before, moves in TRANSITIONS.items()
    for event, after in moves.items()
]


def step(world: World, message_id: UUID, event: Event, epoch: int = 0, **details: object) -> Move:
    before = Status(world.status(message_id))
    if event is Event.ATTEMPTED:
        details |= {
            "account_id": world.account.id,
            "sender_id": world.sender.id,
            "selection_reason": SelectionReason.HEALTHY_POOL,
        }
    after = TRANSITIONS[before][event]
    return Move(message_id, epoch, before, event, after, **details)  # type: ignore[arg-type]


def make(world: World, *moves: Move) -> set[UUID]:
    with world.rt.engine.begin() as db:
        return messages.move(db, moves)


def work_rows(world: World) -> tuple[int, int, int]:
    (found,) = world.rows(
        "SELECT (SELECT count(*) FROM ready) AS r, (SELECT count(*) FROM scheduled) AS s,"
        " (SELECT count(*) FROM open_attempts) AS o"
    )
    return found["r"], found["s"], found["o"]


@pytest.mark.parametrize(
    ("before", "epoch"),
    [(Status.SENDING, 0), (Status.SCHEDULED, 0), (Status.QUEUED, 1), (Status.QUEUED, -1)],
)
def test_a_wrong_status_or_epoch_moves_nothing_and_writes_nothing(
    world: World, before: Status, epoch: int
) -> None:
    message_id = world.put_one()
    rows, events = work_rows(world), world.events(message_id)
    for event, after in ((Event.RETRIED, Status.QUEUED), (Event.DEFERRED, Status.SCHEDULED)):
        assert make(world, Move(message_id, epoch, before, event, after)) == set()
    attempted = Move(
        message_id,
        epoch,
        before,
        Event.ATTEMPTED,
        Status.SENDING,
        account_id=world.account.id,
        sender_id=world.sender.id,
        selection_reason=SelectionReason.PREFERRED,
    )
    assert make(world, attempted) == set()
    assert (world.status(message_id), world.events(message_id)) == ("queued", events)
    assert work_rows(world) == rows


@pytest.mark.parametrize(("before", "event", "after"), STEPS)
def test_each_step_writes_its_time_its_event_and_its_work_row(
    world: World, before: Status, event: Event, after: Status
) -> None:
    message_id = world.put_one(Status.DRAFT)
    earlier = dict.fromkeys(set(TIMESTAMPS.values()), world.rt.now() - timedelta(days=1))
    columns = ", ".join(f"{column} = :{column}" for column in earlier)
    world.run(
        f"UPDATE messages SET status = CAST(:before AS message_status), epoch = 3, {columns}"
        " WHERE id = :id",
        before=before.value,
        id=message_id,
        **earlier,
    )
    due_at = world.rt.now() + timedelta(hours=1)
    assert make(world, step(world, message_id, event, 3, due_at=due_at, reason="why")) == {
        message_id
    }
    row = world.row(message_id)
    assert row["status"] == after.value
    assert row["epoch"] == (4 if event is Event.ATTEMPTED else 3)
    written = {column for column in earlier if row[column] != earlier[column]}
    assert written == ({TIMESTAMPS[after]} if after in TIMESTAMPS else set())
    assert row["modified_at"] > world.rt.now() - timedelta(minutes=1)
    last = world.rows("SELECT * FROM message_events ORDER BY id DESC LIMIT 1")[0]
    assert (last["event"], last["status"], last["reason"]) == (event.value, after.value, "why")
    assert work_rows(world) == (
        int(after is Status.QUEUED),
        int(after is Status.SCHEDULED),
        int(event is Event.ATTEMPTED),
    )
    assert row["next_attempt_at"] == (due_at if after is Status.QUEUED else None)


@pytest.mark.parametrize("priority", Priority)
def test_what_is_queued_again_waits_in_its_own_lane_until_it_is_due(
    world: World, priority: Priority
) -> None:
    message_id = world.put_one(Status.DRAFT, priority=priority)
    due_at = world.rt.now() + timedelta(hours=1)
    make(world, step(world, message_id, Event.SUBMITTED, due_at=due_at))
    (row,) = world.ready()
    assert (row["queue"], row["due_at"], row["epoch"]) == (priority.value.lower(), due_at, 0)


def test_what_is_born_has_its_event_and_its_work_row(world: World) -> None:
    at = world.rt.now() + timedelta(hours=1)
    draft = world.put_one(Status.DRAFT)
    later = world.put_one(Status.SCHEDULED, scheduled_for=at)
    (many, *_rest) = world.put(150, priority=Priority.HIGH, metadata={"a": ["b", 1]})
    assert [world.events(i) for i in (draft, later, many)] == [[None], ["scheduled"], ["submitted"]]
    assert [(r["message_id"], r["due_at"]) for r in world.rows("SELECT * FROM scheduled")] == [
        (later, at)
    ]
    assert work_rows(world) == (150, 1, 0)
    assert {row["queue"] for row in world.ready()} == {"high"}
    assert world.row(many)["metadata"] == {"a": ["b", 1]}
    assert world.row(many)["recipient_key"] == world.key()


def test_few_and_many_messages_are_stored_alike(world: World) -> None:
    fields: dict[str, Any] = {
        "body": 'a "quoted"\tline\\n\n€ 😀',
        "metadata": {"é": None, "\\": "\t"},
        "expires_at": world.rt.now() + timedelta(hours=2),
        "conversation_id": world.rt.new_id(),
        "pool_id": world.pool_id,
        "sender_id": world.sender.id,
        "created_at": world.rt.now(),
    }
    (few,) = world.put(1, **fields)
    (many, *_rest) = world.put(101, **fields)
    one, other = dict(world.row(few)), dict(world.row(many))
    assert one | {"id": many} == other
    assert one["body"] == fields["body"]
    assert one["metadata"] == fields["metadata"]


def test_an_attempt_opens_with_a_lease_and_raises_the_epoch(world: World) -> None:
    message_id = world.put_one()
    with world.rt.engine.begin() as db:
        messages.move(db, [step(world, message_id, Event.ATTEMPTED)], timedelta(seconds=60))
    (opened,) = world.open_attempts()
    assert (opened["message_id"], opened["epoch"]) == (message_id, 1)
    assert opened["started_at"] == world.row(message_id)["sending_started_at"]
    lease = opened["check_at"] - opened["started_at"]
    assert timedelta(seconds=60) <= lease < timedelta(seconds=61)
    assert opened["doubt_since"] is None


def test_of_many_who_move_one_message_exactly_one_does(world: World) -> None:
    message_id = world.put_one()
    (one,) = [step(world, message_id, Event.CANCELED)]
    moved = at_once(*[lambda: make(world, one)] * 8)
    assert sorted(map(len, moved)) == [0] * 7 + [1]  # type: ignore[arg-type]
    assert world.events(message_id) == ["submitted", "canceled"]


def test_avoided_senders_and_counted_attempts_add_up(world: World) -> None:
    message_id = world.put_one()
    others = [world.rt.new_id() for _ in range(2)]
    for epoch, other in enumerate(others):
        make(world, step(world, message_id, Event.ATTEMPTED, epoch))
        retried = step(
            world,
            message_id,
            Event.RETRIED,
            epoch + 1,
            counts=epoch == 0,
            tried_sender_id=other,
            provider_code="21606",
        )
        assert make(world, retried) == {message_id}
        world.run("DELETE FROM open_attempts")
    row = world.row(message_id)
    assert row["tried_sender_ids"] == others
    assert (row["attempts"], row["epoch"], row["provider_code"]) == (1, 2, "21606")

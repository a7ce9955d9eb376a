"""Somebody keeps a recipient locked for long: what becomes of a batch that cannot hold them?"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.message import Queue
from messaging.store import suppressions
from tests.world import World

OTHER = "+12025550124"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits for locks for a tenth of a second."""
    patient = suppressions.hold

    def hold(db: Connection, message_ids: Sequence[UUID]) -> None:
        db.execute(sa.text("SET LOCAL lock_timeout = '100ms'"))
        patient(db, message_ids)

    monkeypatch.setattr(suppressions, "hold", hold)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("queue", [Queue.NORMAL, Queue.SUSPECT])
def test_the_batch_is_given_back_at_once_as_it_was_taken(world: World, queue: Queue) -> None:
    ids = [*world.put(2), world.put_one(recipient=OTHER)]
    world.run("UPDATE ready SET queue = CAST(:queue AS ready_queue), claims = 3", queue=queue)
    with world.rt.engine.begin() as db:
        suppressions.lock(db, [world.key()])
        summary = world.take(queue)
        assert (summary.claimed, summary.sent) == (0, 0)
        assert world.rows("SELECT * FROM claims") == []
        ready = world.ready()
        assert sorted(row["message_id"] for row in ready) == sorted(ids)
        assert {(row["queue"], row["claims"], row["epoch"]) for row in ready} == {(queue, 3, 0)}
        due = {row["due_at"] - world.rt.now() for row in ready}
        assert all(0 < wait.total_seconds() <= 1 for wait in due)
    held = world.rows("SELECT * FROM pg_locks WHERE locktype = 'advisory'")
    assert held == []  # not even those it got before it gave up
    world.run("UPDATE ready SET due_at = now()")
    assert world.send(queue).sent == 3
    assert {world.status(message_id) for message_id in ids} == {"sent"}

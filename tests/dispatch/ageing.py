"""Messages grow old: a tenant's time for them, and what a test sees of them afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

from messaging import policies
from messaging.domain.lifecycle import Event, Status
from messaging.store.messages import Move, move
from messaging.store.retention import first_id
from tests.world import RECIPIENT, ClockedRuntime, World

SECRET = "the-word-nobody-may-find"
NUMBER = RECIPIENT[2:]


def ids_by(rt: ClockedRuntime) -> Callable[[], UUID]:
    """Makes ids by the clock that is put forward."""
    order = count()

    def new_id() -> UUID:
        return UUID(int=first_id(rt.now()).int | 7 << 76 | 2 << 62 | next(order))

    return new_id


def keep(world: World, **retention_: int | None) -> None:
    policies.change(world.rt, world.tenant, {"retention": retention_})


def later(world: World, days: float) -> None:
    world.rt.ahead += timedelta(days=days)


def ended(world: World, **fields: Any) -> UUID:
    """A message that is over."""
    message_id = world.put_one(body=SECRET, **fields)
    end(world, message_id)
    return message_id


def end(
    world: World,
    message_id: UUID,
    event: Event = Event.CANCELED,
    after: Status = Status.CANCELED,
) -> None:
    row = world.row(message_id)
    with world.rt.engine.begin() as db:
        step = Move(message_id, row["epoch"], Status(row["status"]), event, after)
        assert move(db, [step]) == {message_id}


def erased(world: World, message_id: UUID) -> bool:
    row = world.row(message_id)
    values = [row[n] for n in ("recipient", "body", "metadata", "postal_code", "time_zone")]
    empty = values == ["", "", None, None, None]
    assert empty == (row["erased_at"] is not None)
    return empty


def lingering(world: World) -> list[UUID]:
    return [row["message_id"] for row in world.rows("SELECT message_id FROM lingering")]

"""Senders with results, a tick, and what came of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from messaging import sender_upkeep
from messaging.domain.message import Sender
from messaging.domain.sender_health import SenderState
from messaging.store import sender_states
from messaging.store.sender_states import OPERATOR, Entry
from messaging.store.tenants import decide
from tests.carrier import accepted
from tests.world import World

DAY = timedelta(days=1)
BAD, GOOD = 40, 40


def settle(world: World, **decided: object) -> None:
    health = {"minimum": 20, "cordon_hours": 2.0, **decided}
    with world.rt.engine.begin() as db:
        decide(db, world.tenant.id, {"sender_health": health})
    world.forget_senders()


def happened(
    world: World,
    sender: Sender,
    *,
    template: str | None = None,
    ago: timedelta = timedelta(),
    **counts: Any,
) -> None:
    """Results of a sender, as the world's clock says; sent is what has ended, unless it is given."""
    for what, n in ({"sent": sum(counts.values())} | counts).items():
        world.run(
            "INSERT INTO sender_tallies (sender_id, template, what, n, at) "
            "VALUES (:id, :template, :what, :n, :at)",
            id=sender.id,
            template=template,
            what=what,
            n=n,
            at=world.rt.now() - ago,
        )


def tick(world: World) -> str:
    return sender_upkeep.run(world.rt)


def state(world: World, sender: Sender) -> str:
    (row,) = world.rows("SELECT state FROM senders WHERE id = :id", id=sender.id)
    return str(row["state"])


def states(world: World, sender: Sender) -> list[str]:
    rows = world.rows(
        "SELECT state FROM sender_events WHERE sender_id = :i ORDER BY id", i=sender.id
    )
    return [row["state"] for row in rows]


def decided(world: World, state: SenderState) -> None:
    """An operator's word."""
    entry = Entry(world.sender.id, None, state, OPERATOR, measured_since=world.rt.now())
    with world.rt.engine.begin() as db:
        sender_states.enter(db, [entry])
    world.forget_senders()


def later(world: World, by: timedelta) -> None:
    world.rt.ahead += by
    world.forget_senders()


def chosen(world: World, recipient: str) -> tuple[str, UUID]:
    message_id = world.put_one(recipient=recipient)
    world.carrier.answer = lambda _: accepted()
    world.send()
    row = world.row(message_id)
    return row["selection_reason"], row["sender_id"]

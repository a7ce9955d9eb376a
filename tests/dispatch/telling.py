"""A tenant with endpoints that listen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.engine import RowMapping

from messaging import deliveries, endpoints
from messaging.courier import Courier
from messaging.domain.lifecycle import CORRECTIONS, TRANSITIONS, Event, Status
from messaging.domain.message import SelectionReason
from messaging.domain.notices import Kind
from messaging.store import messages
from messaging.store.endpoints import EndpointView
from messaging.store.messages import Move
from messaging.store.tenants import Tenant
from tests.receiver import Receiver
from tests.world import World

NETWORKS = "127.0.0.0/8"
_PATIENCE = timedelta(seconds=120)
"""How long a call may take, so that a busy machine is not taken for a slow endpoint."""


class Telling:
    """Adds endpoints to a world, and delivers what they are to be told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rt = world.rt
        self.courier = Courier(self.rt.settings.callback_allowed, timeout=_PATIENCE)
        self.secrets: dict[UUID, str] = {}

    def add(
        self,
        receiver: Receiver,
        events: Sequence[Kind] = tuple(Kind),
        tenant: Tenant | None = None,
    ) -> EndpointView:
        made, secret = endpoints.add(self.rt, tenant or self.world.tenant, receiver.url, events)
        self.secrets[made.id] = secret
        return made

    def deliver(self) -> str:
        """Deliver what is due until nothing is."""
        return deliveries.run(self.rt, self.courier, seconds=60)

    def look(self, endpoint: EndpointView) -> EndpointView:
        return endpoints.find(self.rt, self.world.tenant, endpoint.id)

    def notices(self, **values: Any) -> list[RowMapping]:
        where = " AND ".join(f"{name} = :{name}" for name in values) or "true"
        return self.world.rows(f"SELECT * FROM notices WHERE {where} ORDER BY id", **values)

    def states(self) -> list[str]:
        return [row["state"] for row in self.notices()]

    def make_due(self) -> int:
        """Put what waits forward to now."""
        return self.world.run("UPDATE notices SET due_at = now() WHERE state = 'waiting'")

    def age(self, by: timedelta) -> None:
        """Let that much time have passed for the notices that wait."""
        self.world.run(
            "UPDATE notices SET at = at - CAST(:by AS interval), "
            "gives_up_at = gives_up_at - CAST(:by AS interval)",
            by=by,
        )

    def step(self, message_id: UUID, *events: Event, reason: str | None = None) -> None:
        """Let these happen to a message, each in a transaction of its own."""
        for event in events:
            row = self.world.row(message_id)
            before = Status(row["status"])
            after = {**CORRECTIONS.get(before, {}), **TRANSITIONS.get(before, {})}[event]
            move = Move(
                message_id, row["epoch"], before, event, after, reason=reason,
                account_id=self.world.account.id, sender_id=self.world.sender.id,
                selection_reason=SelectionReason.HEALTHY_POOL,
            )  # fmt: skip
            with self.rt.engine.begin() as db:
                assert messages.move(db, [move])

    def sent(self, *events: Event, **fields: Any) -> UUID:
        """A message that was sent, and what happened to it then."""
        message_id = self.world.put_one(**fields)
        self.step(message_id, Event.ATTEMPTED, Event.ACCEPTED, *events)
        return message_id

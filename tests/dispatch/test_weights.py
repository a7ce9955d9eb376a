"""A tenant's weight: who says it, what is written down, and what changes at the next claim."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from messaging import onboarding
from messaging.domain.message import Queue
from messaging.store import claims
from messaging.store.tenants import Weighed
from tests.world import World


def test_a_weight_holds_from_the_next_claim_and_is_written_down(world: World) -> None:
    other = World(world.rt)
    world.put(40)
    other.put(40)
    onboarding.weigh(world.rt, other.tenant, 3.0)
    with world.rt.engine.begin() as db:
        taken = claims.claim(db, Queue.NORMAL, 40, timedelta(seconds=60), world.rt.new_id())
    assert taken is not None
    rows = world.rows(
        "SELECT tenant_id, count(*) AS n FROM messages WHERE id = ANY(CAST(:ids AS uuid[])) GROUP BY 1",
        ids=list(taken.epochs),
    )
    assert {r["tenant_id"]: r["n"] for r in rows} == {world.tenant.id: 10, other.tenant.id: 30}
    assert world.rows("SELECT tenant_id, action FROM audit_log") == [
        {"tenant_id": other.tenant.id, "action": "weight.changed"}
    ]
    assert Weighed(other.tenant.name, "US", 3.0) in onboarding.list_tenants(world.rt)


@pytest.mark.parametrize("weight", [0.0, -1.0, 101.0, float("nan"), float("inf")])
def test_a_weight_that_would_starve_somebody_is_none(world: World, weight: float) -> None:
    with pytest.raises(IntegrityError), world.rt.engine.begin() as db:
        db.execute(sa.text("UPDATE tenants SET weight = :weight"), {"weight": weight})


def test_a_pump_sends_one_tenants_message_beside_the_flood_of_another(world: World) -> None:
    other = World(world.rt)
    world.put(300)
    message_id = other.put_one()
    world.take(limit=100)
    world.settle()
    assert other.status(message_id) == "sent"
    assert len(world.ready()) == 201

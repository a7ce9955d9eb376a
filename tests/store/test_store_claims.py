"""Several tenants in one lane: who is claimed, how much of each, and whose it still is afterwards."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from messaging.domain.fairness import Turns
from messaging.domain.message import Queue
from messaging.store import backlog, claims, tenants
from messaging.store.claims import Claim
from messaging.store.tenants import Tenant
from tests.world import World, at_once

LEASE = timedelta(seconds=60)
BATCH = 40


def tenant(world: World, name: str, weight: float = 1.0) -> UUID:
    made = Tenant(world.rt.new_id(), name, "US")
    with world.rt.engine.begin() as db:
        tenants.add(db, made)
    world.change("tenants", made.id, weight=weight)
    return made.id


def put(world: World, tenant_id: UUID, count: int, queue: str = "normal", age: float = 0) -> None:
    """Work as it stands in a lane; its messages, too, so that it may come back."""
    world.run(
        "INSERT INTO messages (id, tenant_id, channel, category, priority, status, segments,"
        " recipient_key, recipient, body)"
        " SELECT gen_random_uuid(), :tenant, 'sms', 'TRANSACTIONAL', 'NORMAL', 'queued', 1, 'k',"
        " '+12025550123', 'Hello' FROM generate_series(1, :count)",
        tenant=tenant_id,
        count=count,
    )
    world.run(
        "INSERT INTO ready (queue, due_at, message_id, epoch, tenant_id)"
        " SELECT CAST(:queue AS ready_queue), now() - make_interval(secs => :age), m.id, 0, :tenant"
        " FROM messages m WHERE m.tenant_id = :tenant"
        " AND NOT EXISTS (SELECT 1 FROM ready r WHERE r.message_id = m.id)"
        " AND NOT EXISTS (SELECT 1 FROM claims c WHERE m.id = ANY(c.message_ids))",
        tenant=tenant_id,
        queue=queue,
        age=age,
    )


def claim(
    world: World, turns: Turns, limit: int = BATCH, queue: Queue = Queue.NORMAL
) -> Claim | None:
    with world.rt.engine.begin() as db:
        return claims.claim(db, queue, limit, LEASE, world.rt.new_id(), turns)


def whose(world: World, taken: Claim | None) -> Counter[UUID]:
    assert taken is not None
    rows = world.rows(
        "SELECT tenant_id FROM messages WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=list(taken.epochs),
    )
    return Counter(row["tenant_id"] for row in rows)


def test_a_message_is_in_the_next_claim_whoever_floods_the_lane(world: World) -> None:
    flood, other = tenant(world, "a"), tenant(world, "b")
    put(world, flood, 500, age=60)
    turns = Turns()
    assert whose(world, claim(world, turns)) == {flood: BATCH}
    put(world, other, 1)
    assert whose(world, claim(world, turns)) == {flood: BATCH - 1, other: 1}
    assert whose(world, claim(world, turns)) == {flood: BATCH}
    assert turns.alone


def test_three_to_one_while_both_have_something_and_all_of_it_for_the_last(world: World) -> None:
    heavy, light = tenant(world, "heavy", 3), tenant(world, "light")
    put(world, light, 60, age=60)
    put(world, heavy, 100)
    turns = Turns()
    taken = [whose(world, claim(world, turns)) for _ in range(4)]
    assert taken[:3] == [{heavy: 30, light: 10}] * 3
    assert taken[3] == {heavy: 10, light: 30}


def test_of_each_tenant_the_oldest_are_taken(world: World) -> None:
    one, two = tenant(world, "one"), tenant(world, "two")
    put(world, one, 20, age=10)
    put(world, two, 20, age=30)
    put(world, one, 20, age=20)
    taken = claim(world, Turns())
    assert whose(world, taken) == {one: 20, two: 20}
    left = world.rows("SELECT DISTINCT due_at < now() - interval '15 s' AS old FROM ready")
    assert left == [{"old": False}]


def test_who_waits_for_a_time_takes_no_part(world: World) -> None:
    waits, due = tenant(world, "waits"), tenant(world, "due")
    put(world, waits, 5, age=-600)
    turns = Turns()
    assert claim(world, turns) is None
    put(world, due, 50)
    assert whose(world, claim(world, turns)) == {due: BATCH}
    assert whose(world, claim(world, turns)) == {due: 10}
    assert claim(world, turns) is None


def test_more_tenants_than_one_look_sees_come_round(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "LOOKED_AT", 3)
    everybody = [tenant(world, f"t{n}") for n in range(8)]
    for n, tenant_id in enumerate(everybody):
        put(world, tenant_id, 30, age=n)
    turns, taken = Turns(), Counter[UUID]()
    for _ in range(6):
        taken += whose(world, claim(world, turns, 12))
    assert set(taken) == set(everybody)
    assert sum(taken.values()) == 72


@pytest.mark.parametrize("back", ["crash", "give back"])
def test_what_comes_back_is_still_its_tenants(world: World, back: str) -> None:
    one, two = tenant(world, "one"), tenant(world, "two")
    put(world, one, 6)
    put(world, two, 2)
    taken = claim(world, Turns())
    assert taken is not None
    assert world.ready() == []
    with world.rt.engine.begin() as db:
        if back == "give back":
            backlog.give_back(db, taken.id, timedelta(0))
    if back == "crash":
        world.run("UPDATE claims SET lease_until = now() - interval '1 second'")
        with world.rt.engine.begin() as db:
            assert backlog.rescue_claims(db, 20, 5) == (8, 0)
    rows = Counter((r["queue"], r["tenant_id"]) for r in world.ready())
    queue = "suspect" if back == "crash" else "normal"
    assert rows == {(queue, one): 6, (queue, two): 2}
    turns = Turns()
    singly = [whose(world, claim(world, turns, 1, Queue(queue))) for _ in range(8)]
    assert Counter(next(iter(one_)) for one_ in singly[:4]) == {one: 2, two: 2}
    assert Counter(next(iter(one_)) for one_ in singly) == {one: 6, two: 2}


def test_claims_at_once_share_no_message_of_several_tenants(world: World) -> None:
    for name in "abc":
        put(world, tenant(world, name), 100)

    def drain() -> list[UUID]:
        taken, turns = list[UUID](), Turns()
        while world.ready():
            batch = claim(world, turns, 7)
            taken += batch.epochs if batch else ()
        return taken

    everything = [i for part in at_once(*[drain] * 4) for i in part]  # type: ignore[attr-defined]
    assert len(everything) == len(set(everything)) == 300

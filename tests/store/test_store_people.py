"""Suppressions, conversations and idempotency keys, also when several write at once."""

from __future__ import annotations

from uuid import UUID

from messaging.domain.message import Channel
from messaging.store import facts, idempotency, suppressions
from messaging.store.idempotency import Kept
from messaging.store.suppressions import NewSuppression
from tests.world import World, at_once


def numbers(count: int) -> list[str]:
    return [f"+120255501{n:02}" for n in range(count)]


def suppress(world: World, *keys: bytes) -> None:
    rows = [NewSuppression(world.tenant.id, Channel.SMS, key, "api") for key in keys]
    with world.rt.engine.begin() as db:
        suppressions.add(db, rows)


def test_facts_are_gathered_for_what_is_still_queued(world: World) -> None:
    free, stopped, canceled = (world.put_one(recipient=n) for n in numbers(3))
    suppress(world, world.key(numbers(3)[1]))
    world.run("UPDATE messages SET status = 'canceled' WHERE id = :id", id=canceled)
    stick(world, [free], world.sender.id)
    with world.rt.engine.connect() as db:
        cases = {c.message.id: c for c in facts.gather(db, [free, stopped, canceled])}
    assert set(cases) == {free, stopped}
    assert cases[free].facts.suppression is None
    assert cases[stopped].facts.suppression is not None
    assert cases[free].sticky_sender_id == world.sender.id
    assert cases[stopped].sticky_sender_id is None


def stick(world: World, ids: list[UUID], sender_id: UUID) -> None:
    with world.rt.engine.begin() as db:
        facts.stick(db, [(i, world.rt.new_id(), sender_id) for i in ids])


def test_a_conversation_remembers_who_spoke_last(world: World) -> None:
    other = world.add_sender("+12025550198")
    ids = world.put(3)
    stick(world, ids, world.sender.id)
    (first,) = world.rows("SELECT * FROM conversations")
    stick(world, ids, other.id)
    (second,) = world.rows("SELECT * FROM conversations")
    assert (first["id"], first["sender_id"]) == (second["id"], world.sender.id)
    assert second["sender_id"] == other.id


def test_batches_at_once_over_the_same_recipients_do_not_deadlock(world: World) -> None:
    ids = [world.put_one(recipient=number) for number in numbers(40)]
    senders = [world.sender.id, world.add_sender("+12025550198").id]

    def often(turn: int) -> None:
        order = ids if turn % 2 else ids[::-1]
        for _ in range(8):
            stick(world, order, senders[turn % 2])

    at_once(*[lambda turn=turn: often(turn) for turn in range(6)])
    rows = world.rows("SELECT sender_id FROM conversations")
    assert len(rows) == 40
    assert {row["sender_id"] for row in rows} <= set(senders)


def test_a_key_is_locked_until_the_end_of_its_transaction(world: World) -> None:
    mine, theirs = (world.tenant.id, "a"), (world.rt.new_id(), "a")
    with world.rt.engine.connect() as first, world.rt.engine.connect() as second:
        assert idempotency.lock(first, [mine]) == [True]
        assert idempotency.lock(second, [theirs, mine, (world.tenant.id, "b")]) == [
            True,
            False,
            True,
        ]
        first.rollback()
        assert idempotency.lock(second, [mine]) == [True]


def test_a_key_is_found_with_what_it_was_used_for(world: World) -> None:
    kept = Kept(b"\x00\xff", [{"id": "x"}, {"problems": [["#/to", "é", "'"]]}])
    with world.rt.engine.begin() as db:
        idempotency.keep(db, [(world.tenant.id, "a", kept), (world.tenant.id, "b", kept)])
    with world.rt.engine.connect() as db:
        asked = [(world.tenant.id, "a"), (world.tenant.id, "c"), (world.rt.new_id(), "b")]
        assert idempotency.find(db, asked) == {(world.tenant.id, "a"): kept}

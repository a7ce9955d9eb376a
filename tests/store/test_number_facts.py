"""What is known of numbers: the newest word holds, and each number is asked about once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from messaging.domain.compliance.facts import LineType
from messaging.domain.message import Channel
from messaging.store import number_facts
from messaging.store.number_facts import Learned, Pending
from tests.world import World, at_once

LONG_AGO = datetime(2026, 1, 5, tzinfo=UTC)
HOLD = timedelta(seconds=60)


def learn(world: World, *rows: tuple[bytes, LineType, datetime | None]) -> None:
    learned = [Learned(world.tenant.id, key, kind, "import", at) for key, kind, at in rows]
    with world.rt.engine.begin() as db:
        number_facts.learn(db, learned)


def known(world: World, *keys: bytes, tenant_id: UUID | None = None) -> dict[bytes, str]:
    with world.rt.engine.connect() as db:
        lines = number_facts.among(db, tenant_id or world.tenant.id, keys)
    return {key: line.type.value for key, line in lines.items()}


def want(world: World, *rows: tuple[bytes, UUID]) -> None:
    with world.rt.engine.begin() as db:
        number_facts.want(db, [(world.tenant.id, key, message_id) for key, message_id in rows])


def take(world: World, limit: int = 100) -> list[Pending]:
    with world.rt.engine.begin() as db:
        return number_facts.take(db, limit, HOLD)


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        ([("mobile", None), ("landline", None)], "landline"),
        ([("landline", None), ("mobile", LONG_AGO)], "landline"),
        ([("mobile", LONG_AGO), ("landline", LONG_AGO)], "landline"),
        ([("unknown", LONG_AGO), ("voip", None)], "voip"),
        ([("landline", LONG_AGO), ("unknown", None)], "landline"),
        ([("unknown", None)], "unknown"),
    ],
)
def test_the_newest_word_holds(
    world: World, words: list[tuple[str, datetime | None]], holds: str
) -> None:
    key = world.key()
    for kind, at in words:
        learn(world, (key, LineType(kind), at))
    assert known(world, key) == {key: holds}


def test_the_newest_word_of_one_batch_holds(world: World) -> None:
    one, other = world.key("+12025550101"), world.key("+12025550102")
    learn(
        world,
        (one, LineType.MOBILE, None),
        (one, LineType.LANDLINE, LONG_AGO),
        (other, LineType.MOBILE, LONG_AGO),
        (other, LineType.VOIP, LONG_AGO),
    )
    assert known(world, one, other) == {one: "mobile", other: "voip"}


def test_nothing_found_out_renews_what_was_known(world: World) -> None:
    key = world.key()
    learn(world, (key, LineType.LANDLINE, LONG_AGO))
    learn(world, (key, LineType.UNKNOWN, None))
    with world.rt.engine.connect() as db:
        line = number_facts.among(db, world.tenant.id, [key])[key]
    assert (line.type, line.source) == (LineType.LANDLINE, "import")
    assert line.checked_at > LONG_AGO


def test_what_one_tenant_knows_no_other_does(world: World) -> None:
    key = world.key()
    learn(world, (key, LineType.LANDLINE, None))
    assert known(world, key, tenant_id=world.rt.new_id()) == {}
    assert known(world) == {}
    learn(world)


def test_a_number_is_asked_about_once_however_many_wait_for_it(world: World) -> None:
    key = world.key()
    first, second = world.put(2)
    want(world, (key, first), (key, first))
    want(world, (key, second))
    (pending,) = take(world)
    assert (pending.recipient_key, pending.failures) == (key, 0)
    assert (pending.channel, pending.address) == (Channel.SMS, "+12025550123")
    assert take(world) == []


def test_workers_at_once_never_ask_about_the_same_number(world: World) -> None:
    numbers = [f"+120255501{n:02}" for n in range(60)]
    want(world, *((world.key(n), world.put_one(recipient=n)) for n in numbers))

    def drain() -> list[str | None]:
        found: list[str | None] = []
        while some := take(world, 7):
            found += [pending.address for pending in some]
        return found

    taken = at_once(*[drain] * 4)
    assert sorted(n for batch in taken for n in batch) == numbers  # type: ignore[attr-defined]


def test_what_was_put_off_comes_back_with_its_failures(world: World) -> None:
    want(world, (world.key(), world.put_one()))
    (pending,) = take(world)
    with world.rt.engine.begin() as db:
        number_facts.put_off(db, pending, timedelta(seconds=30))
    (row,) = world.rows("SELECT failures, due_at - now() AS wait FROM pending_lookups")
    assert row["failures"] == 1
    assert timedelta(seconds=20) < row["wait"] <= timedelta(seconds=30)
    world.run("UPDATE pending_lookups SET due_at = now()")
    assert [p.failures for p in take(world)] == [1]


def test_whoever_died_over_a_look_up_loses_it_after_a_while(world: World) -> None:
    want(world, (world.key(), world.put_one()))
    take(world)
    world.run("UPDATE pending_lookups SET due_at = due_at - interval '60 seconds'")
    assert len(take(world)) == 1


def test_what_is_learned_is_asked_no_more(world: World) -> None:
    one, other = "+12025550101", "+12025550102"
    want(world, *((world.key(n), world.put_one(recipient=n)) for n in (one, other)))
    learn(world, (world.key(one), LineType.MOBILE, None))
    (left,) = take(world)
    assert left.address == other
    with world.rt.engine.begin() as db:
        number_facts.drop(db, left)
    assert world.rows("SELECT * FROM pending_lookups") == []


def test_an_erased_persons_address_is_not_handed_out(world: World) -> None:
    message_id = world.put_one()
    want(world, (world.key(), message_id))
    world.run("UPDATE messages SET erased_at = now() WHERE id = :id", id=message_id)
    assert [p.address for p in take(world)] == [None]


def test_batches_at_once_over_the_same_numbers_do_not_deadlock(world: World) -> None:
    keys = [world.key(f"+120255501{n:02}") for n in range(50)]
    message_id = world.put_one()

    def often(turn: int) -> None:
        order = keys if turn % 2 else keys[::-1]
        for _ in range(8):
            want(world, *((key, message_id) for key in order))
            learn(world, *((key, LineType.MOBILE, None) for key in order))

    at_once(*(lambda turn=turn: often(turn) for turn in range(4)))
    assert set(known(world, *keys).values()) == {"mobile"}

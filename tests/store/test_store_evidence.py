"""Attempts are settled once; receipts are kept, taken, parked and woken."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from messaging.store import attempts, raw_receipts, receipts
from messaging.store.attempts import SettledBy, Settlement
from messaging.store.raw_receipts import RawReceipt
from messaging.store.receipts import Noted, PendingReceipt
from tests.world import World, at_once


def opened(world: World, count: int = 1) -> list[UUID]:
    ids = world.put(count)
    world.carrier.answer = lambda _: None
    world.take()
    assert len(world.open_attempts()) == count
    return ids


def settle(world: World, *settlements: Settlement) -> set[UUID]:
    with world.rt.engine.begin() as db:
        return attempts.settle(db, settlements)


def test_an_attempt_is_settled_once_by_whoever_comes_first(world: World) -> None:
    (message_id,) = opened(world)
    words = [
        Settlement(message_id, 1, "accepted", by, provider_message_id=f"SM{by}") for by in SettledBy
    ]
    closed = at_once(*[lambda word=word: settle(world, word) for word in words])
    assert sorted(map(len, closed)) == [0, 0, 0, 1]  # type: ignore[arg-type]
    (row,) = world.attempts(message_id)
    assert row["provider_message_id"] == f"SM{row['settled_by']}"
    assert row["sender_id"] == world.sender.id
    assert world.open_attempts() == []


def test_a_settlement_of_another_epoch_closes_nothing(world: World) -> None:
    (message_id,) = opened(world)
    for epoch in (0, 2):
        stale = Settlement(message_id, epoch, "accepted", SettledBy.REPLY)
        assert settle(world, stale) == set()
    assert len(world.open_attempts()) == 1
    assert world.attempts(message_id) == []


def test_doubt_keeps_its_first_moment(world: World) -> None:
    (message_id,) = opened(world)
    marks = []
    for code in ("timeout", "reset"):
        with world.rt.engine.begin() as db:
            attempts.doubt(db, [(message_id, 1, code)], timedelta(seconds=30))
        (row,) = world.open_attempts()
        marks.append((row["doubt_since"], row["doubt_code"]))
    assert marks[0][0] == marks[1][0]
    assert [code for _, code in marks] == ["timeout", "reset"]


def test_each_doubtful_attempt_is_held_by_one_reconciler(world: World) -> None:
    ids = opened(world, 20)
    world.run("UPDATE open_attempts SET doubt_since = now(), check_at = now()")

    def take() -> list[UUID]:
        with world.rt.engine.begin() as db:
            found = attempts.take_doubtful(db, 4, timedelta(minutes=5))
        return [attempt.message_id for attempt in found]

    taken = [i for batch in at_once(*[take] * 5) for i in batch]  # type: ignore[attr-defined]
    taken += take() + take()
    assert len(taken) == len(set(taken))
    while more := take():
        taken += more
    assert sorted(taken) == sorted(ids)


def raw(world: World, sid: str, message_id: UUID | None = None) -> RawReceipt:
    body = f"MessageSid={sid}&MessageStatus=sent".encode()
    return RawReceipt(
        world.account.id, "https://x.example/y", body, message_id, 1 if message_id else None
    )


def keep(world: World, *kept: RawReceipt) -> None:
    with world.rt.engine.begin() as db:
        raw_receipts.keep(db, kept)


def take(world: World, limit: int = 100) -> list[PendingReceipt]:
    with world.rt.engine.begin() as db:
        return receipts.take(db, limit)


def test_receipts_are_taken_in_the_order_they_came_and_once(world: World) -> None:
    keep(world, *[raw(world, f"SM{n:02}") for n in range(30)])
    bodies = [r.body for r in take(world, 10)] + [r.body for r in take(world)]
    assert bodies == [raw(world, f"SM{n:02}").body for n in range(30)]
    assert take(world) == []
    keep(world, *[raw(world, f"SM{n:02}") for n in range(60)])
    shares = at_once(*[lambda: [r.id for r in take(world, 20)]] * 4)
    ids = [i for share in shares for i in share]  # type: ignore[attr-defined]
    ids += [r.id for r in take(world)]
    assert len(ids) == len(set(ids)) == 60


def test_a_receipt_taken_in_a_transaction_that_fails_is_still_there(world: World) -> None:
    keep(world, raw(world, "SM1"))
    with world.rt.engine.connect() as db:
        assert len(receipts.take(db, 10)) == 1
        db.rollback()
    assert len(take(world)) == 1


def test_a_parked_receipt_wakes_by_its_id_or_by_its_time(world: World) -> None:
    keep(world, raw(world, "SM1"), raw(world, "SM2"))
    first, second = take(world)
    with world.rt.engine.begin() as db:
        receipts.park(db, [(first.id, "SM1"), (second.id, "SM2")], timedelta(hours=24))
    assert take(world) == []
    with world.rt.engine.begin() as db:
        assert receipts.wake(db, ["SM1", "SM3"]) == 1
    (woken,) = take(world)
    assert (woken.id, woken.parked) == (first.id, False)
    world.run("UPDATE pending_receipts SET due_at = now()")
    (due,) = take(world)
    assert (due.id, due.parked) == (second.id, True)


def test_what_became_of_a_receipt_stands_beside_it(world: World) -> None:
    message_id = world.put_one()
    keep(world, raw(world, "SM1"))
    (kept,) = take(world)
    with world.rt.engine.begin() as db:
        receipts.note(db, [Noted(kept.id, "parked")])
        receipts.note(db, [Noted(kept.id, "applied", message_id)])
        receipts.note(db, [Noted(kept.id, "duplicate", provider_status="sent", provider_code="7")])
    (row,) = world.rows("SELECT * FROM raw_receipts")
    assert (row["result"], row["message_id"]) == ("duplicate", message_id)
    assert (row["provider_status"], row["provider_code"]) == ("sent", "7")


_READ = """
SELECT relname, seq_scan, n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables
WHERE relname IN ('raw_receipts', 'attempts', 'open_attempts', 'messages')
"""


def test_a_batch_is_read_and_noted_by_index_however_small_the_tables_are(world: World) -> None:
    ids = world.put(20)
    keep(world, *[raw(world, f"SM{n:02}", ids[n]) for n in range(20)])
    with world.rt.engine.begin() as db:
        before = {row[0]: row[1:] for row in db.execute(sa.text(_READ))}
        taken = receipts.take(db, 100)
        receipts.made(db, ids)
        receipts.targets(db, ids)
        receipts.note(db, [Noted(r.id, "applied", r.message_id, 1, "delivered") for r in taken])
        after = {row[0]: row[1:] for row in db.execute(sa.text(_READ))}
    changed = {
        name: [now - then for now, then in zip(after[name], before[name], strict=True)]
        for name in before
    }
    # Each receipt is noted in its own page, where no index has to be told.
    assert changed.pop("raw_receipts") == [0, 20, 20]
    assert changed == {name: [0, 0, 0] for name in ("attempts", "open_attempts", "messages")}

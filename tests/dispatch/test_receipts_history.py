"""Any order and number of the same receipts: the same message, and the same history of what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging import providers, receipts, webhooks
from messaging.domain.lifecycle import UNKNOWN_OUTCOME, Event, Status
from messaging.providers.base import Webhook
from messaging.store import attempts, receipt_views
from messaging.store import receipts as ledger
from messaging.store.attempts import SettledBy, Settlement
from messaging.store.messages import Move, move
from messaging.store.raw_receipts import RawReceipt
from tests.carrier import accepted
from tests.world import World

WORDS = [
    "queued", "sent", "delivered", "read", "undelivered", "failed", "canceled", "a word of tomorrow",
]  # fmt: skip
CODES = [None, None, 30003, 30005, 30007, 30034, 21610, 30002, 30610]
SAID = st.tuples(st.sampled_from(WORDS), st.sampled_from(CODES))
Said = tuple[str, int | None]

# Where a message is when its receipts come: what its reply was, and what happened since.
SENT, IN_DOUBT, GIVEN_UP, RETRYING = "sent", "in doubt", "given up", "retrying"


def born(world: World, where: str, sid: str) -> UUID:
    for table in ("ready", "suppressions", "number_facts"):  # what the message before has left
        world.run(f"DELETE FROM {table}")
    message_id = world.put_one()
    world.carrier.answer = lambda _: accepted(sid)
    if where == SENT:
        world.send()
        return message_id
    world.take()
    world.window = world.a_window()  # its worker is gone
    ended = {GIVEN_UP: "unknown", RETRYING: "transient_retry"}.get(where)
    if ended is not None:
        with world.rt.engine.begin() as db:
            attempts.settle(db, [Settlement(message_id, 1, ended, SettledBy.LOOKUP)])
            move(db, [STEPS[where](message_id)])
    return message_id


STEPS = {
    GIVEN_UP: lambda id_: Move(
        id_, 1, Status.SENDING, Event.GAVE_UP, Status.FAILED, UNKNOWN_OUTCOME, counts=True
    ),
    RETRYING: lambda id_: Move(
        id_, 1, Status.SENDING, Event.RETRIED, Status.QUEUED, "transient_retry", provider_code="5"
    ),
}


def post(world: World, message_id: UUID, sid: str, said: Said) -> None:
    """As a webhook comes in: known again by its bytes."""
    word, code = said
    body = f"MessageSid={sid}&MessageStatus={word}" + (f"&ErrorCode={code}" if code else "")
    webhook = Webhook(world.callback(message_id, 1), {}, body.encode())
    (event,) = providers.get("twilio").events(webhook)
    key = f"{event.key}@{message_id}"
    kept = RawReceipt(world.account.id, webhook.url, event.body, message_id, 1, key)
    with world.rt.engine.begin() as db:
        webhooks.keep(db, [kept])


def tell(world: World, where: str, said: Sequence[Said], batch: int) -> dict[str, Any]:
    """What a message comes to by these receipts, applied so many at a time."""
    # An earlier example's receipts may have taken the sender's registration away.
    world.run("UPDATE senders SET verification = 'unregistered'")
    world.run("UPDATE tendlc_campaigns SET status = 'verified'")
    world.forget_senders()
    sid = f"SM{world.rt.new_id().hex}"
    message_id = born(world, where, sid)
    for one in said:
        post(world, message_id, sid, one)
        if batch == 1:
            world.applied()
    receipts.apply(world.rt, batch=batch)
    row = world.row(message_id)
    with world.rt.engine.connect() as db:
        history = receipt_views.receipts(db, message_id)
    times = {name: row[name] is not None for name in ("sent_at", "delivered_at")}
    kept = [asdict(view) for view in history]
    for view in kept:
        for of_arrival in ("received_at", "result", "repeats"):
            del view[of_arrival]
    held = world.rows("SELECT status FROM held WHERE message_id = :id", id=message_id)
    return {
        "status": row["status"],
        "code": row["provider_code"],
        "reason": row["status_reason"],
        "attempts": row["attempts"],
        "sid": row["provider_message_id"] == sid,
        "times": times,
        "held": [h["status"] for h in held],
        "history": kept,
        "open": [o["epoch"] for o in world.open_attempts() if o["message_id"] == message_id],
    }


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    where=st.sampled_from([SENT, IN_DOUBT, GIVEN_UP, RETRYING]),
    said=st.lists(SAID, min_size=1, max_size=6),
    batches=st.tuples(st.sampled_from([1, 2, 500]), st.sampled_from([1, 2, 500])),
    data=st.data(),
)
def test_any_order_and_number_of_the_same_receipts_ends_the_same(
    world: World, where: str, said: list[Said], batches: tuple[int, int], data: st.DataObject
) -> None:
    again = data.draw(
        st.permutations(said + data.draw(st.lists(st.sampled_from(said), max_size=4)))
    )
    first = tell(world, where, said, batches[0])
    second = tell(world, where, again, batches[1])
    assert first == second


def test_the_history_shows_what_was_said_and_what_it_changed(world: World) -> None:
    message_id = born(world, SENT, "SM1")
    for said in (("undelivered", 30005), ("sent", None), ("delivered", None), ("sent", None)):
        post(world, message_id, "SM1", said)
    assert world.applied() == "2 applied, 1 late"
    with world.rt.engine.connect() as db:
        history = receipt_views.receipts(db, message_id)
    told = [(r.provider_status, r.provider_code, r.result, r.repeats) for r in history]
    assert told == [
        ("sent", None, "late", 1),
        ("undelivered", "30005", "applied", 0),
        ("delivered", None, "applied", 0),
    ]
    assert history[1].detail is not None
    assert {(r.epoch, r.asked) for r in history} == {(1, False)}


@pytest.mark.parametrize("end", ["delivered", "undelivered", "failed"])
def test_an_end_without_a_receipt_of_the_send_was_sent_all_the_same(world: World, end: str) -> None:
    message_id = born(world, IN_DOUBT, "SM1")
    post(world, message_id, "SM1", (end, None))
    world.applied()
    row = world.row(message_id)
    assert row["sent_at"] is not None
    assert row["sent_at"] >= row["sending_started_at"]


def test_a_correction_sets_its_own_time_and_keeps_the_others(world: World) -> None:
    message_id = born(world, SENT, "SM1")
    sent_at = world.row(message_id)["sent_at"]
    for said in (("failed", None), ("undelivered", 30003), ("undelivered", 30034)):
        post(world, message_id, "SM1", said)
        world.applied()
    (held,) = world.rows("SELECT status FROM held")
    assert held["status"] == "blocked_missing_campaign"
    post(world, message_id, "SM1", ("delivered", None))
    world.applied()
    row = world.row(message_id)
    times = [row[f"{word}_at"] for word in ("failed", "undeliverable", "blocked", "delivered")]
    assert times == sorted(times)
    assert row["sent_at"] == sent_at
    assert (row["status"], row["provider_code"], row["status_reason"]) == ("delivered", None, None)
    assert world.rows("SELECT * FROM held") == []
    told = world.rows("SELECT what FROM sender_tallies ORDER BY what")
    assert [row["what"] for row in told] == ["delivered", "sent"]


def test_an_attempt_is_believed_only_from_the_account_that_made_it(world: World) -> None:
    message_id = born(world, SENT, "SM1")
    url = world.callback(message_id, 1)
    mine, world.account = world.account, world.add_account()
    world.report("SM1", "delivered", url)
    assert world.applied() == "1 wrong_account"
    assert world.status(message_id) == "sent"
    with world.rt.engine.connect() as db:
        assert receipt_views.receipts(db, message_id) == []
    world.account = mine
    world.report("SM1", "delivered", url)
    assert world.applied() == "1 applied"


def test_how_fast_messages_arrive_is_known_after_a_batch(world: World) -> None:
    message_id = born(world, SENT, "SM1")
    world.run("UPDATE attempts SET finished_at = finished_at - interval '7 s'")
    post(world, message_id, "SM1", ("delivered", None))
    with world.rt.engine.begin() as db:
        done = receipts._apply_batch(world.rt, db, ledger.take(db, 10))
    ((account_id, seconds),) = done.deliveries
    assert account_id == world.account.id
    assert 7 <= seconds < 60

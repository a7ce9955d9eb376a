"""What each step says of its sender, counted exactly once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from messaging.domain.failures import Failure, Kind
from messaging.domain.message import Queue, Traffic
from tests.carrier import accepted, refused
from tests.dispatch.handset import Handset
from tests.world import World, at_once

OTHER = "+12025550124"
BROKEN = Failure(Kind.NOT_SENT, "connect", "Nobody there.")


def told(world: World) -> dict[str, int]:
    rows = world.rows("SELECT what, sum(n) AS n FROM sender_tallies GROUP BY 1")
    return {row["what"]: int(row["n"]) for row in rows}


def sent(world: World, sid: str = "SM1", queue: Queue = Queue.NORMAL, **fields: Any) -> UUID:
    message_id = world.put_one(**fields)
    world.carrier.answer = lambda _: accepted(sid)
    world.send(queue)
    assert world.status(message_id) == "sent"
    return message_id


def reported(world: World, *words: str, code: int | None = None) -> dict[str, int]:
    for word in words:
        world.report("SM1", word, code=code)
        world.applied()
    return told(world)


# --- the reply to a send


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, 21211, {"undelivered": 1}),
        (400, 21612, {"undelivered": 1}),
        (400, 21614, {"landline": 1}),
        (400, 21610, {"opted_out": 1}),
        (400, 30007, {}),  # a code of receipts: here it would be unknown, so ours to settle
        (400, 21606, {}),
        (401, 20003, {}),
        (400, 10001, {}),
        (503, 20503, {}),
        (429, 20429, {}),
        (500, 20500, {}),
    ],
)
def test_a_refusal_tells_of_the_recipient_and_not_of_us(
    world: World, status: int, code: int, expected: dict[str, int]
) -> None:
    world.put_one()
    world.carrier.answer = lambda _: refused(status, code)
    world.send()
    assert told(world) == expected


def test_what_is_sent_is_counted_by_sender_and_template(world: World) -> None:
    for template in ("spring", "spring", None):
        sent(world, template=template)
    rows = world.rows("SELECT sender_id, template, what, n FROM sender_tallies")
    found = {(r["sender_id"], r["template"], r["what"]): r["n"] for r in rows if r["n"] == 1}
    assert found.keys() == {(world.sender.id, t, "sent") for t in ("spring", None)}
    assert told(world) == {"sent": 3}


def test_a_batch_is_a_row_for_each_sender_and_template(world: World) -> None:
    world.put(20, template="spring")
    world.send()
    assert [r["n"] for r in world.rows("SELECT n FROM sender_tallies")] == [20]


def test_tests_are_not_counted_and_everything_else_is(world: World) -> None:
    sent(world, traffic=Traffic.TEST)
    assert reported(world, "delivered") == {}
    sent(world, "SM2", traffic=Traffic.WARMUP)
    sent(world, "SM3", traffic=Traffic.SYSTEM_INTERNAL)
    assert told(world) == {"sent": 2}


def test_what_runs_out_of_time_or_attempts_says_nothing(world: World) -> None:
    world.put_one(expires_at=world.rt.now() + timedelta(milliseconds=1))
    world.carrier.answer = lambda _: BROKEN
    world.send()
    assert told(world) == {}


# --- receipts


@pytest.mark.parametrize(
    ("word", "code", "expected"),
    [
        ("delivered", None, {"delivered": 1}),
        ("read", None, {"delivered": 1}),
        ("undelivered", None, {"undelivered": 1}),
        ("undelivered", 30003, {"undelivered": 1}),
        ("undelivered", 30005, {"landline": 1}),
        ("undelivered", 30006, {"landline": 1}),
        ("undelivered", 30007, {"filtered": 1}),
        ("failed", 30007, {"filtered": 1}),
        ("undelivered", 21610, {"opted_out": 1}),
        ("undelivered", 30008, {"undelivered": 1}),
        ("undelivered", 30019, {}),  # ours: too large
        ("undelivered", 30022, {}),  # ours: too fast
        ("undelivered", 30034, {}),  # ours: not registered
        ("undelivered", 30500, {}),  # Twilio's own
        ("failed", None, {}),
        ("failed", 30003, {}),
    ],
)
def test_a_receipt_tells_how_it_ended(
    world: World, word: str, code: int | None, expected: dict[str, int]
) -> None:
    sent(world)
    assert reported(world, word, code=code) == {"sent": 1, **expected}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("sent", "delivered", "delivered", "sent"), {"sent": 1, "delivered": 1}),
        (("delivered", "undelivered"), {"sent": 1, "delivered": 1}),
        (("undelivered", "undelivered", "delivered"), {"sent": 1, "undelivered": 1}),
    ],
)
def test_repeated_and_late_receipts_are_counted_once(
    world: World, words: tuple[str, ...], expected: dict[str, int]
) -> None:
    sent(world)
    assert reported(world, *words) == expected


def test_receipts_of_one_batch_at_once_are_counted_once(world: World) -> None:
    for n in range(20):
        sent(world, f"SM{n}")
    for word in ("delivered", "sent", "delivered"):
        for n in range(20):
            world.report(f"SM{n}", word)
    at_once(*[world.applied] * 3)
    assert told(world) == {"sent": 20, "delivered": 20}


@pytest.mark.parametrize("reply", [accepted("SM1"), refused(400, 21614)])
@pytest.mark.parametrize("words", [("delivered",), ("sent", "delivered"), ("delivered", "sent")])
def test_a_delivery_that_overtakes_the_reply_counts_the_send_too(
    world: World, words: tuple[str, ...], reply: object
) -> None:
    message_id = world.put_one()
    world.carrier.answer = lambda _: None
    world.take()
    world.window.step(0)
    for word in words:
        world.report("SM1", word, world.callback(message_id, 1))
    world.applied()
    world.carrier.answer_hanging(reply)  # type: ignore[arg-type]
    world.settle()
    assert told(world) == {"sent": 1, "delivered": 1}


def test_evidence_that_calls_a_retry_off_counts_the_send(world: World) -> None:
    message_id = world.put_one()
    world.carrier.answer = lambda _: refused(503, 20503)
    world.send()
    world.report("SM1", "delivered", world.callback(message_id, 1))
    world.applied()
    assert told(world) == {"sent": 1, "delivered": 1}


def test_what_was_known_to_be_sent_and_waits_again_is_not_counted_twice(world: World) -> None:
    message_id = sent(world)
    world.run("UPDATE messages SET status = 'queued' WHERE id = :id", id=message_id)
    assert reported(world, "delivered") == {"sent": 1, "delivered": 1}


# --- answers


def test_an_answer_counts_for_the_number_and_the_text_it_answers(world: World) -> None:
    handset = Handset(world)
    handset.says("Who is this?")
    assert told(world) == {}
    sent(world, template="winter")
    sent(world, template="spring")
    sid = handset.says("Yes, at ten.")
    handset.says("Yes, at ten.", sid)
    handset.says("HELP")
    assert told(world) == {"sent": 2, "replies": 2}
    rows = world.rows(
        "SELECT DISTINCT sender_id, template FROM sender_tallies WHERE what = 'replies'"
    )
    assert [(r["sender_id"], r["template"]) for r in rows] == [(world.sender.id, "spring")]


def test_a_stop_counts_once_however_often_it_is_said(world: World) -> None:
    sent(world)
    handset = Handset(world)
    for word in ("STOP", "stop", "Stop all"):
        handset.says(word)
    assert told(world) == {"sent": 1, "opted_out": 1}


def test_whoever_writes_days_later_answers_nothing(world: World) -> None:
    message_id = sent(world)
    world.run(
        "UPDATE messages SET sending_started_at = now() - interval '73 hours' WHERE id = :id",
        id=message_id,
    )
    Handset(world).says("STOP")
    assert told(world) == {"sent": 1}


def test_our_own_answers_are_no_business(world: World) -> None:
    sent(world)
    Handset(world).says("STOP")
    world.send(Queue.HIGH)
    (reply,) = world.rows("SELECT traffic, status FROM messages WHERE purpose IS NOT NULL")
    assert tuple(reply.values()) == ("SystemInternal", "sent")

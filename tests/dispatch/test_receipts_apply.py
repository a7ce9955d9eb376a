"""Receipts: applied once, in whatever order and however often they come."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from messaging import providers, receipts, telemetry
from messaging.domain.failures import Failure, Kind
from messaging.domain.lifecycle import Event
from messaging.providers import twilio
from messaging.providers.base import DeliveryReport, Webhook
from messaging.store import receipts as ledger
from tests.carrier import accepted, refused
from tests.world import World

TIMEOUT = Failure(Kind.AMBIGUOUS, "timeout", "The provider did not answer in time.")


def sent(world: World, sid: str = "SM1") -> UUID:
    message_id = world.put_one()
    world.carrier.answer = lambda _: accepted(sid)
    world.send()
    assert world.status(message_id) == "sent"
    return message_id


def open_attempt(world: World) -> UUID:
    message_id = world.put_one()
    world.carrier.answer = lambda _: None
    world.take()
    world.window.step(0)
    return message_id


@pytest.mark.parametrize(
    ("words", "status", "results"),
    [
        (["delivered"], "delivered", ["applied"]),
        (["sent", "delivered"], "delivered", ["duplicate", "applied"]),
        (["delivered", "delivered"], "delivered", ["applied", "duplicate"]),
        (["delivered", "sent"], "delivered", ["applied", "late"]),
        (["delivered", "undelivered"], "delivered", ["applied", "contradiction"]),
        (["undelivered", "delivered"], "delivered", ["applied", "applied"]),
        (["failed", "failed", "delivered"], "delivered", ["applied", "duplicate", "applied"]),
        (["undelivered", "failed", "sent"], "undeliverable", ["applied", "contradiction", "late"]),
        (["queued", "sending", "sent"], "sent", ["duplicate"] * 3),
        (["read"], "delivered", ["applied"]),
        (["a word of tomorrow"], "sent", ["duplicate"]),
    ],
)
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("by_address", [True, False])
def test_each_receipt_changes_something_at_most_once(
    world: World,
    words: list[str],
    status: str,
    results: list[str],
    together: bool,
    by_address: bool,
) -> None:
    message_id = sent(world)
    url = world.callback(message_id, 1) if by_address else None
    for word in words:
        world.report("SM1", word, url)
        if not together:
            world.applied()
    world.applied()
    assert (world.status(message_id), world.receipt_results()) == (status, results)
    steps = results.count("applied")
    assert len(world.events(message_id)) == 3 + steps
    assert world.applied() == "nothing to apply"


def test_a_code_says_which_bad_end_it_was(world: World) -> None:
    message_id = sent(world)
    world.report("SM1", "undelivered", code=30034)
    world.applied()
    row = world.row(message_id)
    assert (row["status"], row["provider_code"]) == ("blocked_missing_campaign", "30034")
    assert row["status_reason"] == "The sender is not registered with a 10DLC campaign."


def test_a_receipt_that_overtakes_the_record_settles_and_the_record_changes_nothing(
    world: World,
) -> None:
    message_id = open_attempt(world)
    world.report("SM7", "delivered", world.callback(message_id, 1))
    assert world.applied() == "1 applied"
    assert (world.status(message_id), world.open_attempts()) == ("delivered", [])
    for reply in (accepted("SM7"), refused(500, 20500)):
        before = (world.row(message_id), world.events(message_id), world.attempts(message_id))
        world.carrier.answer_hanging(reply)
        world.settle()
        assert before == (
            world.row(message_id),
            world.events(message_id),
            world.attempts(message_id),
        )
    (attempt,) = world.attempts(message_id)
    assert (attempt["settled_by"], attempt["provider_message_id"]) == ("receipt", "SM7")
    assert (world.row(message_id)["attempts"], world.window.held) == (1, 0)


def test_a_refusal_recorded_after_the_proof_of_acceptance_does_not_send_again(world: World) -> None:
    message_id = open_attempt(world)
    world.report("SM7", "sent", world.callback(message_id, 1))
    world.applied()
    world.carrier.answer_hanging(refused(503, 20503))
    world.settle()
    assert (world.status(message_id), world.ready()) == ("sent", [])


def test_a_receipt_settles_an_attempt_in_doubt(world: World) -> None:
    message_id = world.put_one()
    world.carrier.answer = lambda _: TIMEOUT
    world.send()
    world.report("SM7", "sent", world.callback(message_id, 1))
    world.report("SM7", "delivered", world.callback(message_id, 1))
    assert world.applied() == "2 applied"
    row = world.row(message_id)
    assert (row["status"], row["provider_message_id"], row["attempts"]) == ("delivered", "SM7", 1)
    assert world.events(message_id)[1:] == ["attempted", "accepted", "delivered"]
    assert world.open_attempts() == []
    (attempt,) = world.attempts(message_id)
    assert (attempt["outcome"], attempt["settled_by"]) == ("accepted", "receipt")


def test_a_word_we_do_not_know_settles_nothing(world: World) -> None:
    message_id = open_attempt(world)
    world.report("SM7", "pondering", world.callback(message_id, 1))
    world.applied()
    assert (world.status(message_id), len(world.open_attempts())) == ("sending", 1)


def test_an_unknown_id_is_parked_and_woken_when_that_send_is_recorded(world: World) -> None:
    message_id = open_attempt(world)
    world.report("SM9", "delivered")
    world.report("SM10", "delivered")
    assert world.applied() == "2 parked"
    assert world.applied() == "nothing to apply"
    world.carrier.answer_hanging(accepted("SM9"))
    world.settle()
    assert world.status(message_id) == "sent"
    assert world.applied() == "1 applied"
    assert world.status(message_id) == "delivered"
    assert world.receipt_results() == ["applied", "parked"]


def test_what_nobody_sent_is_unmatched_in_the_end_and_not_before(world: World) -> None:
    world.report("SM9", "delivered")
    world.applied()
    (parked,) = world.rows("SELECT due_at - now() AS wait FROM pending_receipts")
    assert timedelta(hours=23) < parked["wait"] <= timedelta(hours=24)
    world.run("UPDATE pending_receipts SET due_at = now()")
    assert world.applied() == "1 unmatched"
    assert (world.applied(), world.receipt_results()) == ("nothing to apply", ["unmatched"])
    assert world.rows("SELECT * FROM pending_receipts") == []


def test_a_receipt_parked_while_its_send_was_being_recorded_is_applied_in_the_end(
    world: World,
) -> None:
    message_id = sent(world, "SM9")
    world.report("SM9", "delivered")
    with world.rt.engine.begin() as db:
        (pending,) = ledger.take(db, 10)
        ledger.park(db, [(pending.id, "SM9")], timedelta(0))
    assert world.applied() == "1 applied"
    assert world.status(message_id) == "delivered"


def test_a_forged_address_counts_for_nothing_and_the_id_for_what_it_is(world: World) -> None:
    mine, other = sent(world, "SM1"), sent(world, "SM2")
    genuine = world.callback(other, 1)
    seal = genuine[-16:]
    forged = [
        genuine.replace(str(other), str(mine)),
        genuine.replace("e=1", "e=2"),
        genuine[:-16] + "0" * 16,
        genuine.removesuffix(f"&k={seal}"),
        genuine.replace(seal, "é"),
    ]
    for url in forged:
        world.report("SM1", "delivered", url)
    assert world.applied() == "1 applied, 4 duplicate"
    assert (world.status(mine), world.status(other)) == ("delivered", "sent")


def test_an_id_of_another_account_is_not_ours(world: World) -> None:
    message_id = sent(world, "SM1")
    world.account = world.add_account()
    world.report("SM1", "delivered")
    assert world.applied() == "1 parked"
    assert world.status(message_id) == "sent"


def test_a_receipt_of_an_earlier_attempt_moves_nothing(world: World) -> None:
    message_id = world.put_one()
    world.carrier.answer = lambda _: refused(503, 20503)
    world.send()
    world.run("UPDATE ready SET due_at = now()")
    world.carrier.answer = lambda _: accepted("SM2")
    world.send()
    world.report("SM1", "failed", world.callback(message_id, 1))
    assert world.applied() == "1 stale"
    assert world.status(message_id) == "sent"


def test_evidence_calls_a_retry_off(world: World) -> None:
    message_id = world.put_one()
    world.carrier.answer = lambda _: refused(503, 20503)
    world.send()
    assert (world.status(message_id), len(world.ready())) == ("queued", 1)
    world.report("SM1", "sent", world.callback(message_id, 1))
    assert world.applied() == "1 applied"
    world.run("UPDATE ready SET due_at = now()")
    sends = len(world.carrier.requests)
    assert world.send().sent == 0
    assert (len(world.carrier.requests), world.status(message_id)) == (sends, "sent")
    assert world.row(message_id)["provider_message_id"] == "SM1"


@pytest.mark.parametrize(
    "body", [b"", b"MessageSid=SM1", b"\xff\x00", b"{}", b"MessageStatus=sent"]
)
def test_an_unreadable_receipt_is_noted_and_does_not_hold_up_others(
    world: World, body: bytes
) -> None:
    message_id = sent(world)
    world.post(body)
    world.report("SM1", "delivered")
    assert world.applied() == "1 applied, 1 unreadable"
    assert world.status(message_id) == "delivered"


def test_a_receipt_that_breaks_its_reader_does_not_hold_up_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry.configure("error", json=True)
    message_id = sent(world)
    read = twilio.report

    def fragile(webhook: Webhook) -> DeliveryReport | None:
        if b"SMbad" in webhook.body:
            raise IndexError
        return read(webhook)

    fake = replace(twilio.PROVIDER, report=fragile)
    monkeypatch.setitem(providers.PROVIDERS, "twilio", fake)
    for sid in ("SM1", "SMbad", "SM1"):
        world.report(sid, "delivered")
    assert world.applied() == "1 applied, 1 duplicate, 1 unreadable"
    assert world.status(message_id) == "delivered"
    assert world.rows("SELECT * FROM pending_receipts") == []


def test_more_receipts_than_a_batch_are_all_applied(world: World) -> None:
    ids = world.put(30)
    world.carrier.answer = None  # type: ignore[assignment]
    sids = iter(f"SM{n}" for n in range(30))
    world.carrier.answer = lambda _: accepted(next(sids))
    world.send()
    for n in range(30):
        world.report(f"SM{n}", "delivered")
        world.report(f"SM{n}", "sent")
    assert receipts.apply(world.rt, batch=7) == "30 applied, 30 late"
    assert {world.status(i) for i in ids} == {"delivered"}


def test_receipts_of_one_message_in_two_batches_at_once_do_not_conflict(world: World) -> None:
    from tests.world import at_once

    ids = world.put(60)
    sids = iter(f"SM{n}" for n in range(60))
    world.carrier.answer = lambda _: accepted(next(sids))
    world.send()
    for word in ("sent", "delivered", "delivered"):
        for n in range(60):
            world.report(f"SM{n}", word)
    at_once(*[lambda: receipts.apply(world.rt, batch=20)] * 3)
    assert {world.status(i) for i in ids} == {"delivered"}
    delivered = [world.events(i).count(Event.DELIVERED.value) for i in ids]
    assert delivered == [1] * 60

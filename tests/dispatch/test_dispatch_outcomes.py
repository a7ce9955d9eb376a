"""From the backlog to the provider's answer and what is written about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from messaging.domain.failures import Failure, Kind
from messaging.domain.message import Queue
from messaging.domain.warm_up import next_carrier_midnight
from messaging.store import backlog, claims
from tests.carrier import accepted, refused
from tests.world import RECIPIENT, World

UNSENT = Failure(Kind.NOT_SENT, "connect", "The provider did not accept the connection.")


def test_an_accepted_message_is_sent_and_says_by_whom_and_why(world: World) -> None:
    message_id = world.put_one(body="Hi")
    world.carrier.answer = lambda _: accepted("SM1")
    assert str(world.send()) == "claimed 1, put on the wire 1, waiting 0, refused 0"
    row = world.row(message_id)
    assert (row["status"], row["provider_message_id"], row["attempts"]) == ("sent", "SM1", 1)
    assert (row["sender_id"], row["selection_reason"]) == (world.sender.id, "LocalArea")
    assert world.events(message_id) == ["submitted", "attempted", "accepted"]
    (attempt,) = world.attempts(message_id)
    assert (attempt["outcome"], attempt["settled_by"]) == ("accepted", "reply")
    assert (world.open_attempts(), world.ready(), world.rows("SELECT * FROM claims")) == (
        [],
        [],
        [],
    )
    (form,) = world.carrier.forms
    assert (form["To"], form["From"], form["Body"]) == (RECIPIENT, world.sender.address, "Hi")
    assert form["StatusCallback"].split("#")[0] == world.callback(message_id, 1)


def test_a_rate_limited_message_waits_as_long_as_it_was_told(world: World) -> None:
    message_id = world.put_one()
    world.carrier.answer = lambda _: refused(429, 20429, Retry_After="30")
    before = world.rt.now()
    world.send()
    row = world.row(message_id)
    assert (row["status"], row["status_reason"], row["attempts"]) == ("queued", "rate_limited", 1)
    assert timedelta(seconds=30) <= row["next_attempt_at"] - before <= timedelta(seconds=35)
    (ready,) = world.ready()
    assert (ready["due_at"], ready["epoch"]) == (row["next_attempt_at"], 1)
    assert world.send().claimed == 0
    world.run("UPDATE ready SET due_at = now()")
    world.carrier.answer = lambda _: accepted()
    world.send()
    assert (world.status(message_id), world.row(message_id)["attempts"]) == ("sent", 2)


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(500, text="oops"),
        refused(500, 20500),
        httpx.Response(201, json={}),
        httpx.Response(502, text=""),
        Failure(Kind.AMBIGUOUS, "timeout", "The provider did not answer in time."),
    ],
)
def test_an_ambiguous_answer_is_held_in_doubt_and_never_sent_again(
    world: World, reply: httpx.Response | Failure
) -> None:
    message_id = world.put_one()
    world.carrier.answer = lambda _: reply
    world.send()
    assert (world.status(message_id), world.attempts(message_id)) == ("sending", [])
    (opened,) = world.open_attempts()
    assert opened["doubt_since"] is not None
    world.run("UPDATE open_attempts SET check_at = now() - interval '1 hour'")
    with world.rt.engine.begin() as db:
        assert backlog.rescue_claims(db, 20, 5) == (0, 0)
    for queue in Queue:
        assert world.send(queue).claimed == 0
    assert len(world.carrier.requests) == 1


def test_what_never_left_is_tried_again_until_the_attempts_are_used_up(world: World) -> None:
    message_id = world.put_one()
    world.carrier.answer = lambda _: UNSENT
    for attempt in range(1, 6):
        world.run("UPDATE ready SET due_at = now()")
        world.send()
        row = world.row(message_id)
        assert row["attempts"] == attempt
        assert row["status"] == ("queued" if attempt < 5 else "failed")
    assert (row["status_reason"], row["provider_code"]) == ("attempts_exhausted", "connect")
    assert [a["outcome"] for a in world.attempts(message_id)] == ["not_sent"] * 5
    assert [a["epoch"] for a in world.attempts(message_id)] == [1, 2, 3, 4, 5]
    assert world.ready() == []


def test_attempts_used_up_keep_the_providers_own_code(world: World) -> None:
    message_id = world.put_one()
    world.run("UPDATE messages SET attempts = 4 WHERE id = :id", id=message_id)
    world.carrier.answer = lambda _: refused(503, 20503)
    world.send()
    row = world.row(message_id)
    assert (row["status"], row["status_reason"]) == ("failed", "attempts_exhausted")
    assert row["provider_code"] == "20503"


def test_a_refused_sender_is_avoided_and_another_goes_on(world: World) -> None:
    world.add_sender("+12025550198")
    message_id = world.put_one()

    def refuse_the_first(_request: httpx.Request) -> httpx.Response:
        return refused(400, 21606) if len(world.carrier.requests) == 1 else accepted()

    world.carrier.answer = refuse_the_first
    world.send()
    row = world.row(message_id)
    assert (row["status"], row["status_reason"]) == ("queued", "permanent_sender")
    first = row["sender_id"]
    assert row["tried_sender_ids"] == [first]
    world.send()
    row = world.row(message_id)
    assert (row["status"], row["attempts"]) == ("sent", 2)
    assert row["sender_id"] != first
    assert len({form["From"] for form in world.carrier.forms}) == 2
    (sticky,) = world.rows("SELECT sender_id FROM conversations")
    assert sticky["sender_id"] == row["sender_id"]


def test_when_every_sender_was_refused_the_message_fails_and_says_so(world: World) -> None:
    message_id = world.put_one()
    world.carrier.answer = lambda _: refused(400, 21606)
    world.send()
    assert world.send().blocked == {"all_senders_tried": 1}
    row = world.row(message_id)
    assert (row["status"], row["status_reason"]) == ("failed", "all_senders_tried")
    assert row["provider_code"] == "21606"
    assert len(world.carrier.requests) == 1


def test_an_opt_out_the_provider_knows_of_holds_for_every_later_message(world: World) -> None:
    first = world.put_one()
    world.carrier.answer = lambda _: refused(400, 21610)
    world.send()
    row = world.row(first)
    assert (row["status"], row["provider_code"]) == ("opted_out", "21610")
    told = world.rows("SELECT * FROM suppression_events WHERE channel = 'sms'")
    assert [(e["source"], e["evidence"]) for e in told] == [
        ("provider", f"twilio 21610 about message {first}")
    ]
    assert told[0]["recipient_key"] == world.key()
    second = world.put_one()
    other = world.put_one(recipient="+12025550124")
    world.carrier.answer = lambda _: accepted()
    assert world.send().blocked == {"opted_out": 1}
    assert (world.status(second), world.status(other)) == ("opted_out", "sent")
    assert world.attempts(second) == []


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (21211, "undeliverable", "permanent_recipient"),
        (20003, "failed", "permanent_config"),
        (20005, "blocked_billing", "permanent_config"),
        (21617, "failed", "permanent_config"),
    ],
)
def test_a_definite_refusal_ends_the_message_where_its_code_says(
    world: World, code: int, status: str, reason: str
) -> None:
    message_id = world.put_one()
    world.carrier.answer = lambda _: refused(400, code)
    world.send()
    row = world.row(message_id)
    assert (row["status"], row["status_reason"]) == (status, reason)
    assert (row["provider_code"], row["attempts"]) == (str(code), 1)
    assert (world.ready(), world.open_attempts()) == ([], [])


def suppress(world: World, _id: object) -> None:
    world.run(
        "INSERT INTO suppressions (tenant_id, channel, recipient_key, kind, scope, source, since)"
        " VALUES (:tenant, 'sms', :key, 'opt_out', 'all', 'api', now())",
        tenant=world.tenant.id,
        key=world.key(),
    )


def expire(world: World, message_id: object) -> None:
    world.run("UPDATE messages SET expires_at = now() WHERE id = :id", id=message_id)


def spoil(world: World, message_id: object) -> None:
    world.run("UPDATE messages SET recipient = '+1202' WHERE id = :id", id=message_id)


def retire(world: World, _id: object) -> None:
    world.change("senders", world.sender.id, retired_at=world.rt.now())


def ask_for_another(world: World, message_id: object) -> None:
    world.run(
        "UPDATE messages SET requested_sender_id = :sender WHERE id = :id",
        sender=world.rt.new_id(),
        id=message_id,
    )


@pytest.mark.parametrize(
    ("cause", "status", "reason"),
    [
        (suppress, "opted_out", "opted_out"),
        (expire, "failed", "expired"),
        (spoil, "failed", "invalid_recipient"),
        (retire, "failed", "no_sender_in_pool"),
        (ask_for_another, "failed", "sender_not_usable"),
    ],
)
def test_what_may_not_go_ends_with_its_reason_and_without_an_attempt(
    world: World, cause: Any, status: str, reason: str
) -> None:
    message_id = world.put_one()
    cause(world, message_id)
    summary = world.send()
    row = world.row(message_id)
    assert (row["status"], row["status_reason"]) == (status, reason)
    assert summary.blocked == {reason: 1}
    assert (world.carrier.requests, world.attempts(message_id), row["attempts"]) == ([], [], 0)
    assert (row["epoch"], world.ready(), world.rows("SELECT * FROM claims")) == (0, [], [])


def test_without_a_healthy_sender_the_message_is_deferred_and_goes_later(world: World) -> None:
    world.change("senders", world.sender.id, state="cordoned")
    message_id = world.put_one()
    world.send()
    row = world.row(message_id)
    assert (row["status"], row["scheduled_reason"]) == ("scheduled", "no_healthy_sender")
    (scheduled,) = world.rows("SELECT * FROM scheduled")
    assert scheduled["due_at"] > world.rt.now() + timedelta(seconds=50)
    world.change("senders", world.sender.id, state="active")
    world.run("UPDATE scheduled SET due_at = now()")
    with world.rt.engine.begin() as db:
        assert backlog.promote_due(db, 10) == 1
    world.send()
    assert (world.status(message_id), world.row(message_id)["attempts"]) == ("sent", 1)


def test_an_opt_out_between_the_claim_and_the_facts_wins(world: World) -> None:
    message_id = world.put_one()
    with world.rt.engine.begin() as db:
        claim = claims.claim(db, Queue.NORMAL, 10, world.rt.settings.lease, world.rt.new_id())
    assert claim is not None
    suppress(world, message_id)
    world.run("UPDATE claims SET lease_until = now() - interval '1 second'")
    with world.rt.engine.begin() as db:
        backlog.rescue_claims(db, 20, 5)
    world.send(Queue.SUSPECT)
    assert (world.status(message_id), world.carrier.requests) == ("opted_out", [])


@pytest.mark.parametrize("code", [30023, 30027])
def test_a_days_cap_of_a_carrier_is_waited_out(world: World, code: int) -> None:
    """30023 and 30027: the brand's day is used up; T-Mobile's begins at midnight Pacific time."""
    message_id = world.put_one()
    world.carrier.answer = lambda _: refused(429, code)
    world.send()
    row, midnight = world.row(message_id), next_carrier_midnight(world.rt.now())
    assert (row["status"], row["attempts"]) == ("queued", 0)
    assert midnight <= row["next_attempt_at"] <= midnight + timedelta(minutes=30)

"""A STOP, from the verified webhook to the confirmation on its way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import pytest

from messaging import inbound
from messaging.domain.lifecycle import Status
from messaging.domain.message import Category, Priority, Queue
from messaging.providers.base import Webhook
from tests.dispatch.handset import Handset, kept, purposes, replies, suppressed
from tests.world import PUBLIC_URL, RECIPIENT, World, at_once

OTHER = "+12025550124"


@pytest.fixture
def handset(world: World) -> Handset:
    return Handset(world)


def test_stop_suppresses_cancels_and_is_confirmed_once(world: World, handset: Handset) -> None:
    later = world.rt.now() + timedelta(hours=3)
    waiting = [
        *world.put(3),
        world.put_one(Status.SCHEDULED, scheduled_for=later),
        world.put_one(category=Category.MARKETING),
    ]
    somebody_else = world.put_one(recipient=OTHER)
    handset.says("Stop.")
    for message_id in waiting:
        row = world.row(message_id)
        assert (row["status"], row["status_reason"]) == ("canceled", "opted_out")
    assert world.status(somebody_else) == "queued"
    rows = world.rows("SELECT DISTINCT kind, scope, source FROM suppressions")
    assert [tuple(r.values()) for r in rows] == [("opt_out", "all", "inbound")]
    (evidence,) = {r["evidence"] for r in world.rows("SELECT evidence FROM suppression_events")}
    assert evidence == "keyword exact en"
    (reply,) = replies(world)
    assert (reply["purpose"], reply["status"]) == ("opt_out_confirmation", "queued")
    assert (reply["priority"], reply["category"]) == (Priority.HIGH, Category.TRANSACTIONAL)
    assert (reply["recipient"], reply["requested_sender_id"]) == (RECIPIENT, world.sender.id)
    assert reply["body"].startswith("You are unsubscribed")
    assert reply["encoding"] == "GSM-7"
    assert reply["expires_at"] - reply["created_at"] == timedelta(minutes=5)
    (row,) = kept(world)
    assert (row["keyword"], row["inferred"], row["reply_id"]) == ("STOP", False, reply["id"])


def test_the_confirmation_leaves_by_the_fast_lane_though_the_person_is_suppressed(
    world: World, handset: Handset
) -> None:
    handset.says("STOP")
    world.send(Queue.HIGH)
    (reply,) = replies(world)
    assert reply["status"] == "sent"
    assert reply["sender_id"] == world.sender.id


def test_a_repeated_webhook_changes_nothing_and_answers_nothing(
    world: World, handset: Handset
) -> None:
    sid = handset.says("STOP")
    handset.says("START")
    before = (kept(world), world.rows("SELECT * FROM suppression_events"), len(replies(world)))
    handset.says("STOP", sid)
    after = (kept(world), world.rows("SELECT * FROM suppression_events"), len(replies(world)))
    assert after == before
    assert not suppressed(world)


@pytest.mark.parametrize("body", ["STOP", "HELP"])
def test_twins_that_race_are_one_message(world: World, handset: Handset, body: str) -> None:
    at_once(*[lambda: handset.says(body, "SM" + "7" * 32)] * 4)
    assert (len(kept(world)), len(replies(world))) == (1, 1)


def test_a_second_stop_is_heard_and_not_answered(world: World, handset: Handset) -> None:
    handset.says("STOP")
    handset.says("I said STOP")
    assert purposes(world) == ["opt_out_confirmation"]
    assert replies(world)[0]["status"] == "queued"
    assert [row["reply_id"] is None for row in kept(world)] == [False, True]


@pytest.mark.parametrize(
    ("body", "opinion", "keyword", "inferred", "evidence"),
    [
        ("STOP", None, "STOP", False, "keyword exact en"),
        ("sair", None, "STOP", False, "keyword exact pt"),
        ("cancelar", None, "STOP", False, "keyword exact"),
        ("please stop", None, "STOP", True, "keyword inferred en"),
        ("wrong number", None, "STOP", True, "wrong number"),
        ("STOP", "STOP", "STOP", False, "keyword exact en, twilio STOP"),
        ("please stop", "STOP", "STOP", False, "keyword inferred en, twilio STOP"),
        ("Enough", "STOP", "STOP", False, "twilio STOP"),
        ("STOP", "HELP", "STOP", False, "keyword exact en, twilio HELP"),
        ("START", "STOP", "STOP", False, "keyword exact en, twilio STOP"),
    ],
)
def test_either_side_may_say_stop(
    world: World,
    handset: Handset,
    body: str,
    opinion: str | None,
    keyword: str,
    inferred: bool,
    evidence: str,
) -> None:
    handset.says(body, **({"OptOutType": opinion} if opinion else {}))
    assert suppressed(world)
    (row,) = kept(world)
    assert (row["keyword"], row["inferred"], row["provider_keyword"]) == (
        keyword,
        inferred,
        opinion,
    )
    (told,) = {r["evidence"] for r in world.rows("SELECT evidence FROM suppression_events")}
    assert told == evidence


def test_everyday_talk_is_kept_and_nothing_else(world: World, handset: Handset) -> None:
    message_id = world.put_one()
    handset.says("Cancel my order, please")
    assert world.status(message_id) == "queued"
    assert not suppressed(world)
    assert replies(world) == []
    (row,) = kept(world)
    assert (row["keyword"], row["body"]) == ("OTHER", "Cancel my order, please")
    assert (row["from_address"], row["to_address"]) == (RECIPIENT, world.sender.address)


def test_one_tenants_stop_is_no_others(world: World, handset: Handset) -> None:
    other = World(world.rt)
    theirs = other.put_one()
    handset.says("STOP")
    assert other.status(theirs) == "queued"
    assert not suppressed(other)
    Handset(other).says("STOP")
    assert other.status(theirs) == "canceled"
    assert len(kept(world)) == 2


def test_a_stop_covers_the_persons_whole_telephone(world: World, handset: Handset) -> None:
    handset.says("STOP")
    found = world.rows("SELECT channel FROM suppressions ORDER BY channel")
    assert {row["channel"] for row in found} == {"sms", "mms"}


@pytest.mark.parametrize("address", ["262966", "whatsapp:+12025550123", "Posthorn"])
def test_who_cannot_be_written_to_is_heard_and_not_answered(
    world: World, handset: Handset, address: str
) -> None:
    handset.says("STOP", From=address)
    assert [row["from_address"] for row in kept(world)] == [address]
    assert len(world.rows("SELECT * FROM suppressions")) == 2
    assert replies(world) == []


def test_what_is_no_message_is_dropped(world: World) -> None:
    form: dict[str, Any] = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    webhook = Webhook(PUBLIC_URL, {}, urlencode(form).encode())
    inbound.receive(world.rt, world.account, webhook)
    assert kept(world) == []


def test_a_stop_that_cannot_be_obeyed_is_not_kept_either(world: World, handset: Handset) -> None:
    with (
        patch("messaging.suppression.suppress", side_effect=RuntimeError("broken")),
        pytest.raises(RuntimeError),
    ):
        handset.says("STOP", "SM" + "9" * 32)
    assert kept(world) == []
    handset.says("STOP", "SM" + "9" * 32)
    assert suppressed(world)

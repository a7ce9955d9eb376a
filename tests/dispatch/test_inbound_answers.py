"""What is answered to START, HELP and YES, and by whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from messaging import suppression
from messaging.domain.compliance.facts import (
    Basis,
    ConsentAction,
    LineType,
    SuppressionKind,
)
from messaging.domain.message import Category, Channel, Queue, Sender
from messaging.domain.registration import ReplyOwner
from messaging.store import consents, number_facts
from messaging.store.consents import NewConsent
from messaging.store.number_facts import Learned
from messaging.store.suppressions import NewSuppression
from tests.dispatch.handset import Handset, kept, purposes, replies, suppressed
from tests.world import World

OTHER = "+12025550124"


@pytest.fixture
def handset(world: World) -> Handset:
    return Handset(world)


@pytest.mark.parametrize("owner", ["provider", "network"])
def test_whoever_else_answers_is_left_to_it(world: World, handset: Handset, owner: str) -> None:
    world.change("senders", world.sender.id, reply_owner=owner)
    for word in ("STOP", "HELP", "START"):
        handset.says(word)
    assert replies(world) == []
    assert [row["keyword"] for row in kept(world)] == ["STOP", "HELP", "START"]


def test_a_number_that_is_no_sender_of_ours_is_heard_and_silent(
    world: World, handset: Handset
) -> None:
    handset.says("STOP", To="+12025550177")
    assert suppressed(world)
    assert replies(world) == []


def test_the_number_that_was_written_to_answers(world: World, handset: Handset) -> None:
    second: Sender = world.add_sender("+12025550188", reply_owner=ReplyOwner.SELF)
    handset.says("HELP", To=second.address)
    assert replies(world)[0]["requested_sender_id"] == second.id


def test_help_is_answered_while_suppressed_once_a_minute(world: World, handset: Handset) -> None:
    handset.says("STOP")
    handset.says("help")
    handset.says("HELP!")
    assert purposes(world) == ["opt_out_confirmation", "help"]
    handset.says("HELP", From=OTHER)
    world.rt.ahead += timedelta(seconds=61)
    handset.says("HELP")
    assert purposes(world)[2:] == ["help", "help"]
    assert suppressed(world)


def test_a_machine_that_answers_every_help_is_left_alone(world: World, handset: Handset) -> None:
    for _ in range(30):
        handset.says("HELP")
        world.rt.ahead += timedelta(minutes=2)
    assert purposes(world) == ["help"] * 10
    world.rt.ahead += timedelta(days=1)
    handset.says("HELP")
    assert purposes(world) == ["help"] * 11


def test_an_answer_goes_to_a_line_that_is_said_to_be_a_landline(
    world: World, handset: Handset
) -> None:
    with world.rt.engine.begin() as db:
        landline = Learned(world.tenant.id, world.key(), LineType.LANDLINE, "import")
        number_facts.learn(db, [landline])
    handset.says("HELP")
    world.put()
    world.send(Queue.HIGH)
    world.send()
    assert [row["status"] for row in replies(world)] == ["sent"]
    assert world.carrier.forms[0]["Body"] == replies(world)[0]["body"]
    assert len(world.carrier.forms) == 1


def test_help_while_suppressed_is_sent(world: World, handset: Handset) -> None:
    handset.says("STOP")
    handset.says("help")
    world.send(Queue.HIGH)
    assert [row["status"] for row in replies(world)] == ["sent", "sent"]


def test_start_lifts_and_grants_nothing(world: World, handset: Handset) -> None:
    handset.says("STOP")
    handset.says("START")
    handset.says("START")
    assert not suppressed(world)
    assert purposes(world) == ["opt_out_confirmation", "opt_in_confirmation"]
    assert world.rows("SELECT * FROM consent_events") == []


def test_start_lifts_no_complaint(world: World, handset: Handset) -> None:
    with world.rt.engine.begin() as db:
        kind = SuppressionKind.COMPLAINT
        row = NewSuppression(world.tenant.id, Channel.SMS, world.key(), "complaint", kind=kind)
        suppression.suppress(db, [row])
    handset.says("START")
    assert suppressed(world)
    assert replies(world) == []


def test_a_start_older_than_the_stop_is_ignored(world: World, handset: Handset) -> None:
    noon = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    handset.says_at("STOP", noon)
    handset.says_at("START", noon - timedelta(seconds=1))
    assert suppressed(world)
    assert purposes(world) == ["opt_out_confirmation"]
    handset.says_at("START", noon + timedelta(seconds=1))
    assert not suppressed(world)
    assert kept(world)[0]["at"] == noon


def test_a_confirmation_that_comes_too_late_is_not_sent(world: World, handset: Handset) -> None:
    handset.says("STOP")
    world.rt.ahead += timedelta(minutes=5, seconds=1)
    world.send(Queue.HIGH)
    (reply,) = replies(world)
    assert (reply["status"], reply["status_reason"]) == ("failed", "expired")
    assert world.attempts(reply["id"]) == []


def test_yes_alone_does_nothing(world: World, handset: Handset) -> None:
    handset.says("STOP")
    handset.says("yes")
    assert suppressed(world)
    assert purposes(world) == ["opt_out_confirmation"]
    assert world.rows("SELECT * FROM consent_events") == []


def test_yes_is_start_if_the_provider_says_so(world: World, handset: Handset) -> None:
    handset.says("STOP")
    handset.says("yes", OptOutType="START")
    assert not suppressed(world)
    assert world.rows("SELECT * FROM consent_events") == []


def ask(world: World, action: ConsentAction, category: Category, minutes_ago: int) -> None:
    event = NewConsent(
        tenant_id=world.tenant.id,
        channel=Channel.SMS,
        recipient_key=world.key(),
        category=category,
        action=action,
        basis=Basis.EXPRESS_WRITTEN,
        source="web form",
        text_version="v7",
        evidence=None,
        at=world.rt.now() - timedelta(minutes=minutes_ago),
    )
    with world.rt.engine.begin() as db:
        consents.add(db, [event])


def test_yes_grants_what_a_double_opt_in_asked(world: World, handset: Handset) -> None:
    ask(world, ConsentAction.ASK, Category.MARKETING, 5)
    ask(world, ConsentAction.ASK, Category.NOTIFICATION, 9)
    ask(world, ConsentAction.REVOKE, Category.NOTIFICATION, 8)
    handset.says("STOP")
    handset.says("Yes!")
    handset.says("yes")
    assert not suppressed(world)
    granted = world.rows("SELECT * FROM consent_events WHERE action = 'grant'")
    (event,) = granted
    assert (event["category"], event["basis"]) == ("MARKETING", "express_written")
    assert (event["source"], event["text_version"]) == ("inbound", "v7")
    assert event["evidence"]["inbound_id"] == str(kept(world)[1]["id"])
    assert event["evidence"]["read"] == "keyword exact en"


def test_a_tenant_chooses_its_words(world: World, handset: Handset) -> None:
    policy = {"replies": {"stop": "Até logo 👋", "help": "Ask us at the desk."}}
    world.change("tenants", world.tenant.id, policy=policy)
    handset.says("STOP")
    handset.says("HELP")
    bodies = [(row["body"], row["encoding"]) for row in replies(world)]
    assert bodies == [("Até logo 👋", "UCS-2"), ("Ask us at the desk.", "GSM-7")]

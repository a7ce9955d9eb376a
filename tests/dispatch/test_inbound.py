"""What people answer, from the verified webhook to the reply on its way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from sqlalchemy.engine import RowMapping

from messaging import inbound, suppression
from messaging.domain.compliance.facts import Basis, ConsentAction, SuppressionKind
from messaging.domain.lifecycle import Status
from messaging.domain.message import Category, Channel, Priority, Queue, Sender
from messaging.domain.registration import ReplyOwner
from messaging.providers.base import InboundMessage, Webhook
from messaging.store import consents
from messaging.store.consents import NewConsent
from messaging.store.suppressions import NewSuppression
from tests.world import PUBLIC_URL, RECIPIENT, World, at_once

OTHER = "+12025550124"


class Handset:
    """Somebody's telephone: it writes to a sender, and the provider tells us."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sent = 0
        world.change("senders", world.sender.id, reply_owner="self")

    def says(self, body: str, sid: str | None = None, **fields: str) -> str:
        self.sent += 1
        sid = sid or f"SM{self.sent:032d}"
        form = {
            "MessageSid": sid,
            "SmsStatus": "received",
            "From": RECIPIENT,
            "To": self.world.sender.address,
            "Body": body,
        }
        account = self.world.account
        url = f"{PUBLIC_URL}/webhooks/twilio/{account.id}/inbound"
        inbound.receive(self.world.rt, account, Webhook(url, {}, urlencode(form | fields).encode()))
        return sid

    def says_at(self, body: str, at: datetime, keyword: str | None = None) -> None:
        """As `says`, from a provider that tells when it was said."""
        self.sent += 1
        told = InboundMessage(
            f"SM{self.sent:032d}", RECIPIENT, self.world.sender.address, body, keyword, at
        )
        adapter = "messaging.inbound.providers.get"
        with patch(adapter) as get:
            get.return_value.inbound.return_value = told
            inbound.receive(self.world.rt, self.world.account, Webhook("", {}, b""))


@pytest.fixture
def handset(world: World) -> Handset:
    return Handset(world)


def replies(world: World) -> list[RowMapping]:
    return world.rows("SELECT * FROM messages WHERE purpose IS NOT NULL ORDER BY id")


def purposes(world: World) -> list[str]:
    return [row["purpose"] for row in replies(world)]


def suppressed(world: World) -> bool:
    return bool(
        world.rows(
            "SELECT 1 FROM suppressions WHERE tenant_id = :t AND recipient_key = :k",
            t=world.tenant.id,
            k=world.key(),
        )
    )


def kept(world: World) -> list[RowMapping]:
    return world.rows("SELECT * FROM inbound_messages ORDER BY id")


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


def test_a_tenant_chooses_its_words(world: World, handset: Handset) -> None:
    policy = {"replies": {"stop": "Até logo 👋", "help": "Ask us at the desk."}}
    world.change("tenants", world.tenant.id, policy=policy)
    handset.says("STOP")
    handset.says("HELP")
    bodies = [(row["body"], row["encoding"]) for row in replies(world)]
    assert bodies == [("Até logo 👋", "UCS-2"), ("Ask us at the desk.", "GSM-7")]


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

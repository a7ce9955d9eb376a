"""A message that fails for good is said on another channel: once, or not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from messaging import erasure, fallbacks, intake, retention, suppression
from messaging.domain import addresses
from messaging.domain.compliance.keywords import Keyword
from messaging.domain.lifecycle import Status
from messaging.domain.message import Capability, Channel
from messaging.domain.request import SendRequest
from messaging.domain.suppression_request import StopRequest
from messaging.store import inbound
from messaging.store.inbound import NewInbound
from messaging.submission import Entry, Refused, Submission, Taken
from tests.carrier import refused
from tests.remains import remains
from tests.world import RECIPIENT, World, at_once

ADDRESS = "ana@example.com"
FALLBACK = {"channel": "email", "to": ADDRESS, "subject": "About your table"}
LANDLINE = "+442079460123"
PERSON = "17841400000000001"


@pytest.fixture(autouse=True)
def mail(world: World) -> None:
    email = {"channel": Channel.EMAIL, "capabilities": frozenset({Capability.EMAIL})}
    world.add_sender("news@example.com", **email, pool_ids=frozenset())
    dm = {"channel": Channel.INSTAGRAM_DM, "capabilities": frozenset({Capability.INSTAGRAM_DM})}
    world.add_sender("17841400000000000", **dm, pool_ids=frozenset())


def submit(world: World, **fields: Any) -> Entry:
    asked = SendRequest.model_validate({"to": RECIPIENT, "body": "It is ready"} | fields)
    (entry,) = intake.submit(world.rt, Submission(world.tenant, [asked], None, b"", "test")).entries
    return entry


def sms(world: World, **fields: Any) -> UUID:
    entry = submit(world, **({"fallback": FALLBACK} | fields))
    assert isinstance(entry, Taken), entry
    return entry.id


def due(world: World) -> None:
    world.run("UPDATE fallbacks SET due_at = now()")


def run(world: World) -> str:
    due(world)
    return fallbacks.run(world.rt)


def waiting(world: World) -> int:
    return len(world.rows("SELECT 1 FROM fallbacks"))


def stand_ins(world: World, message_id: UUID) -> list[Any]:
    return world.rows("SELECT * FROM messages WHERE stands_in_for = :id", id=message_id)


def test_what_a_provider_refuses_for_good_is_sent_as_an_e_mail_once(world: World) -> None:
    message_id = sms(world, category="NOTIFICATION", campaign="tables", metadata={"table": 7})
    world.carrier.answer = lambda _: refused(400, 21211)
    world.send()
    assert world.status(message_id) == "undeliverable"
    assert run(world) == "1 send"
    assert run(world) == "nothing due"
    (found,) = stand_ins(world, message_id)
    assert (found["channel"], found["recipient"], found["body"]) == (
        "email",
        ADDRESS,
        "It is ready",
    )
    assert (found["category"], found["campaign"]) == ("NOTIFICATION", "tables")
    assert found["metadata"] == {"table": 7}
    assert found["parts"]["subject"] == "About your table"
    assert found["status"] == "queued"
    assert world.events(found["id"]) == ["submitted"]
    assert waiting(world) == 0


def test_two_workers_send_one_stand_in(world: World) -> None:
    message_ids = [sms(world) for _ in range(20)]
    world.carrier.answer = lambda _: refused(400, 21211)
    world.send()
    due(world)
    at_once(*[lambda: fallbacks.run(world.rt)] * 4)
    assert [len(stand_ins(world, message_id)) for message_id in message_ids] == [1] * 20


def test_a_stand_in_waits_as_long_as_the_message_may_arrive(world: World) -> None:
    message_id = sms(world)
    assert run(world) == "1 wait"
    world.send()
    assert run(world) == "1 wait"  # sent, and nobody has said more
    assert fallbacks.run(world.rt) == "nothing due"  # it is looked at again in a while
    (row,) = world.rows("SELECT due_at - clock_timestamp() AS left FROM fallbacks")
    assert timedelta(0) < row["left"] <= timedelta(seconds=5)
    world.report(world.row(message_id)["provider_message_id"], "delivered")
    world.applied()
    assert run(world) == "1 drop"
    assert (waiting(world), stand_ins(world, message_id)) == (0, [])


def test_a_receipt_that_says_undelivered_lets_it_go(world: World) -> None:
    message_id = sms(world)
    world.send()
    world.report(world.row(message_id)["provider_message_id"], "undelivered", code=30003)
    world.applied()
    assert run(world) == "1 send"
    assert len(stand_ins(world, message_id)) == 1


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        ("failed", "unknown_outcome", "1 wait"),
        ("failed", "expired", "1 drop"),
        ("opted_out", "opted_out", "1 drop"),
        ("canceled", "canceled_by_caller", "1 drop"),
        ("blocked_compliance", "no_consent", "1 drop"),
        ("blocked_missing_campaign", "campaign_not_verified", "1 wait"),
    ],
)
def test_who_does_not_want_it_or_may_have_it_gets_no_other(
    world: World, status: str, reason: str, said: str
) -> None:
    message_id = sms(world)
    world.run(
        "UPDATE messages SET status = CAST(:status AS message_status), status_reason = :reason,"
        " failed_at = now() WHERE id = :id",
        status=status,
        reason=reason,
        id=message_id,
    )
    assert run(world) == said
    assert stand_ins(world, message_id) == []


def test_an_address_that_can_take_no_message_is_no_error_beside_a_stand_in(world: World) -> None:
    entry = submit(world, to=LANDLINE, fallback=FALLBACK)
    assert isinstance(entry, Taken)
    assert entry.status is Status.UNDELIVERABLE
    assert run(world) == "1 send"
    assert len(stand_ins(world, entry.id)) == 1
    assert isinstance(submit(world, to=LANDLINE), Refused)


def test_what_is_wrong_at_the_callers_is_answered_all_the_same(world: World) -> None:
    world.change("senders", world.sender.id, state="retired")
    entry = submit(world, fallback=FALLBACK)
    assert isinstance(entry, Refused)
    assert entry.reason == "no_sender_in_pool"
    assert waiting(world) == 0


def test_a_stand_in_is_judged_for_itself(world: World) -> None:
    suppression.stop(world.rt, world.tenant, StopRequest(to=ADDRESS.upper(), channel=Channel.EMAIL))
    entry = submit(world, to=LANDLINE, fallback=FALLBACK)
    assert isinstance(entry, Taken)
    assert run(world) == "1 send"
    (found,) = stand_ins(world, entry.id)
    assert (found["status"], found["status_reason"]) == ("opted_out", "opted_out")
    verdicts = world.rows("SELECT reason FROM verdicts WHERE message_id = :id", id=found["id"])
    assert [row["reason"] for row in verdicts] == ["opted_out"]


def test_a_stand_in_whose_sender_is_gone_is_given_up_and_the_others_are_not(world: World) -> None:
    gone = submit(world, to=LANDLINE, fallback=FALLBACK | {"from": "news@example.com"})
    stays = submit(world, to=LANDLINE, fallback={"channel": "mms", "to": RECIPIENT})
    assert isinstance(gone, Taken)
    assert isinstance(stays, Taken)
    world.run("DELETE FROM senders WHERE address = 'news@example.com'")
    world.run("UPDATE senders SET capabilities = '{sms,mms}' WHERE address = '+12025550199'")
    world.forget_senders()
    assert run(world) == "2 send"
    assert stand_ins(world, gone.id) == []
    (found,) = stand_ins(world, stays.id)
    assert (found["channel"], found["status"]) == ("mms", "queued")
    assert waiting(world) == 0


def wrote(world: World, ago: timedelta) -> None:
    now = world.rt.now()
    key = addresses.key(world.rt.settings.pepper, "instagram_dm", PERSON)
    row = NewInbound(
        id=world.rt.new_id(),
        tenant_id=world.tenant.id,
        account_id=world.account.id,
        channel=Channel.INSTAGRAM_DM,
        provider_message_id=f"mid-{ago}",
        recipient_key=key,
        from_address=PERSON,
        to_address="17841400000000000",
        body="Hello",
        keyword=Keyword.OTHER,
        inferred=False,
        language=None,
        provider_keyword=None,
        at=now - ago,
        received_at=now - ago,
    )
    with world.rt.engine.begin() as db:
        inbound.add(db, row)


def test_instagram_is_answered_for_a_day_and_then_somebody_else_speaks(world: World) -> None:
    dm = {"to": PERSON, "channel": "instagram_dm"}
    never = submit(world, **dm)
    assert isinstance(never, Refused)
    assert never.reason == "outside_window"
    wrote(world, timedelta(hours=23, minutes=59))
    assert isinstance(submit(world, **dm), Taken)
    waits = submit(world, **dm, scheduled_for=world.rt.now() + timedelta(hours=1))
    assert isinstance(waits, Taken)  # they may write again until then
    world.rt.ahead += timedelta(minutes=2)
    blocked = submit(world, **dm, fallback=FALLBACK)
    assert isinstance(blocked, Taken)
    assert blocked.status is Status.BLOCKED_COMPLIANCE
    assert run(world) == "1 send"
    (found,) = stand_ins(world, blocked.id)
    assert found["channel"] == "email"


def test_who_is_erased_is_written_to_in_nobodys_place(world: World) -> None:
    message_id = sms(world)
    erasure.erase(world.rt, world.tenant, Channel.EMAIL, ADDRESS)
    assert waiting(world) == 0
    assert world.status(message_id) == "queued"
    again = sms(world)
    erasure.erase(world.rt, world.tenant, Channel.SMS, RECIPIENT)
    assert waiting(world) == 0
    assert {world.status(message_id), world.status(again)} == {"canceled"}
    assert remains(world.rt.engine, ADDRESS, RECIPIENT) == set()


def test_retention_takes_the_stand_in_with_the_message(world: World) -> None:
    world.change("tenants", world.tenant.id, policy={"retention": {"body_days": 1}})
    sms(world)
    world.send()
    world.run("UPDATE messages SET sent_at = now() - interval '2 days'")
    world.rt.ahead += timedelta(days=2)
    retention.run(world.rt)
    assert waiting(world) == 0
    assert remains(world.rt.engine, ADDRESS) == set()

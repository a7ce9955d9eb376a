"""A refusal for want of a registration: the sender is passed over at once, and comes back when told."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest

from messaging import maintenance, registration, sender_changes
from messaging.domain.registration import BrandStatus, CampaignStatus, Verification
from messaging.domain.sender_request import SenderPatch
from messaging.runtime import STALE_FOR
from messaging.store.registrations import Brand, TendlcCampaign
from tests.carrier import Reply, accepted, refused
from tests.world import World, poll

BLOCKED = "blocked_missing_campaign"


def only_from(world: World, *good: str, code: int = 30034) -> None:
    """A carrier that takes messages from these numbers alone."""

    def answer(request: httpx.Request) -> Reply:
        sender = httpx.QueryParams(request.read().decode())["From"]
        return accepted() if sender in good else refused(400, code)

    world.carrier.answer = answer


def verification(world: World, sender_id: UUID) -> str:
    (found,) = world.rows("SELECT verification FROM senders WHERE id = :id", id=sender_id)
    return str(found["verification"])


def campaign_status(world: World) -> str:
    (found,) = world.rows(
        "SELECT status FROM tendlc_campaigns WHERE id = :id", id=world.campaign.id
    )
    return str(found["status"])


def sent_in_the_end(world: World, message_id: UUID) -> None:
    def sent() -> bool:
        world.send()
        return world.status(message_id) == "sent"

    poll(sent, "the message was not sent")


def no_stale_processes(world: World) -> None:
    """What is released falls due at once: this test has no process that could know the old state."""
    world.rt.ahead = -STALE_FOR


@pytest.mark.parametrize("code", [30034, 30035])
def test_a_sender_the_carrier_does_not_know_gives_way_to_one_it_does(
    world: World, code: int
) -> None:
    other = world.add_sender("+12025550198")
    only_from(world, other.address, code=code)
    message_id = world.put_one(sender_id=None)
    # Whoever is first: in the end the other one carries it, and only the first was suspended.
    world.change("senders", other.id, state="cordoned")
    world.send()
    assert world.status(message_id) == "queued"
    assert verification(world, world.sender.id) == "suspended"
    world.change("senders", other.id, state="active")
    sent_in_the_end(world, message_id)
    assert world.row(message_id)["sender_id"] == other.id
    assert verification(world, other.id) == "unregistered"
    assert campaign_status(world) == "verified"
    # What comes next does not even try the first one.
    tried = len(world.carrier.requests)
    world.put(20)
    world.send()
    assert {form["From"] for form in world.carrier.forms[tried:]} == {other.address}


def test_with_nobody_else_the_message_is_held_and_sent_when_the_number_is_registered(
    world: World,
) -> None:
    only_from(world)
    message_id = world.put_one()
    world.send()

    def blocked() -> bool:
        world.send()
        return world.status(message_id) == BLOCKED

    poll(blocked, "the message was not blocked")
    assert len(world.carrier.requests) == 1
    assert world.row(message_id)["status_reason"] == "campaign_not_verified"
    (held,) = world.rows("SELECT message_id, status FROM held")
    assert (held["message_id"], held["status"]) == (message_id, BLOCKED)
    assert registration.release(world.rt) == 0

    only_from(world, world.sender.address)
    change = SenderPatch(verification=Verification.VERIFIED)
    changed = sender_changes.change(world.rt, world.tenant, world.sender.id, change)
    assert changed.standing == "clear"
    assert world.status(message_id) == "queued"
    assert world.rows("SELECT * FROM held") == []
    sent_in_the_end(world, message_id)
    assert world.events(message_id)[-3:] == ["unblocked", "attempted", "accepted"]


@pytest.mark.parametrize(
    ("code", "of_campaign"), [("30032", False), ("30033", True), ("30034", False), ("30035", False)]
)
def test_a_receipt_suspends_whom_it_speaks_of_and_holds_the_message(
    world: World, code: str, of_campaign: bool
) -> None:
    world.carrier.answer = lambda _: accepted("SM1")
    message_id = world.put_one()
    world.send()
    world.report("SM1", "undelivered", code=int(code))
    world.applied()
    assert world.status(message_id) == BLOCKED
    assert (verification(world, world.sender.id) == "suspended") is not of_campaign
    assert (campaign_status(world) == "suspended") is of_campaign
    assert [row["message_id"] for row in world.rows("SELECT * FROM held")] == [message_id]


@pytest.mark.parametrize(("status", "code"), [("undelivered", 30007), ("failed", 30008)])
def test_other_failures_say_nothing_of_a_registration(world: World, status: str, code: int) -> None:
    world.carrier.answer = lambda _: accepted("SM1")
    world.put_one()
    world.send()
    world.report("SM1", status, code=code)
    world.applied()
    assert verification(world, world.sender.id) == "unregistered"
    assert campaign_status(world) == "verified"


def test_a_receipt_that_comes_again_does_not_undo_what_was_put_right(world: World) -> None:
    world.carrier.answer = lambda _: accepted("SM1")
    world.put_one()
    world.send()
    world.report("SM1", "undelivered", code=30034)
    world.applied()
    world.change("senders", world.sender.id, verification="verified")
    world.report("SM1", "undelivered", code=30034)
    world.applied()
    assert world.receipt_results()[0] == "applied" != world.receipt_results()[1]
    assert verification(world, world.sender.id) == "verified"


@pytest.mark.parametrize("recipient", ["+5511955550123", "+16045550123"])
def test_abroad_a_suspended_number_goes_on(world: World, recipient: str) -> None:
    world.change("senders", world.sender.id, verification="suspended")
    at_home, abroad = world.put_one(), world.put_one(recipient=recipient)
    world.send()
    assert (world.status(at_home), world.status(abroad)) == (BLOCKED, "sent")


@pytest.mark.parametrize("lifts", ["brand", "campaign", "sender"])
def test_what_is_held_goes_once_the_last_thing_missing_is_there(world: World, lifts: str) -> None:
    no_stale_processes(world)
    bare = world.add_campaign("late", status=CampaignStatus.PENDING)
    campaign = world.campaign.id if lifts == "sender" else bare.id
    world.change("senders", world.sender.id, tendlc_campaign_id=campaign)
    world.change("brands", _brand_of(world, "late"), status="pending")
    if lifts == "sender":
        world.change("senders", world.sender.id, tendlc_campaign_id=None)
    message_ids = world.put(3)
    canceled = world.put_one()
    world.send()
    assert {world.status(m) for m in message_ids} == {BLOCKED}
    world.run("UPDATE messages SET status = 'canceled' WHERE id = :id", id=canceled)
    tenant, rt = world.tenant, world.rt
    active, verified = BrandStatus.ACTIVE, CampaignStatus.VERIFIED
    if lifts == "sender":
        sender_changes.change(rt, tenant, world.sender.id, SenderPatch(campaign="main"))
    elif lifts == "campaign":
        registration.put_brand(rt, tenant, Brand("late", active))
        poll(lambda: held_again(world, message_ids), "they were not judged again")
        registration.put_campaign(rt, tenant, TendlcCampaign("late", "late", verified))
    else:
        registration.put_campaign(rt, tenant, TendlcCampaign("late", "late", verified))
        poll(lambda: held_again(world, message_ids), "they were not judged again")
        registration.put_brand(rt, tenant, Brand("late", active))
    for message_id in message_ids:
        sent_in_the_end(world, message_id)
    assert world.status(canceled) == "canceled"
    assert world.rows("SELECT * FROM held") == []


def _brand_of(world: World, name: str) -> UUID:
    (found,) = world.rows("SELECT id FROM brands WHERE name = :name", name=name)
    brand_id: UUID = found["id"]
    return brand_id


def held_again(world: World, message_ids: list[UUID]) -> bool:
    """They were queued and judged, and still may not go."""
    world.send()
    return all(world.status(m) == BLOCKED and "unblocked" in world.events(m) for m in message_ids)


def test_the_sweep_releases_what_a_process_held_by_what_it_knew_before(world: World) -> None:
    """A worker that read the directory just before the change blocks a message just after it."""
    no_stale_processes(world)
    world.change("senders", world.sender.id, tendlc_campaign_id=None)
    sender_changes.change(world.rt, world.tenant, world.sender.id, SenderPatch(campaign="main"))
    world.change("senders", world.sender.id, tendlc_campaign_id=None)
    message_id = world.put_one()
    world.send()
    assert world.status(message_id) == BLOCKED
    world.change("senders", world.sender.id, tendlc_campaign_id=world.campaign.id)
    assert "released 1" in maintenance.sweep(world.rt)
    sent_in_the_end(world, message_id)


def test_what_was_held_long_after_the_last_registration_stays_held(world: World) -> None:
    registration.put_brand(world.rt, world.tenant, Brand("main", BrandStatus.ACTIVE))
    world.run("UPDATE tenants SET cleared_at = cleared_at - interval '1 minute'")
    world.change("senders", world.sender.id, tendlc_campaign_id=None)
    message_id = world.put_one()
    world.send()
    assert "released 0" in maintenance.sweep(world.rt)
    assert world.status(message_id) == BLOCKED


def test_more_than_one_call_can_carry_is_released_by_the_sweep(world: World) -> None:
    world.change("senders", world.sender.id, tendlc_campaign_id=None)
    message_ids = world.put(2600)
    while world.take(limit=1000).claimed:
        pass
    assert len(world.rows("SELECT * FROM held")) == len(message_ids)
    sender_changes.change(world.rt, world.tenant, world.sender.id, SenderPatch(campaign="main"))
    assert len(world.rows("SELECT * FROM held")) == 600
    assert "released 600" in maintenance.sweep(world.rt)
    assert len(world.ready()) == len(message_ids)

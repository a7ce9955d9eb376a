"""The provider is asked where registrations stand: what that sets free or stops, and what outlasts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest
from structlog.testing import capture_logs

from messaging import dispatch, outcomes, registration_refresh, sender_changes, telemetry
from messaging.dispatch import Summary
from messaging.domain.message import Queue
from messaging.domain.registration import BrandStatus, CampaignStatus, Lapse
from messaging.domain.sender_request import SenderPatch
from messaging.providers.transport import Transport
from messaging.runtime import STALE_FOR
from messaging.store import registrations
from messaging.window import Window
from tests.carrier import Reply
from tests.dispatch.registry import (
    BRAND,
    CAMPAIGN,
    SERVICE,
    TOLL_FREE,
    ask,
    brand,
    campaign,
    later,
    say,
    stands,
    state,
    wait,
)
from tests.sandbox.carrier import Sandbox, launch
from tests.world import World, poll

BLOCKED = "blocked_missing_campaign"
SENT = {"sent", "delivered"}


@pytest.fixture(autouse=True)
def _quiet() -> None:
    telemetry.configure("critical", json=True)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = launch()
    yield made
    made.stop()


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(timeout=timedelta(seconds=10))
    yield made
    made.close()


@pytest.fixture
def there(world: World, sandbox: Sandbox) -> Sandbox:
    """The carrier at which the world's account is, with nothing registered there."""
    sandbox.http.delete("/sandbox/registrations").raise_for_status()
    sandbox.http.delete("/sandbox/ledger").raise_for_status()
    secret = world.rt.sealer.encrypt(sandbox.token.encode())
    where = {"base_url": sandbox.url, "username": sandbox.account, "secret_sealed": secret}
    world.change("provider_accounts", world.account.id, **where)
    # What is released falls due at once: this test has no process that could know the old state.
    world.rt.ahead = -STALE_FOR
    return sandbox


def put_there(sandbox: Sandbox, sid: str, status: str) -> None:
    fields = {"sid": sid, "status": status} | ({"service": SERVICE} if sid == CAMPAIGN else {})
    sandbox.http.post("/sandbox/registrations", json=fields).raise_for_status()


def delivered(world: World, transport: Transport, *, until: Callable[[], bool]) -> None:
    window = Window(transport, 500, lambda results: outcomes.record(world.rt, results))

    def moved() -> bool:
        dispatch.take(world.rt, window, Queue.NORMAL, 250, Summary())
        window.drain(5)
        return until()

    poll(moved, "the messages did not get there")


# -- end to end, over HTTP -------------------------------------------------------------------------


def test_a_campaign_that_becomes_verified_at_the_carrier_sets_its_messages_free(
    world: World, there: Sandbox, transport: Transport
) -> None:
    say(world, campaign(CampaignStatus.PENDING))
    put_there(there, CAMPAIGN, "IN_PROGRESS")
    ids = world.put(3)
    world.send()
    assert registration_refresh.run(world.rt, transport) == "1 unchanged"
    assert {world.status(m) for m in ids} == {BLOCKED}
    put_there(there, CAMPAIGN, "VERIFIED")
    # Not asked again within the hour.
    assert registration_refresh.run(world.rt, transport) == "nothing to ask about"
    later(world)
    assert registration_refresh.run(world.rt, transport) == "1 changed"
    assert state(world) == "verified"
    assert {world.status(m) for m in ids} == {"queued"}
    delivered(world, transport, until=lambda: {world.status(m) for m in ids} <= SENT)
    assert there.get("/sandbox/summary")["accepted"] == 3
    assert world.events(ids[0])[-3:] == ["unblocked", "attempted", "accepted"]


def test_a_brand_that_becomes_suspended_at_the_carrier_stops_everything(
    world: World, there: Sandbox, transport: Transport
) -> None:
    say(world, brand())
    put_there(there, BRAND, "APPROVED")
    assert registration_refresh.run(world.rt, transport) == "1 unchanged"
    put_there(there, BRAND, "SUSPENDED")
    later(world)
    assert registration_refresh.run(world.rt, transport) == "1 changed"
    message_id = world.put_one()
    world.send()
    assert world.status(message_id) == BLOCKED
    assert world.row(message_id)["status_reason"] == "brand_suspended"
    assert there.get("/sandbox/summary")["accepted"] == 0


def test_a_toll_free_number_goes_by_its_own_verification(
    world: World, there: Sandbox, transport: Transport
) -> None:
    world.change("senders", world.sender.id, state="cordoned")
    number = world.add_sender("+18885550150")
    change = SenderPatch(provider_verification_id=TOLL_FREE)
    changed = sender_changes.change(world.rt, world.tenant, number.id, change)
    assert changed.provider_verification_id == TOLL_FREE
    put_there(there, TOLL_FREE, "IN_REVIEW")
    assert registration_refresh.run(world.rt, transport) == "1 changed"
    message_id = world.put_one(sender_id=number.id)
    world.send()
    assert world.status(message_id) == BLOCKED
    put_there(there, TOLL_FREE, "TWILIO_APPROVED")
    assert registration_refresh.run_now(world.rt, transport, world.tenant) == "1 changed"
    delivered(world, transport, until=lambda: world.status(message_id) in SENT)
    put_there(there, TOLL_FREE, "TWILIO_REJECTED")
    later(world)
    assert registration_refresh.run(world.rt, transport) == "1 changed"
    (row,) = world.rows("SELECT verification FROM senders WHERE id = :id", id=number.id)
    assert row["verification"] == "rejected"


# -- what a provider's word does not undo ----------------------------------------------------------


def flip(world: World, ago: timedelta = timedelta()) -> None:
    """A carrier refused a message of the campaign's, some time ago."""
    message_id = world.put_one()
    world.run("UPDATE messages SET sender_id = :s", s=world.sender.id)
    with world.rt.engine.begin() as db:
        assert registrations.flip(db, [(message_id, Lapse.CAMPAIGN)])
    world.run("UPDATE tendlc_campaigns SET modified_at = modified_at - :ago", ago=ago)
    world.forget_senders()


@pytest.mark.parametrize(
    ("changed_there", "result", "left"),
    [
        (timedelta(minutes=-1), "1 stays suspended", "suspended"),
        (timedelta(minutes=1), "1 changed", "verified"),
        (timedelta(), "1 stays suspended", "suspended"),
        # It does not say: then it is so when it is asked.
        (None, "1 changed", "verified"),
    ],
)
def test_a_suspension_is_lifted_by_a_change_from_after_it_alone(
    world: World, changed_there: timedelta | None, result: str, left: str
) -> None:
    say(world, campaign())
    flip(world, ago=timedelta(minutes=10))
    (row,) = world.rows("SELECT modified_at FROM tendlc_campaigns")
    since = None if changed_there is None else row["modified_at"] + changed_there
    assert ask(world, stands("VERIFIED", since)) == (result, [CAMPAIGN])
    assert state(world) == left


def test_a_number_just_denied_is_asked_about_soon(world: World) -> None:
    say(world, campaign())
    ask(world, stands("VERIFIED"))
    assert ask(world, stands("VERIFIED")) == ("nothing to ask about", [])
    flip(world)
    assert ask(world, stands("SUSPENDED")) == ("1 unchanged", [CAMPAIGN])
    assert timedelta(minutes=59) < wait(world) <= timedelta(hours=1)


def test_a_carriers_refusal_while_the_provider_is_asked_outlasts_the_answer(world: World) -> None:
    say(world, campaign())

    def answer(_: httpx.Request) -> Reply:
        flip(world)
        return stands("VERIFIED")

    assert ask(world, answer) == ("1 overtaken", [CAMPAIGN])
    assert state(world) == "suspended"


def test_an_operators_word_while_the_provider_is_asked_outlasts_the_answer(world: World) -> None:
    say(world, brand())

    def answer(_: httpx.Request) -> Reply:
        say(world, brand(BrandStatus.SUSPENDED))
        return stands("APPROVED")

    assert ask(world, answer) == ("1 overtaken", [BRAND])
    assert state(world, "brands") == "suspended"
    # What the operator said is asked about at once.
    assert ask(world, stands("FAILED")) == ("1 changed", [BRAND])
    assert state(world, "brands") == "failed"


def test_a_word_nobody_knows_changes_nothing_and_is_not_logged(world: World) -> None:
    telemetry.configure("warning", json=True)
    say(world, brand())
    with capture_logs() as logs:
        assert ask(world, stands("OWNER_IS_JANE")) == ("1 unknown", [BRAND])
    assert state(world, "brands") == "active"
    (line,) = logs
    assert line["event"] == "registration.unknown_state"
    assert "JANE" not in str(line)
    assert timedelta(minutes=59) < wait(world, "brands") <= timedelta(hours=1)

"""Whom a plan chooses to send from, and which limit it says the campaign waits for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest

from messaging import billing, bindings, campaign_plans, policies, telemetry
from messaging.bindings import Target
from messaging.domain import campaign_pace
from messaging.domain.bindings import BindingKind
from messaging.domain.message import Channel, Sender
from messaging.domain.pricing import Price
from messaging.store import conversations, fleet
from tests.dispatch.campaigning import asked, numbers
from tests.dispatch.purses import bill
from tests.world import World

LOOKS = campaign_pace.TICK.total_seconds()
"""What the clock takes to begin and to end a campaign, on the average."""
NEW_YORK, ANGELES, OTHER = "+12125550198", "+12135550198", "+12025550198"


@pytest.fixture(autouse=True)
def _slow(world: World) -> None:
    telemetry.configure("critical", json=True)
    world.change("senders", world.sender.id, mps=10)


def foretold(world: World, count: int = 90, **fields: Any) -> dict[str, Any]:
    """The plan of a campaign to so many people: the first 90 live in Washington."""
    found = campaign_plans.foretell(world.rt, world.tenant, asked(count, **fields))
    assert world.rows("SELECT id FROM campaigns") == []
    assert world.rows("SELECT n FROM campaign_recipients") == []
    return found


def test_people_are_written_to_from_near_them(world: World) -> None:
    near = world.add_sender(NEW_YORK, mps=1)
    found = foretold(world, 180)
    assert found["senders"] == {world.sender.address: 90, near.address: 90}
    assert found["slowest"] == {"limit": "sender", "name": near.address}
    assert found["seconds"] == pytest.approx(89 + LOOKS, abs=0.1)


def test_the_faster_of_two_numbers_takes_more(world: World) -> None:
    world.add_sender(OTHER, mps=20)
    found = foretold(world)
    assert found["senders"] == {world.sender.address: 30, OTHER: 60}
    assert found["seconds"] == pytest.approx(2 + LOOKS, abs=0.1)


def test_a_conversation_and_a_lead_keep_their_sender(world: World) -> None:
    sticky, lead = world.add_sender(NEW_YORK), world.add_sender(ANGELES)
    to = numbers(3)
    with world.rt.engine.begin() as db:
        conversations.join(
            db, world.rt.new_id(), world.tenant.id, Channel.SMS, world.key(to[0]), sticky.id
        )
    bindings.bind(world.rt, world.tenant, BindingKind.LEAD, "ann", Target(sender=lead.address))
    people = [{"to": to[0]}, {"to": to[1], "lead": "ann"}, {"to": to[2]}]
    found = foretold(world, body="Hi", recipients=people)
    assert found["senders"] == {sticky.address: 1, lead.address: 1, world.sender.address: 1}


def test_what_a_campaign_is_bound_to_sends_it(world: World) -> None:
    bound = world.add_sender(NEW_YORK, pool_ids=frozenset())
    to = Target(sender=bound.address)
    bindings.bind(world.rt, world.tenant, BindingKind.CAMPAIGN, "spring", to)
    assert foretold(world)["senders"] == {bound.address: 90}


def account_limit(world: World, _: Sender) -> None:
    world.change("provider_accounts", world.account.id, segments_per_second=3)


def tenant_limit(world: World, _: Sender) -> None:
    policies.change(world.rt, world.tenant, {"rates": {"segments_per_second": 3}})


def pool_limit(world: World, _: Sender) -> None:
    with world.rt.engine.begin() as db:
        fleet.change_pool(db, world.tenant.id, "main", {"segments_per_second": 3})
    world.forget_senders()


@pytest.mark.parametrize(
    ("limit", "what"),
    [(account_limit, "account"), (tenant_limit, "tenant"), (pool_limit, "pool")],
)
def test_the_slowest_limit_says_how_long_it_takes(
    world: World, limit: Callable[[World, Sender], None], what: str
) -> None:
    limit(world, world.add_sender(OTHER))
    found = foretold(world)
    assert found["slowest"]["limit"] == what
    assert found["seconds"] == pytest.approx(29 + LOOKS, abs=0.1)


def test_a_10dlc_campaign_has_its_minute(world: World) -> None:
    world.change("tendlc_campaigns", world.campaign.id, segments_per_minute=30)
    found = foretold(world)
    assert found["slowest"] == {"limit": "tendlc_campaign", "name": "main"}
    assert found["seconds"] == pytest.approx(120 + LOOKS, abs=0.1)


def test_a_number_that_warms_up_needs_days(world: World) -> None:
    world.change("senders", world.sender.id, daily_recipients=40)
    found = foretold(world)
    assert found["deferred"] == {"daily_limits": 50}
    assert (found["to_send"], found["senders"]) == (90, {world.sender.address: 90})
    assert 86_400 < found["seconds"] <= 2 * 86_400 + 60
    world.change("senders", world.sender.id, daily_recipients=2)
    found = foretold(world)
    assert (found["to_send"], found["slowest"]["limit"]) == (90, "daily_limits")
    assert found["seconds"] == pytest.approx(45 * 86_400, rel=0.1)


def test_countries_abroad_have_an_hour(world: World) -> None:
    policies.change(world.rt, world.tenant, {"destinations": {"prefix_per_hour": 10}})
    people = [{"to": f"+55119555501{n:02}"} for n in range(20)]
    found = foretold(world, body="Hi", recipients=people)
    assert found["deferred"] == {"destination_velocity": 10}
    assert found["slowest"] == {"limit": "destination", "name": "+55119"}
    assert found["seconds"] == pytest.approx(3_660 + LOOKS, abs=1)


def test_whose_hours_are_over_before_their_turn_wait_for_the_next_day(world: World) -> None:
    wishes = {"marketing_consent": "attested_elsewhere", "dnc_registries": {}}
    policies.change(world.rt, world.tenant, wishes)
    world.change("senders", world.sender.id, mps=1)
    before = datetime(2027, 1, 6, 1, 49, tzinfo=UTC)  # 20:49 in Washington: it stops at 20:50
    found = foretold(world, category="MARKETING", scheduled_for=before.isoformat())
    assert (found["to_send"], found["blocked"]) == (90, {})
    assert 0 < found["deferred"]["quiet_hours"] < 90
    assert found["seconds"] > 8 * 3_600


def test_a_sample_speaks_for_all(world: World) -> None:
    with patch.object(campaign_plans, "ASKED", 30):
        found = foretold(world)
    assert (found["recipients"], found["asked"], found["segments"]) == (90, 30, 90)
    assert found["senders"] == {world.sender.address: 90}
    assert found["seconds"] == pytest.approx(8 + LOOKS, abs=1)


def test_the_cost_is_that_of_whom_was_chosen(world: World) -> None:
    bill(world, "100")
    dear = world.add_account(provider="telnyx", username="telnyx")
    price = Price(Decimal("0.03"), "USD", provider="telnyx", own=True)
    billing.set_prices(world.rt, world.tenant, [price])
    world.add_sender(NEW_YORK, account_id=dear.id)
    found = foretold(world, 180)
    span = {"min": "1.8", "max": "5.4", "expected": "3.6"}
    assert found["countries"]["US"]["cost"] == span
    assert found["cost"] == {"currency": "USD", **span}
    assert foretold(world, 3, traffic="Test")["cost"]["expected"] == "0"


def test_without_a_sender_in_health_nobody_knows_when(world: World) -> None:
    world.change("senders", world.sender.id, state="cordoned")
    found = foretold(world)
    assert (found["to_send"], found["seconds"]) == (90, None)
    assert found["deferred"] == {"no_healthy_sender": 90}

"""What a day may cost: what is beyond it waits for midnight, or until the cap is raised."""

from __future__ import annotations

from datetime import timedelta

import pytest

from messaging import billing, maintenance
from messaging.domain.lifecycle import Status
from tests.dispatch.purses import PRICE, bill, budget, check
from tests.world import World


def test_a_days_cap_waits_for_midnight_and_a_campaigns_for_its_owner(world: World) -> None:
    bill(world, "1")
    billing.cap_campaign(world.rt, world.tenant, "spring", 2 * PRICE)
    campaign = world.put(4, campaign="spring")
    assert world.send().blocked == {"campaign_cap": 2}
    billing.cap_day(world.rt, world.tenant, 3 * PRICE)
    others = world.put(3)
    world.send()
    waiting = [i for i in others if world.status(i) == "scheduled"]
    assert len(waiting) == 2
    midnight = world.row(waiting[0])["scheduled_reason"], budget(world).spent_today
    assert midnight == ("day_cap", 3 * PRICE)
    (due,) = world.rows("SELECT DISTINCT due_at FROM scheduled")
    assert due["due_at"] - world.rt.now() <= timedelta(days=1)
    assert (due["due_at"].hour, due["due_at"].minute) == (0, 0)
    billing.cap_campaign(world.rt, world.tenant, "spring", None)
    world.rt.ahead += timedelta(days=1)
    world.run("UPDATE scheduled SET due_at = now()")
    maintenance.promote_due(world.rt)
    world.send()
    assert sorted(world.status(i) for i in campaign + others) == ["scheduled"] * 1 + ["sent"] * 6
    check(world)


@pytest.mark.parametrize(("cap", "more"), [(2, 1), (10, 3), (None, 3)])
def test_what_waits_for_tomorrow_goes_today_if_the_days_cap_is_raised(
    world: World, cap: int | None, more: int
) -> None:
    bill(world, "1")
    billing.cap_day(world.rt, world.tenant, PRICE)
    ids = world.put(4)
    far = world.put_one(
        status=Status.SCHEDULED, scheduled_for=world.rt.now() + timedelta(minutes=1)
    )
    world.send()
    assert sorted(map(world.status, ids)) == ["scheduled"] * 3 + ["sent"]
    billing.cap_day(world.rt, world.tenant, None if cap is None else cap * PRICE)
    maintenance.promote_due(world.rt)
    world.send()
    assert [world.status(i) for i in ids].count("sent") == 1 + more
    assert world.status(far) == "scheduled"
    check(world)


def test_one_that_costs_more_than_a_day_may_is_blocked_until_the_cap_is_raised(
    world: World,
) -> None:
    bill(world, "1")
    billing.cap_day(world.rt, world.tenant, PRICE)
    message = world.put_one(segments=2)
    assert world.send().blocked == {"beyond_day_cap": 1}
    billing.cap_day(world.rt, world.tenant, 2 * PRICE)
    world.send()
    assert world.status(message) == "sent"

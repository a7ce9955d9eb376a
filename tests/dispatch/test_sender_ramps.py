"""How far a ramp is: asked once a day, by the carriers' calendar."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from messaging import telemetry
from messaging.domain.warm_up import carrier_day, next_carrier_midnight
from tests.dispatch.results import BAD, DAY, happened, later, settle, tick
from tests.world import World


@pytest.fixture(autouse=True)
def _policy(world: World) -> None:
    telemetry.configure("error", json=True)
    settle(world)


@pytest.fixture
def morning(world: World) -> date:
    """The clock stands at the first minute of the carriers' day after tomorrow."""
    begins = next_carrier_midnight(next_carrier_midnight(world.rt.now()) + timedelta(hours=1))
    later(world, begins - world.rt.now() + timedelta(minutes=1))
    return carrier_day(world.rt.now())


def ramp(world: World, today: date, level: int, **changes: object) -> None:
    values = {"ramp": [10, 30, 60], "ramp_level": level, "ramp_since": today - DAY} | changes
    world.change("senders", world.sender.id, **({"state": "warming"} | values))


def wrote_to(world: World, people: int, day: date) -> None:
    world.run(
        "INSERT INTO sender_recipients (sender_id, day, recipient_key) "
        "SELECT :id, :day, decode(lpad(to_hex(n), 32, '0'), 'hex') "
        "FROM generate_series(1, :people) AS n",
        id=world.sender.id,
        day=day,
        people=people,
    )


def level(world: World) -> tuple[int, str]:
    (row,) = world.rows("SELECT ramp_level, state FROM senders WHERE id = :id", id=world.sender.id)
    return row["ramp_level"], row["state"]


@pytest.mark.parametrize(
    ("results", "people", "before", "after"),
    [
        ({"delivered": 60}, 60, 0, (1, "warming")),
        ({"delivered": 60}, 60, 2, (3, "active")),  # the last step was the last limit
        ({}, 10, 0, (1, "warming")),  # too small a step to earn a grade, and used
        ({}, 4, 0, (0, "warming")),
        ({}, 60, 2, (2, "warming")),  # results are waited for
        ({"delivered": 175, "undelivered": 25}, 60, 1, (1, "warming")),  # amber holds
        ({"undelivered": 40}, 60, 1, (0, "cordoned")),
        ({"undelivered": 40}, 60, 0, (0, "cordoned")),
    ],
)
def test_a_ramp_advances_holds_and_drops_once_a_day(
    world: World,
    morning: date,
    results: dict[str, Any],
    people: int,
    before: int,
    after: tuple[int, str],
) -> None:
    ramp(world, morning, before)
    wrote_to(world, people, morning - DAY)
    if results:
        happened(world, world.sender, ago=timedelta(hours=5), **results)
    tick(world)
    assert level(world) == after
    happened(world, world.sender, delivered=1000)
    tick(world)
    assert level(world)[0] == after[0]


def test_a_cordon_of_yesterday_lowers_the_ramp_though_the_results_begin_at_zero(
    world: World, morning: date
) -> None:
    ramp(world, morning, 2, ramp_since=morning)
    happened(world, world.sender, undelivered=BAD)
    tick(world)
    assert level(world) == (2, "cordoned")
    later(world, DAY)
    world.run("UPDATE sender_events SET at = :at", at=world.rt.now() - timedelta(hours=20))
    tick(world)
    assert level(world) == (1, "warming")
    later(world, DAY)
    tick(world)
    assert level(world) == (1, "warming")


def test_a_ramp_begins_again_after_thirty_days_without_a_message(
    world: World, morning: date
) -> None:
    ramp(world, morning, 3, state="active", last_used_on=morning - 29 * DAY)
    tick(world)
    assert level(world) == (3, "active")
    later(world, DAY)
    tick(world)
    assert level(world) == (0, "warming")
    (sender,) = world.rt.senders_of(world.tenant.id).candidates.by_id.values()
    assert (sender.warming, sender.allowance) == (True, 10)


def test_a_day_of_use_is_kept(world: World, morning: date) -> None:
    happened(world, world.sender, delivered=1)
    tick(world)
    (row,) = world.rows("SELECT last_used_on FROM senders")
    assert row["last_used_on"] == morning


def test_a_new_ramp_begins_today(world: World, morning: date) -> None:
    ramp(world, morning, 0, ramp_since=None, state="fresh")
    wrote_to(world, 10, morning - DAY)
    tick(world)
    (row,) = world.rows("SELECT ramp_level, ramp_since FROM senders")
    assert (row["ramp_level"], row["ramp_since"]) == (0, morning)


def test_old_days_are_forgotten(world: World, morning: date) -> None:
    for days in (1, 2):
        wrote_to(world, 3, morning - days * DAY)
    tick(world)
    assert {r["day"] for r in world.rows("SELECT day FROM sender_recipients")} == {morning - DAY}

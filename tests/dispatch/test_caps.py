"""Fifty workers have a marketing message each for one person: how many does that person get?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from messaging import dispatch, maintenance, outcomes
from messaging.dispatch import Summary
from messaging.domain.message import Category, Queue
from messaging.window import Window
from tests.carrier import Carrier
from tests.daylight import MIDDAY, agreed, zone_in
from tests.world import ClockedRuntime, World, at_once, runtime

WORKERS = 50
SOMEBODY = "+12025550123"
IN_FLORIDA = "+13055550123"
RAISED = [{"limit": 1000, "hours": 24}]


@dataclass(frozen=True)
class Worker:
    """A process of its own: its connections, its window, its way to the carrier."""

    rt: ClockedRuntime
    window: Window
    carrier: Carrier


@pytest.fixture
def workers(world: World) -> Iterator[list[Worker]]:
    """As many as there are messages."""
    with ExitStack() as held:
        made = []
        for seed in range(WORKERS):
            rt, carrier = held.enter_context(runtime(world.rt.settings, seed)), Carrier()
            window = Window(carrier, 500, partial(outcomes.record, rt))
            held.callback(window.drain, 0)
            made.append(Worker(rt, window, carrier))
        yield made


def offers(world: World, to: str, count: int = WORKERS, **fields: Any) -> list[UUID]:
    """Marketing messages to somebody where it is day, whatever the time of this test."""
    zone = zone_in(MIDDAY, world.rt.now())
    return world.put(count, recipient=to, category=Category.MARKETING, time_zone=zone, **fields)


def all_at_once(workers: list[Worker]) -> int:
    """Each claims one message, all at the same moment; how many reached the carrier."""

    def work(worker: Worker) -> None:
        taken = dispatch.take(worker.rt, worker.window, Queue.NORMAL, 1, Summary())
        assert taken == 1
        assert worker.window.drain(20) == 0

    at_once(*[partial(work, worker) for worker in workers])
    return sum(len(worker.carrier.requests) for worker in workers)


def fates(world: World, ids: list[UUID]) -> Counter[tuple[str, str | None]]:
    rows = [world.row(message_id) for message_id in ids]
    return Counter(
        (row["status"], (row["status_reason"] or "").partition(":")[0] or None) for row in rows
    )


@pytest.mark.parametrize(
    ("over_cap", "rest"),
    [
        ("defer", ("scheduled", "frequency_cap")),
        ("drop", ("blocked_compliance", "frequency_cap")),
    ],
)
def test_one_person_gets_three_however_many_workers_there_are(
    world: World, workers: list[Worker], over_cap: str, rest: tuple[str, str]
) -> None:
    world.change("tenants", world.tenant.id, policy={"over_cap": over_cap})
    agreed(world, SOMEBODY)
    ids = offers(world, SOMEBODY)
    assert all_at_once(workers) == 3
    assert fates(world, ids) == {("sent", None): 3, rest: WORKERS - 3}
    sentences = world.rows("SELECT rule, reason FROM verdicts WHERE outcome <> 'allow'")
    assert {(row["rule"], row["reason"]) for row in sentences} == {
        ("cap:3_in_24h", "frequency_cap")
    }


@pytest.mark.parametrize(("to", "most"), [(IN_FLORIDA, 3), (SOMEBODY, WORKERS)])
def test_a_tenant_that_raises_its_cap_still_keeps_the_laws(
    world: World, workers: list[Worker], to: str, most: int
) -> None:
    world.change("tenants", world.tenant.id, policy={"caps": RAISED})
    agreed(world, to)
    ids = offers(world, to)
    assert all_at_once(workers) == most
    found = fates(world, ids)
    assert found["sent", None] == most
    assert found["scheduled", "frequency_cap"] == WORKERS - most
    rules = {r["rule"] for r in world.rows("SELECT rule FROM verdicts WHERE outcome = 'defer'")}
    assert rules == ({"cap:us_fl_cap"} if most < WORKERS else set())


def test_one_batch_counts_what_it_has_just_let_go(world: World) -> None:
    agreed(world, SOMEBODY)
    ids = offers(world, SOMEBODY, 20)
    assert world.send().sent == 3
    assert fates(world, ids) == {("sent", None): 3, ("scheduled", "frequency_cap"): 17}


def test_the_window_rolls(world: World) -> None:
    agreed(world, SOMEBODY)
    ids = offers(world, SOMEBODY, 10)
    world.send()
    began = {i: world.row(i)["sending_started_at"] for i in ids if world.status(i) == "sent"}
    first = min(began, key=lambda i: began[i])
    dues = [row["due_at"] - began[first] for row in world.rows("SELECT due_at FROM scheduled")]
    assert len(dues) == 7
    assert all(abs(due - timedelta(hours=24)) < timedelta(seconds=1) for due in dues)
    for age, sent in (("23 hours 59 minutes", 0), ("24 hours 1 second", 1), ("25 hours", 0)):
        started = "UPDATE messages SET sending_started_at = now() - CAST(:age AS interval)"
        world.run(f"{started} WHERE id = :id", age=age, id=first)
        world.run("UPDATE scheduled SET due_at = now()")
        maintenance.promote_due(world.rt)
        assert world.send().sent == sent, age


@pytest.mark.parametrize("category", [c for c in Category if c is not Category.MARKETING])
def test_what_is_no_marketing_is_neither_counted_nor_capped(
    world: World, category: Category
) -> None:
    agreed(world, SOMEBODY)
    world.put(10, recipient=SOMEBODY, category=category)
    offers(world, SOMEBODY, 10)
    assert world.send().sent == 10 + 3


def test_caps_are_counted_for_each_person_alone(world: World, workers: list[Worker]) -> None:
    people = [f"+120255501{n:02}" for n in range(10)]
    agreed(world, *people)
    ids = {person: offers(world, person, WORKERS // 10) for person in people}
    assert all_at_once(workers) == 30
    for theirs in ids.values():
        assert fates(world, theirs) == {("sent", None): 3, ("scheduled", "frequency_cap"): 2}

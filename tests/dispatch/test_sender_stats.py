"""Tallies are added up by the minute, once each, and read per sender."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from messaging.domain.sender_health import Tally
from messaging.store import sender_stats
from tests.world import World, at_once


def minute(world: World, at: datetime, what: str, n: int, template: str | None = None) -> None:
    world.run(
        "INSERT INTO sender_tallies (sender_id, template, what, n, at) "
        "VALUES (:id, :template, :what, :n, :at)",
        id=world.sender.id,
        template=template,
        what=what,
        n=n,
        at=at,
    )


NOON = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)


def read(world: World, now: datetime) -> dict[str, tuple[Tally, Tally]]:
    with world.rt.engine.begin() as db:
        found = sender_stats.results(db, now).get(world.sender.id, {})
    return {template: (results.day, results.week) for template, results in found.items()}


def fold(world: World, limit: int = 100) -> int:
    with world.rt.engine.begin() as db:
        return sender_stats.fold(db, limit)


def test_tallies_are_folded_in_batches_into_minutes(world: World) -> None:
    for seconds, what in ((0, "sent"), (20, "sent"), (29, "delivered"), (30, "sent")):
        minute(world, NOON + timedelta(seconds=seconds), what, 2)
    minute(world, NOON, "filtered", 1, "spring")
    assert [fold(world, 3), fold(world, 3), fold(world, 3)] == [3, 2, 0]
    rows = world.rows("SELECT * FROM sender_stats ORDER BY template, bucket")
    assert [
        (r["template"], r["bucket"].minute, r["sent"], r["delivered"], r["filtered"]) for r in rows
    ] == [
        ("", 0, 4, 2, 0),
        ("", 1, 2, 0, 0),
        ("spring", 0, 0, 0, 1),
    ]
    everything = read(world, NOON + timedelta(minutes=5))
    assert everything[""] == (Tally(sent=6, delivered=2),) * 2
    assert everything["spring"] == (Tally(filtered=1),) * 2


def test_folding_at_once_counts_each_tally_once(world: World) -> None:
    for n in range(200):
        minute(world, NOON + timedelta(seconds=n), "sent", 1)
    at_once(*[lambda: [fold(world, 10) for _ in range(25)]] * 4)
    assert read(world, NOON + timedelta(hours=1))[""][0] == Tally(sent=200)


def test_minutes_become_hours_and_go_after_eight_days(world: World) -> None:
    for minutes in (0, 7, 59, 60, 130):
        minute(world, NOON + timedelta(minutes=minutes), "sent", 1)
    fold(world)
    for now, buckets in (
        (NOON + timedelta(hours=2, minutes=59), 5),
        (NOON + timedelta(hours=3), 3),
        (NOON + timedelta(hours=3), 3),
        (NOON + timedelta(hours=6), 3),
        (NOON + timedelta(days=8, minutes=1), 2),
    ):
        with world.rt.engine.begin() as db:
            sender_stats.compact(db, now)
        assert len(world.rows("SELECT * FROM sender_stats")) == buckets
    assert sum(r["sent"] for r in world.rows("SELECT sent FROM sender_stats")) == 2


def test_the_windows_and_the_beginning_of_the_measurement(world: World) -> None:
    now = NOON + timedelta(days=7)
    for hours in (1, 25, 24 * 7 + 1):
        minute(world, now - timedelta(hours=hours), "sent", hours)
    fold(world)
    assert read(world, now)[""] == (Tally(sent=1), Tally(sent=26))
    world.change("senders", world.sender.id, measured_since=now - timedelta(hours=1, seconds=59))
    assert read(world, now)[""] == (Tally(sent=1), Tally(sent=1))
    world.change("senders", world.sender.id, measured_since=now - timedelta(hours=1))
    assert read(world, now) == {}

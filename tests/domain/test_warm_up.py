"""Warming up: one row per rule, no two steps on a day, and days that begin in California."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.sender_health import Level
from messaging.domain.warm_up import (
    DEFAULT_RAMP,
    Ramp,
    advance,
    allowance,
    carrier_day,
    next_carrier_midnight,
)

TODAY = date(2026, 3, 10)
YESTERDAY = TODAY - timedelta(days=1)
LONG_AGO = TODAY - timedelta(days=30)
UNKNOWN, GREEN, AMBER, RED = Level
OPEN = len(DEFAULT_RAMP)


def at(level: int, since: date = YESTERDAY) -> Ramp:
    return Ramp(DEFAULT_RAMP, level, since)


ADVANCES = [
    # ramp, yesterday's grade, used yesterday, last used, level today
    # a good day
    (at(0), GREEN, 100, YESTERDAY, 1),
    (at(3), GREEN, 1, YESTERDAY, 4),
    (at(6), GREEN, 2800, YESTERDAY, OPEN),
    (at(OPEN), GREEN, 9000, YESTERDAY, OPEN),
    # a day on which nothing was sent says nothing
    (at(3), GREEN, 0, date(2026, 3, 5), 3),
    (at(0), GREEN, 0, None, 0),
    # warnings hold
    (at(3), AMBER, 750, YESTERDAY, 3),
    # a bad day costs a level, also the one that opened the ramp; there is none below the first
    (at(3), RED, 750, YESTERDAY, 2),
    (at(OPEN), RED, 9000, YESTERDAY, 6),
    (at(0), RED, 100, YESTERDAY, 0),
    # too few results: a step that cannot earn a grade in a day is left when half of it was used
    (at(0), UNKNOWN, 100, YESTERDAY, 1),
    (at(0), UNKNOWN, 50, YESTERDAY, 1),
    (at(0), UNKNOWN, 49, YESTERDAY, 0),
    (at(0), UNKNOWN, 0, None, 0),
    # a larger one waits for results
    (at(1), UNKNOWN, 250, YESTERDAY, 1),
    (at(OPEN), UNKNOWN, 5, YESTERDAY, OPEN),
    # only after a day at the level
    (at(0, TODAY), GREEN, 100, YESTERDAY, 0),
    (at(3, TODAY), RED, 750, YESTERDAY, 3),
    (at(3, TODAY + timedelta(days=1)), GREEN, 750, YESTERDAY, 3),
    # a month without a message: from the beginning
    (at(5, LONG_AGO), GREEN, 0, LONG_AGO, 0),
    (at(OPEN, LONG_AGO), UNKNOWN, 0, LONG_AGO, 0),
    (at(5, LONG_AGO), UNKNOWN, 0, LONG_AGO + timedelta(days=1), 5),
    (at(5, LONG_AGO), UNKNOWN, 0, None, 5),
]


@pytest.mark.parametrize(("ramp", "level", "used", "last_used", "expected"), ADVANCES)
def test_the_level_of_today(
    ramp: Ramp, level: Level, used: int, last_used: date | None, expected: int
) -> None:
    after = advance(ramp, level, used, last_used, TODAY)
    since = ramp.level_since if expected == ramp.level else TODAY
    assert after == Ramp(DEFAULT_RAMP, expected, since)


def test_how_many_people_a_level_allows() -> None:
    allowed = [allowance(at(level)) for level in range(OPEN + 2)]
    assert allowed == [100, 250, 500, 750, 1500, 2250, 3000, None, None]
    assert allowance(Ramp((), 0, TODAY)) is None


def test_who_needs_more_results_waits_longer_for_them() -> None:
    assert advance(at(1), UNKNOWN, 125, YESTERDAY, TODAY, minimum=250) == at(2, TODAY)
    assert advance(at(0), UNKNOWN, 100, YESTERDAY, TODAY, minimum=50) == at(0)


RAMPS = st.builds(
    Ramp,
    steps=st.lists(st.integers(1, 5000), max_size=8).map(lambda steps: tuple(sorted(steps))),
    level=st.integers(0, 8),
    level_since=st.dates(date(2026, 1, 1), date(2026, 3, 12)),
).filter(lambda ramp: ramp.level <= len(ramp.steps))
DAYS = st.none() | st.dates(date(2026, 1, 1), TODAY)


@given(RAMPS, st.lists(st.sampled_from(Level), min_size=2, max_size=4), st.integers(0, 9000), DAYS)
def test_a_day_moves_one_level_at_most_and_only_once(
    ramp: Ramp, levels: list[Level], used: int, last_used: date | None
) -> None:
    idle = last_used is not None and last_used <= LONG_AGO
    seen = [ramp]
    for level in levels:
        seen.append(advance(seen[-1], level, used, last_used, TODAY))
    after = seen[-1]
    assert 0 <= after.level <= len(ramp.steps)
    assert after.level - ramp.level <= 1
    assert idle or ramp.level - after.level <= 1
    assert len({step.level for step in seen}) <= 2
    assert after.level == ramp.level or after.level_since == TODAY


MIDNIGHTS = [
    # instant, the carriers' day, when the next begins
    ("2026-01-15T07:59:59Z", "2026-01-14", "2026-01-15T08:00Z"),  # winter
    ("2026-01-15T08:00:00Z", "2026-01-15", "2026-01-16T08:00Z"),
    ("2026-07-15T06:59:59Z", "2026-07-14", "2026-07-15T07:00Z"),  # summer
    ("2026-07-15T07:00:00Z", "2026-07-15", "2026-07-16T07:00Z"),
    ("2026-03-08T07:59:59Z", "2026-03-07", "2026-03-08T08:00Z"),  # 8 March has 23 hours
    ("2026-03-08T08:00:00Z", "2026-03-08", "2026-03-09T07:00Z"),
    ("2026-03-09T07:00:00Z", "2026-03-09", "2026-03-10T07:00Z"),
    ("2026-11-01T06:59:59Z", "2026-10-31", "2026-11-01T07:00Z"),  # 1 November has 25
    ("2026-11-01T07:00:00Z", "2026-11-01", "2026-11-02T08:00Z"),
    ("2026-11-01T09:30:00Z", "2026-11-01", "2026-11-02T08:00Z"),  # half past one, the second time
    ("2026-11-02T08:00:00Z", "2026-11-02", "2026-11-03T08:00Z"),
    ("2026-01-15T09:00:00+02:00", "2026-01-14", "2026-01-15T08:00Z"),  # another zone's instant
]


@pytest.mark.parametrize(("instant", "day", "midnight"), MIDNIGHTS)
def test_a_day_begins_at_midnight_in_california(instant: str, day: str, midnight: str) -> None:
    now = datetime.fromisoformat(instant)
    assert carrier_day(now) == date.fromisoformat(day)
    assert next_carrier_midnight(now) == datetime.fromisoformat(midnight)
    assert next_carrier_midnight(now).tzinfo is UTC


@given(st.datetimes(datetime(2007, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_the_next_day_begins_at_its_midnight(now: datetime) -> None:
    midnight = next_carrier_midnight(now)
    tick = timedelta(microseconds=1)
    assert timedelta() < midnight - now <= timedelta(hours=25)
    assert carrier_day(midnight - tick) == carrier_day(now)
    assert carrier_day(midnight) == carrier_day(now) + timedelta(days=1)

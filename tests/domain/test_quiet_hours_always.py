"""Quiet hours in every zone, week and calendar: what can never be, and what a scan would find."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.domain.compliance.quiet_hours import (
    HORIZON,
    Clock,
    Closed,
    Hours,
    Open,
    consult,
    spread,
)
from tests.domain.walls import (
    CANADA,
    FEDERAL,
    MINUTE,
    NEW_YORK,
    NONE,
    TICK,
    TO_EIGHT,
    ZONES,
    changes,
    hours,
    permitted,
    permitted_throughout,
    utc,
    week,
)

ODD = week("0-0:30 1-1:45 2:15-3:05 8-12 13-21:30 23-24", "0:10-24", "1-3 10-18")


@pytest.mark.parametrize("initial", sorted({zone[0] for zone in ZONES}))
def test_around_every_change_of_every_zone_the_wall_agrees(initial: str) -> None:
    for zone in (zone for zone in ZONES if zone.startswith(initial)):
        what = hours(zone, ODD)
        for change in changes(zone, utc("2026-01-01"), utc("2027-06-01")):
            for quarter in range(-14, 15):
                agrees(what, change + quarter * timedelta(minutes=15) - quarter % 2 * TICK)


def agrees(what: Hours, at: datetime, margin: timedelta = NONE) -> None:
    """The answer and the ends it names are what the walls say."""
    answer = consult(what, at, margin)
    assert isinstance(answer, Open) == permitted_throughout(what, at, margin)
    if isinstance(answer, Open):
        if answer.until is not None:
            assert at + margin < answer.until <= at + HORIZON
            assert permitted(what, answer.until - TICK)
            assert not permitted(what, answer.until)
        return
    assert not permitted_throughout(Hours((answer.clock,)), at, margin)
    if answer.reopens is not None:
        assert at < answer.reopens <= at + HORIZON
        assert permitted_throughout(what, answer.reopens, margin)
        assert not permitted(what, answer.reopens - TICK)
        assert isinstance(consult(what, answer.reopens, margin), Open)


@st.composite
def day_windows(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    cuts = sorted(draw(st.sets(st.integers(0, 24 * 12), max_size=6)))
    return tuple((a * 5, b * 5) for a, b in zip(cuts[::2], cuts[1::2], strict=False))


weeks = st.one_of(
    st.sampled_from([FEDERAL, TO_EIGHT, CANADA, ODD, week("9-18", "10-17", ""), week("0-24")]),
    st.tuples(*[day_windows()] * 7),
)
clocks = st.builds(
    Clock,
    st.just("rule"),
    st.sampled_from(ZONES),
    weeks,
    st.sampled_from([None, None, None, "BR", "US-AL", "US-LA", "FR"]),
)
some_hours = st.lists(clocks, min_size=1, max_size=4).map(lambda drawn: Hours(tuple(drawn)))
margins = st.sampled_from([NONE, MINUTE, timedelta(minutes=10), timedelta(minutes=45)])


@st.composite
def questions(draw: st.DrawFn) -> tuple[Hours, datetime]:
    """Hours and an instant, half of the time within a day of a change of one of their zones."""
    what = draw(some_hours)
    at = draw(st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1))).replace(tzinfo=UTC)  # noqa: DTZ001
    if draw(st.booleans()):
        zone = draw(st.sampled_from(what.clocks)).zone
        found = changes(zone, at, at + timedelta(days=370))
        if found:
            minutes = draw(st.integers(-26 * 60, 26 * 60))
            at = draw(st.sampled_from(found)) + minutes * MINUTE
    return what, at


@settings(max_examples=400)
@given(questions(), margins)
def test_no_instant_that_a_clock_forbids_is_ever_permitted(
    question: tuple[Hours, datetime], margin: timedelta
) -> None:
    agrees(*question, margin)


@settings(max_examples=25)
@given(questions(), margins)
def test_the_reopening_is_what_a_scan_of_every_minute_finds(
    question: tuple[Hours, datetime], margin: timedelta
) -> None:
    what, at = question
    answer = consult(what, at, margin)
    found = at if isinstance(answer, Open) else answer.reopens
    minute = at.replace(second=0, microsecond=0)
    scan = (minute + n * MINUTE for n in range(1, HORIZON // MINUTE + 1))
    first = (t for t in (at, *scan) if t <= at + HORIZON and permitted_throughout(what, t, margin))
    assert found == next(first, None)


@settings(max_examples=200)
@given(questions(), clocks, margins)
def test_one_more_clock_never_permits_more(
    question: tuple[Hours, datetime], more: Clock, margin: timedelta
) -> None:
    what, at = question
    with_more = consult(Hours((*what.clocks, more)), at, margin)
    without = consult(what, at, margin)
    if isinstance(with_more, Open):
        assert isinstance(without, Open)
        assert without.until is None or (
            with_more.until is not None and with_more.until <= without.until
        )
    elif isinstance(without, Closed) and with_more.reopens is not None:
        assert without.reopens is not None
        assert without.reopens <= with_more.reopens


@settings(max_examples=200)
@given(questions(), margins, st.integers(0, 2**128 - 1), st.integers(0, 120))
def test_what_is_spread_stays_within_the_window(
    question: tuple[Hours, datetime], margin: timedelta, seed: int, minutes: int
) -> None:
    what, at = question
    answer = consult(what, at, margin)
    opens = at if isinstance(answer, Open) else answer.reopens
    if opens is None:
        return
    over = minutes * MINUTE
    then = spread(opens, what, seed, over, margin)
    assert opens <= then <= max(opens, opens + over - TICK)
    assert permitted_throughout(what, then, margin)
    assert then == spread(opens, what, seed, over, margin)


def test_what_is_spread_fills_the_time_there_is_evenly() -> None:
    what, opens = hours(NEW_YORK, week("8-8:30")), utc("2026-07-15T12:00")
    margin, over = timedelta(minutes=10), timedelta(hours=1)
    times = [spread(opens, what, seed, over, margin) for seed in range(1000)]
    per_minute = [sum(t - opens < (n + 1) * MINUTE for t in times) for n in range(20)]
    assert per_minute[-1] == 1000
    assert all(abs(count - 50 * (n + 1)) < 10 for n, count in enumerate(per_minute))


def test_where_it_is_closed_nothing_is_spread() -> None:
    at = utc("2026-07-15T03:00")
    assert spread(at, hours(NEW_YORK, FEDERAL), 7, timedelta(hours=1), NONE) == at

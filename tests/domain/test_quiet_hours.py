from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.domain.compliance.quiet_hours import (
    HORIZON,
    Clock,
    Closed,
    Hours,
    Open,
    Week,
    consult,
    spread,
)

NONE = timedelta(0)
MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)
ZONES = sorted(available_timezones() - {"localtime"})


def week(weekdays: str, saturday: str | None = None, sunday: str | None = None) -> Week:
    """Hours such as "8-21" or "9-21:30"; "" is closed; the weekend is as the week if not given."""
    week, at_weekend = _windows(weekdays), (saturday, sunday)
    return (week,) * 5 + tuple(week if day is None else _windows(day) for day in at_weekend)


def _windows(hours: str) -> tuple[tuple[int, int], ...]:
    ends = [tuple(map(_minutes, part.split("-"))) for part in hours.split()]
    return tuple((start, end) for start, end in ends)


def _minutes(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute or 0)


FEDERAL = week("8-21")
TO_EIGHT = week("8-20")
CANADA = week("9-21:30", "10-18", "10-18")
NEW_YORK, CHICAGO = "America/New_York", "America/Chicago"
ALL_US = (NEW_YORK, "America/Los_Angeles", "America/Adak", "Pacific/Honolulu")


def hours(zones: tuple[str, ...] | str, *weeks: Week, holidays: str | None = None) -> Hours:
    named = (zones,) if isinstance(zones, str) else zones
    return Hours(tuple(Clock(f"w{i}", z, w, holidays) for i, w in enumerate(weeks) for z in named))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- the oracle: what a person with a wall clock in each zone would say


@lru_cache
def days_off(calendar: str, year: int) -> frozenset[date]:
    country, _, part = calendar.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))


def permitted(what: Hours, at: datetime) -> bool:
    for clock in what.clocks:
        wall = at.astimezone(ZoneInfo(clock.zone))
        if clock.holidays and wall.date() in days_off(clock.holidays, wall.year):
            return False
        minute = wall.hour * 60 + wall.minute
        if not any(start <= minute < end for start, end in clock.week[wall.weekday()]):
            return False
    return True


def permitted_throughout(what: Hours, at: datetime, margin: timedelta) -> bool:
    steps = range(1, margin // MINUTE)
    return all(permitted(what, at + step) for step in [NONE, margin, *(n * MINUTE for n in steps)])


# --- tables

CASES = [
    # name, hours, instant, the next permitted one (the same: it is permitted)
    ("before_8", hours(NEW_YORK, FEDERAL), "2026-07-15T11:59:59.999999", "2026-07-15T12:00"),
    (
        "split_area_code_opens_in_its_west",
        hours((NEW_YORK, CHICAGO), FEDERAL, TO_EIGHT),
        "2026-07-15T12:30",
        "2026-07-15T13:00",
    ),
    (
        "split_area_code_still_open",
        hours((NEW_YORK, CHICAGO), FEDERAL, TO_EIGHT),
        "2026-07-15T23:30",
        "2026-07-15T23:30",
    ),
    (
        "texas_sunday_noon",
        hours(CHICAGO, FEDERAL, week("9-21", sunday="12-21")),
        "2026-07-12T17:00",
        "2026-07-12T17:00",
    ),
    (
        "saturday_night_to_monday",
        hours(CHICAGO, FEDERAL, week("8-20", sunday="")),
        "2026-07-12T01:05",
        "2026-07-13T13:00",
    ),
    (
        "saturday_afternoon_to_monday",
        hours(NEW_YORK, FEDERAL, week("9-18", "10-17", "")),
        "2026-07-11T21:01",
        "2026-07-13T13:00",
    ),
    (
        "clocks_go_forward_at_night",
        hours(NEW_YORK, FEDERAL),
        "2026-03-08T06:30",
        "2026-03-08T12:00",
    ),
    (
        "arizona_in_summer",
        hours("America/Phoenix", FEDERAL),
        "2026-07-15T14:59",
        "2026-07-15T15:00",
    ),
    (
        "anywhere_in_the_us",
        hours(ALL_US, FEDERAL, TO_EIGHT),
        "2026-07-15T17:00",
        "2026-07-15T18:00",
    ),
    (
        "brazil_sunday",
        hours("America/Sao_Paulo", week("9-22", sunday="")),
        "2026-07-12T15:00",
        "2026-07-13T12:00",
    ),
    (
        "france_saturday_night",
        hours("Europe/Paris", week("8-22", sunday="")),
        "2026-07-11T20:01",
        "2026-07-13T06:00",
    ),
    (
        "newfoundland_and_halifax",
        hours(("America/St_Johns", "America/Halifax"), CANADA),
        "2026-07-15T11:35",
        "2026-07-15T12:00",
    ),
    ("canada_weekend", hours("America/Toronto", CANADA), "2026-07-11T22:01", "2026-07-12T14:00"),
    (
        "over_new_year",
        hours("America/Los_Angeles", FEDERAL),
        "2027-01-01T05:30",
        "2027-01-01T16:00",
    ),
    # half-open: the first instant is in, the last is not
    ("at_the_opening", hours(NEW_YORK, FEDERAL), "2026-07-15T12:00", "2026-07-15T12:00"),
    (
        "just_before_the_close",
        hours(NEW_YORK, FEDERAL),
        "2026-07-16T00:59:59.999999",
        "2026-07-16T00:59:59.999999",
    ),
    ("at_the_close", hours(NEW_YORK, FEDERAL), "2026-07-16T01:00", "2026-07-16T12:00"),
    (
        "half_hour_zone",
        hours("Asia/Kolkata", week("10-21")),
        "2026-07-15T04:29",
        "2026-07-15T04:30",
    ),
    ("45_minute_zone", hours("Asia/Kathmandu", TO_EIGHT), "2026-07-15T02:00", "2026-07-15T02:15"),
    # wall times that are skipped: the window begins with the gap's end, or is not at all that day
    ("gap_cuts_a_window", hours(NEW_YORK, week("2:30-4")), "2026-03-08T06:00", "2026-03-08T07:00"),
    ("gap_swallows_a_window", hours(NEW_YORK, week("2-3")), "2026-03-08T06:00", "2026-03-09T06:00"),
    # wall times that come twice count twice
    ("fold_first", hours(NEW_YORK, week("1:30-2")), "2026-11-01T05:00", "2026-11-01T05:30"),
    ("fold_again", hours(NEW_YORK, week("1:30-2")), "2026-11-01T06:00", "2026-11-01T06:30"),
    (
        "gap_of_30_minutes",
        hours("Australia/Lord_Howe", week("2-3")),
        "2026-10-03T15:00",
        "2026-10-03T15:30",
    ),
    # days that a zone left out when it crossed the date line
    (
        "apia_skips_a_friday",
        hours("Pacific/Apia", TO_EIGHT),
        "2011-12-30T09:00",
        "2011-12-30T18:00",
    ),
    ("kiritimati", hours("Pacific/Kiritimati", TO_EIGHT), "1994-12-31T06:00", "1994-12-31T18:00"),
    # public holidays
    (
        "independence_day_observed",
        hours(CHICAGO, week("8-20", sunday=""), holidays="US-AL"),
        "2026-07-03T01:00",
        "2026-07-06T13:00",
    ),
    (
        "mardi_gras",
        hours(CHICAGO, week("8-20", sunday=""), holidays="US-LA"),
        "2026-02-17T15:00",
        "2026-02-18T14:00",
    ),
    (
        "tiradentes",
        hours("America/Sao_Paulo", week("9-18"), holidays="BR"),
        "2026-04-21T15:00",
        "2026-04-22T12:00",
    ),
]


@pytest.mark.parametrize(("what", "at", "opens"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_when_it_is_permitted_next(what: Hours, at: str, opens: str) -> None:
    answer = consult(what, utc(at))
    if at == opens:
        assert isinstance(answer, Open)
    else:
        assert isinstance(answer, Closed)
        assert answer.reopens == utc(opens)
        assert not permitted(Hours((answer.clock,)), utc(at))


@pytest.mark.parametrize(
    ("zone", "opens", "length"),
    [
        (NEW_YORK, "2026-03-08T05:00", 23),
        (NEW_YORK, "2026-07-05T04:00", 24),
        (NEW_YORK, "2026-11-01T04:00", 25),
    ],
)
def test_a_whole_sunday_is_as_long_as_it_is(zone: str, opens: str, length: int) -> None:
    sunday = hours(zone, week("", "", "0-24"))
    assert isinstance(consult(sunday, utc(opens) - TICK), Closed)
    assert consult(sunday, utc(opens)) == Open(utc(opens) + timedelta(hours=length))


def test_without_a_clock_it_is_always_open() -> None:
    assert consult(Hours(()), utc("2026-07-15T03:00")) == Open(None)


def test_open_around_the_clock_has_no_close_within_the_horizon() -> None:
    assert consult(hours((NEW_YORK, "Asia/Tokyo"), week("0-24")), utc("2026-07-15T03:00")) == Open(
        None
    )


def test_windows_that_overlap_are_one() -> None:
    what = hours("UTC", week("8-12 10-11 11:30-15"))
    assert consult(what, utc("2026-07-15T08:00")) == Open(utc("2026-07-15T15:00"))


def test_what_never_opens_says_so_and_names_the_clock() -> None:
    never = Clock("never", NEW_YORK, week(""))
    what = Hours((*hours(NEW_YORK, FEDERAL).clocks, never))
    assert consult(what, utc("2026-07-15T15:00")) == Closed(None, never)


def test_clocks_that_never_agree_never_open() -> None:
    what = hours(NEW_YORK, week("8-12"), week("13-20"))
    answer = consult(what, utc("2026-07-15T13:00"))
    assert answer == Closed(None, what.clocks[1])


def test_a_close_beyond_the_horizon_is_not_told_and_a_nearer_one_is() -> None:
    # From Tuesday to Sunday closed; Labor Day takes the Monday in between.
    mondays = Hours((Clock("m", NEW_YORK, (((480, 1200),), *((),) * 6), "US"),))
    assert consult(mondays, utc("2026-09-05T11:59:59")) == Closed(None, mondays.clocks[0])
    assert consult(mondays, utc("2026-09-05T12:00")) == Closed(
        utc("2026-09-14T12:00"), mondays.clocks[0]
    )


def test_the_margin_closes_early_and_the_true_close_is_still_told() -> None:
    what, margin, close = hours(NEW_YORK, FEDERAL), timedelta(minutes=10), utc("2026-07-16T01:00")
    assert consult(what, close - margin - TICK, margin) == Open(close)
    early = consult(what, close - margin, margin)
    assert isinstance(early, Closed)
    assert early.reopens == utc("2026-07-16T12:00")


def test_a_window_no_longer_than_the_margin_is_passed_over() -> None:
    what = hours("UTC", week("8-8:10 12-12:11"))
    for at in (utc("2026-07-15T07:00"), utc("2026-07-15T08:00")):
        answer = consult(what, at, timedelta(minutes=10))
        assert isinstance(answer, Closed)
        assert answer.reopens == utc("2026-07-15T12:00")


def test_of_several_clocks_that_say_no_the_latest_to_open_is_named() -> None:
    what = hours((NEW_YORK, CHICAGO), FEDERAL, week("9-20"))
    answer = consult(what, utc("2026-07-15T10:00"))
    assert isinstance(answer, Closed)
    assert (answer.clock.rule, answer.clock.zone) == ("w1", CHICAGO)


def test_any_zone_of_the_instant_gives_the_same_answer() -> None:
    what, at = hours(NEW_YORK, FEDERAL), utc("2026-07-15T10:00")
    assert consult(what, at.astimezone(ZoneInfo("Asia/Kathmandu"))) == consult(what, at)


@pytest.mark.parametrize(
    ("at", "margin"),
    [(datetime(2026, 7, 15, 12), NONE), (utc("2026-07-15T12:00"), -MINUTE)],  # noqa: DTZ001
)
def test_a_question_without_a_meaning_is_refused(at: datetime, margin: timedelta) -> None:
    with pytest.raises(ValueError, match="zone"):
        consult(hours(NEW_YORK, FEDERAL), at, margin)


def test_hours_are_equal_and_hashed_by_their_clocks_in_any_process() -> None:
    one, other = hours(NEW_YORK, FEDERAL), hours(NEW_YORK, FEDERAL)
    assert one == other
    assert hash(one) == hash(other)
    assert one != hours(CHICAGO, FEDERAL)
    again = pickle.loads(pickle.dumps(one))
    assert again == one
    assert hash(again) == hash(one)
    code = (
        "import pickle, sys; h = pickle.load(sys.stdin.buffer); sys.exit(hash(h) != hash(h.clocks))"
    )
    subprocess.run([sys.executable, "-c", code], input=pickle.dumps(one), check=True, timeout=60)


def test_the_holiday_calendars_are_loaded_only_for_a_clock_that_names_one() -> None:
    code = """
import sys
from datetime import UTC, datetime
from messaging.domain.compliance.quiet_hours import Clock, Hours, consult
week = (((480, 1200),),) * 7
for calendar in (None, "BR"):
    consult(Hours((Clock("r", "America/Recife", week, calendar),)), datetime(2026, 7, 15, tzinfo=UTC))
    assert ("holidays" in sys.modules) == (calendar == "BR")
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# --- properties


def changes(zone: str, first: datetime, last: datetime) -> list[datetime]:
    """Instants within a quarter of an hour after which a zone's offset changed."""
    tz, step, found = ZoneInfo(zone), timedelta(days=5), []
    at = first
    while at < last:
        low, high = at, at + step
        if low.astimezone(tz).utcoffset() != high.astimezone(tz).utcoffset():
            while high - low > timedelta(minutes=15):
                middle = low + (high - low) / 2
                same = low.astimezone(tz).utcoffset() == middle.astimezone(tz).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            found.append(high.replace(minute=high.minute // 15 * 15, second=0, microsecond=0))
        at += step
    return found


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

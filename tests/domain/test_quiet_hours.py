"""Quiet hours, case by case; test_quiet_hours_always.py says what holds for every zone and week."""

from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from messaging.domain.compliance.quiet_hours import (
    Clock,
    Closed,
    Hours,
    Open,
    consult,
)
from tests.domain.walls import (
    ALL_US,
    CANADA,
    CHICAGO,
    FEDERAL,
    MINUTE,
    NEW_YORK,
    NONE,
    TICK,
    TO_EIGHT,
    hours,
    permitted,
    utc,
    week,
)

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

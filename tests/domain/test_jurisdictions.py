"""What the law permits where, state by state and country by country."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from messaging.domain.compliance.jurisdictions import (
    LawCap,
    caps_for,
    hours_for,
)
from messaging.domain.compliance.places import Place, PlaceBasis, locate
from messaging.domain.compliance.policy import QuietHours
from messaging.domain.compliance.quiet_hours import Closed, Hours, Open, consult
from tests.domain.walls import CHICAGO, NEW_YORK

LAW = QuietHours()


def place(country: str | None, *zones: str, states: tuple[str, ...] = ()) -> Place:
    return Place(country, None, frozenset(states), zones, PlaceBasis.COUNTRY)


def state(code: str, zone: str) -> Place:
    return place("US", zone, states=(f"US-{code}",))


FRANCE = place("FR", "Europe/Paris")
INDIA = place("IN", "Asia/Kolkata")
ALABAMA, LOUISIANA = state("AL", CHICAGO), state("LA", CHICAGO)
MISSISSIPPI, UTAH = state("MS", CHICAGO), state("UT", "America/Denver")
PENNSYLVANIA, RHODE_ISLAND = state("PA", NEW_YORK), state("RI", NEW_YORK)


def permitted(hours: Hours, local: str, zone: str) -> bool:
    at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))
    return isinstance(consult(hours, at), Open)


WED, SAT, SUN = "2026-07-15", "2026-07-11", "2026-07-12"

LAWFUL = [
    # who, the day, when it opens and when it closes there; None: not at all
    ("+13055550123", WED, ("08:00", "20:00")),  # Florida
    ("+13055550123", SUN, ("08:00", "20:00")),
    ("+12035550123", WED, ("09:00", "20:00")),  # Connecticut
    ("+12035550123", SUN, ("09:00", "20:00")),
    ("+12145550123", WED, ("09:00", "21:00")),  # Texas
    ("+12145550123", SAT, ("09:00", "21:00")),
    ("+12145550123", SUN, ("12:00", "21:00")),
    (ALABAMA, SAT, ("08:00", "20:00")),
    (ALABAMA, SUN, None),
    (ALABAMA, "2026-04-27", None),  # Confederate Memorial Day
    (LOUISIANA, SUN, None),
    (LOUISIANA, "2026-02-17", None),  # Mardi Gras
    (MISSISSIPPI, SUN, None),
    (MISSISSIPPI, "2026-11-11", None),
    (RHODE_ISLAND, WED, ("09:00", "18:00")),
    (RHODE_ISLAND, SAT, ("10:00", "17:00")),
    (RHODE_ISLAND, SUN, None),
    (RHODE_ISLAND, "2026-08-10", None),  # Victory Day
    (PENNSYLVANIA, WED, ("08:00", "21:00")),
    (PENNSYLVANIA, SUN, None),
    (PENNSYLVANIA, "2026-12-25", None),
    (UTAH, SUN, None),
    (UTAH, "2026-07-24", None),  # Pioneer Day
    (state("SD", CHICAGO), SUN, None),
    (state("WA", "America/Los_Angeles"), WED, ("08:00", "20:00")),
    (state("OK", CHICAGO), SUN, ("08:00", "20:00")),
    (state("MD", NEW_YORK), WED, ("08:00", "20:00")),
    (state("KY", NEW_YORK), WED, ("10:00", "21:00")),
    (state("MI", NEW_YORK), WED, ("09:00", "21:00")),
    (state("MN", CHICAGO), SUN, ("09:00", "21:00")),
    (state("NM", "America/Denver"), WED, ("09:00", "21:00")),
    (state("NV", "America/Los_Angeles"), WED, ("09:00", "20:00")),
    (state("MA", NEW_YORK), WED, ("08:00", "20:00")),
    (state("NJ", NEW_YORK), WED, ("08:00", "20:00")),
    (state("VA", NEW_YORK), WED, ("08:00", "21:00")),
    (state("OH", NEW_YORK), SUN, ("08:00", "21:00")),  # no law of its own
    (place("US", NEW_YORK), WED, ("08:00", "20:00")),  # the state is not known
    (place("PR", "America/Puerto_Rico"), WED, ("08:00", "21:00")),
    ("+14165550123", WED, ("09:00", "21:30")),  # Canada
    ("+14165550123", SAT, ("10:00", "18:00")),
    ("+14165550123", SUN, ("10:00", "18:00")),
    (place("GB", "Europe/London"), SUN, ("08:00", "21:00")),
    (FRANCE, SAT, ("08:00", "20:00")),
    (FRANCE, SUN, None),
    (FRANCE, "2026-07-14", None),
    (INDIA, WED, ("10:00", "21:00")),
    ("+5511955550123", WED, ("09:00", "22:00")),
    ("+5511955550123", SUN, None),
    (place("AU", "Australia/Sydney"), WED, ("09:00", "20:00")),
    (place("BE", "Europe/Brussels"), WED, ("09:00", "20:00")),
    (place("ZA", "Africa/Johannesburg"), SUN, ("08:00", "20:00")),  # no row
    (place(None, "Europe/Lisbon"), WED, ("08:00", "20:00")),
]


@pytest.mark.parametrize(("who", "day", "window"), LAWFUL)
def test_what_the_law_permits(who: str | Place, day: str, window: tuple[str, str] | None) -> None:
    there = locate(who) if isinstance(who, str) else who
    hours, zone = hours_for(there, LAW), ZoneInfo(there.zones[0])
    assert len(there.zones) == 1
    midnight = datetime.combine(date.fromisoformat(day), time.min, zone).astimezone(UTC)
    if window is None:
        assert not any(
            isinstance(consult(hours, midnight + n * timedelta(minutes=15)), Open)
            for n in range(24 * 4)
        )
        return
    opening, closing = (f"{day}T{end}" for end in window)
    found = consult(hours, midnight)
    assert isinstance(found, Closed)
    assert found.reopens == datetime.fromisoformat(opening).replace(tzinfo=zone)
    assert consult(hours, found.reopens) == Open(
        datetime.fromisoformat(closing).replace(tzinfo=zone)
    )


def test_a_split_area_code_respects_both_of_its_zones() -> None:
    hours = hours_for(locate("+18505550123"), LAW)
    assert not permitted(hours, "2026-07-15T08:59", NEW_YORK)
    assert permitted(hours, "2026-07-15T09:00", NEW_YORK)
    assert permitted(hours, "2026-07-15T19:59", NEW_YORK)
    assert not permitted(hours, "2026-07-15T20:00", NEW_YORK)


def test_a_us_number_of_no_state_is_within_8_and_20_from_hawaii_to_the_east() -> None:
    hours = hours_for(locate("+18005550123"), LAW)
    assert not permitted(hours, "2026-07-15T13:59", NEW_YORK)
    assert permitted(hours, "2026-07-15T14:00", NEW_YORK)
    assert not permitted(hours, "2026-07-15T20:00", NEW_YORK)


def test_the_area_codes_state_holds_along_with_the_postal_codes() -> None:
    moved_north = locate("+13055550123", postal_code="10001")
    rules = {clock.rule for clock in hours_for(moved_north, LAW).clocks}
    assert rules == {"us_federal", "us_fl"}
    assert caps_for(moved_north) == (LawCap("us_fl_cap", 3, 24),)
    moved_south = locate("+12125550123", postal_code="33101")
    assert {c.rule for c in hours_for(moved_south, LAW).clocks} == {"us_federal", "us_fl"}
    assert not permitted(hours_for(moved_south, LAW), "2026-07-15T20:30", NEW_YORK)
    assert permitted(hours_for(locate("+12125550123"), LAW), "2026-07-15T20:30", NEW_YORK)


def test_two_strict_states_hold_together() -> None:
    both = place("US", CHICAGO, states=("US-TX", "US-FL"))
    hours = hours_for(both, LAW)
    assert not permitted(hours, "2026-07-12T11:59", CHICAGO)  # a Sunday in Texas
    assert permitted(hours, "2026-07-12T12:00", CHICAGO)
    assert not permitted(hours, "2026-07-12T20:00", CHICAGO)  # Florida's evening


@pytest.mark.parametrize(
    ("states", "caps"),
    [
        (("US-FL",), ["us_fl_cap"]),
        (("US-MD", "US-OK"), ["us_md_cap", "us_ok_cap"]),
        (("US-NY",), []),
        ((), []),
    ],
)
def test_how_often_the_law_permits(states: tuple[str, ...], caps: list[str]) -> None:
    assert caps_for(place("US", NEW_YORK, states=states)) == tuple(
        LawCap(cap, limit=3, hours=24) for cap in caps
    )


@pytest.mark.parametrize(
    ("there", "on", "first"),
    [
        (INDIA, date(2025, 9, 30), "09:00"),
        (INDIA, date(2025, 10, 1), "10:00"),
        (INDIA, None, "10:00"),
        (state("TX", CHICAGO), date(2025, 8, 31), "08:00"),
        (state("TX", CHICAGO), date(2025, 9, 1), "09:00"),
        (state("CT", NEW_YORK), date(2023, 9, 30), "08:00"),
        (state("CT", NEW_YORK), date(2023, 10, 1), "09:00"),
    ],
)
def test_a_law_holds_from_its_first_day_to_its_last(
    there: Place, on: date | None, first: str
) -> None:
    hours, zone = hours_for(there, LAW, on), ZoneInfo(there.zones[0])
    found = consult(hours, datetime(2026, 7, 15, tzinfo=zone))
    assert isinstance(found, Closed)
    assert found.reopens == datetime.fromisoformat(f"{WED}T{first}").replace(tzinfo=zone)


def test_a_cap_holds_from_its_first_day() -> None:
    oklahoma = state("OK", CHICAGO)
    assert caps_for(oklahoma, date(2022, 10, 31)) == ()
    assert caps_for(oklahoma, date(2022, 11, 1)) == (LawCap("us_ok_cap", 3, 24),)


def test_a_place_without_a_zone_is_never_open() -> None:
    found = consult(hours_for(place("US"), LAW), datetime(2026, 7, 15, 17, 0, tzinfo=UTC))
    assert isinstance(found, Closed)
    assert found.reopens is None
    assert found.clock.rule == "no_known_zone"

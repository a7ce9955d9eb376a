"""Wishes, states and zones on top of the law: each can only tighten it."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.domain.compliance.jurisdictions import TENANT, hours_for, rows
from messaging.domain.compliance.places import Place, PlaceBasis, locate
from messaging.domain.compliance.policy import Preset, QuietHours
from messaging.domain.compliance.quiet_hours import Clock, Open, Week, consult
from tests.domain.walls import CHICAGO, NEW_YORK

LAW = QuietHours()
STATES = {
    row.jurisdiction: row.id
    for row in rows()
    if row.jurisdiction.startswith("US-") and not row.id.endswith("_cap")
}
US_ZONES = [NEW_YORK, CHICAGO, "America/Denver", "America/Phoenix", "Pacific/Honolulu"]


def place(country: str | None, *zones: str, states: tuple[str, ...] = ()) -> Place:
    return Place(country, None, frozenset(states), zones, PlaceBasis.COUNTRY)


FRANCE = place("FR", "Europe/Paris")
INDIA = place("IN", "Asia/Kolkata")


def wished(wishes: QuietHours) -> list[Clock]:
    clocks = hours_for(place("US", CHICAGO), wishes).clocks
    return [clock for clock in clocks if clock.rule == TENANT]


@pytest.mark.parametrize(
    ("preset", "weekday", "saturday", "sunday", "holidays"),
    [
        (Preset.US_DEFAULT, ((540, 1200),), ((540, 1200),), ((720, 1200),), None),
        (Preset.US_STRICT, ((600, 1080),), (), (), None),
        (Preset.BR_STRICT, ((540, 1080),), ((540, 780),), (), "BR"),
    ],
)
def test_a_preset_is_one_more_clock(
    preset: Preset, weekday: object, saturday: object, sunday: object, holidays: str | None
) -> None:
    (clock,) = wished(QuietHours(preset=preset))
    assert clock.week == (*(weekday,) * 5, saturday, sunday)
    assert clock.holidays == holidays
    assert clock.zone == CHICAGO


@pytest.mark.parametrize(
    ("opens", "closes", "window"),
    [
        (time(10), None, ((600, 1440),)),
        (None, time(18, 30), ((0, 1110),)),
        (time(10), time(18, 30), ((600, 1110),)),
        (time(10, 0, 1), time(18, 30, 59), ((601, 1110),)),  # rounded to the tighter side
        (time(20), time(8), ()),  # never before 20, never from 8 on
        (time(9), time(9), ()),
    ],
)
def test_own_hours_are_one_more_clock(
    opens: time | None, closes: time | None, window: tuple[tuple[int, int], ...]
) -> None:
    (clock,) = wished(QuietHours(opens=opens, closes=closes))
    assert clock.week == (window,) * 7


def test_a_preset_and_own_hours_both_hold_in_every_zone() -> None:
    wishes = QuietHours(preset=Preset.US_STRICT, opens=time(11))
    clocks = hours_for(place("US", CHICAGO, NEW_YORK), wishes).clocks
    assert [c.zone for c in clocks if c.rule == TENANT] == [CHICAGO, NEW_YORK] * 2


def test_every_preset_is_there_and_the_law_alone_is_none() -> None:
    assert wished(LAW) == []
    assert all(wished(QuietHours(preset=preset)) for preset in Preset if preset is not Preset.LAW)


@pytest.mark.parametrize("code", ["US", *STATES])
def test_the_strict_preset_is_within_every_states_week(code: str) -> None:
    (strict,) = wished(QuietHours(preset=Preset.US_STRICT))
    for clock in hours_for(place("US", CHICAGO, states=(code,)), LAW).clocks:
        assert within(strict.week, clock.week)


def within(one: Week, other: Week) -> bool:
    return all(
        any(a <= start and end <= b for a, b in wider)
        for day, wider in zip(one, other, strict=True)
        for start, end in day
    )


instants = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)
us_places = st.builds(
    lambda states, zones: place("US", *zones, states=tuple(states)),
    st.lists(st.sampled_from([*STATES, "US-NY", "US-OH"]), max_size=3, unique=True),
    st.lists(st.sampled_from(US_ZONES), min_size=1, max_size=3, unique=True),
)
places = st.one_of(us_places, st.sampled_from([FRANCE, INDIA, place("ZA", "Africa/Johannesburg")]))
wishes = st.builds(
    QuietHours,
    preset=st.sampled_from(Preset),
    opens=st.none() | st.times(),
    closes=st.none() | st.times(),
)


@settings(max_examples=300)
@given(us_places, wishes, instants)
def test_nothing_in_the_us_is_looser_than_the_federal_rule(
    there: Place, wish: QuietHours, at: datetime
) -> None:
    if isinstance(consult(hours_for(there, wish), at), Open):
        assert all(8 <= at.astimezone(ZoneInfo(zone)).hour < 21 for zone in there.zones)


@settings(max_examples=300)
@given(places, wishes, instants)
def test_a_wish_never_loosens(there: Place, wish: QuietHours, at: datetime) -> None:
    if isinstance(consult(hours_for(there, wish), at), Open):
        assert isinstance(consult(hours_for(there, LAW), at), Open)


@settings(max_examples=300)
@given(us_places, st.sampled_from(sorted(STATES)), st.sampled_from(US_ZONES), instants)
def test_one_more_state_or_zone_never_loosens(
    there: Place, code: str, zone: str, at: datetime
) -> None:
    more = place("US", *there.zones, zone, states=(*there.states, code))
    if not there.states:  # an unknown state is held to more than some known ones
        there = place("US", *there.zones, states=("US-NY",))
    if isinstance(consult(hours_for(more, LAW), at), Open):
        assert isinstance(consult(hours_for(there, LAW), at), Open)


def test_every_area_code_is_held_to_its_laws_in_every_zone() -> None:
    own = {"US": "us_federal", "CA": "ca_crtc"}
    for there in (locate(f"+1{area}5550123") for area in range(201, 990)):
        clocks = hours_for(there, LAW).clocks
        asked = {STATES[code] for code in there.states & STATES.keys()}
        asked.add(own.get(there.country or "", clocks[0].rule))
        for rule in asked:
            assert {c.zone for c in clocks if c.rule == rule} == set(there.zones)

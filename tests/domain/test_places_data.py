"""The data of places, held against what it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType
from phonenumbers.timezone import time_zones_for_number
from phonenumbers.tzdata import TIMEZONE_DATA

from messaging.domain.addresses import region_of
from messaging.domain.compliance import places
from messaging.domain.compliance.places import (
    Place,
    PlaceBasis,
    locate,
)
from tests.domain.atlas import br, clock, cover, example, us

NORTH_AMERICA = [
    us(str(area))
    for area in range(200, 1000)
    if region_of(us(str(area))) in ("US", "CA")
    and phonenumbers.number_type(phonenumbers.parse(us(str(area))))
    == PhoneNumberType.FIXED_LINE_OR_MOBILE
]
BRAZIL = [br(str(n)) for n in range(10, 100) if phonenumbers.is_valid_number(
    phonenumbers.parse(br(str(n))))]  # fmt: skip


def test_every_area_code_in_use_has_its_country_states_and_clocks() -> None:
    assert len(NORTH_AMERICA) >= 415
    for e164 in NORTH_AMERICA:
        place = locate(e164)
        assert place.basis is PlaceBasis.AREA_CODE, e164
        assert place.country == region_of(e164), e164
        assert place.area == e164[2:5]
        assert place.states, e164
        assert all(state.startswith(f"{place.country}-") for state in place.states), e164


def test_all_brazilian_area_codes_have_a_state_and_clocks() -> None:
    assert len(BRAZIL) == 67
    found = [locate(e164) for e164 in BRAZIL]
    assert all(place.basis is PlaceBasis.AREA_CODE for place in found)
    assert len({state for place in found for state in place.states}) == 27
    east = {"81", "87", "92", "97", "95", "69", "65", "66", "67", "68"}
    for place in found:
        if place.area not in east:
            assert cover(["America/Sao_Paulo"], place.zones[0]), place
            assert len({clock(zone) for zone in place.zones}) == 1, place


def test_every_state_has_area_codes_and_postal_codes() -> None:
    for country, count in (("US", 51), ("CA", 13), ("BR", 27)):
        book = places._book(country)
        for spots in (book.areas, book.postal):
            assert len({state for spot in spots.values() for state in spot.states}) == count


def test_an_area_code_has_one_state_but_for_the_three_that_are_shared() -> None:
    shared = {
        area
        for country in ("US", "CA", "BR")
        for area, spot in places._book(country).areas.items()
        if len(spot.states) > 1
    }
    assert shared == {"902", "782", "867", "61"}


@pytest.mark.parametrize(
    "family",
    ["208 986", "212 332 646", "214 469 945 972", "219", "248 947", "270 364", "303 720 983",
     "305 645 786", "313 679", "402 531", "404 470 678 770 943", "407 689", "541 458", "602 480 623",
     "727", "812 930", "850 448", "904 324", "916 279", "970 748", "204 431 584", "250 236",
     "250 257 672 778", "306 474 639", "403 587 825 368", "418 273 367 581", "416 437 647 942",
     "450 354 579", "506 428", "514 263 438", "705 249 683", "709 879", "819 468 873", "902 782"],
)  # fmt: skip
def test_an_overlay_has_its_parents_states_and_clocks(family: str) -> None:
    found = [locate(us(area)) for area in family.split()]
    assert {place.zones for place in found} == {found[0].zones}
    assert {place.states for place in found} == {found[0].states}


@pytest.mark.parametrize(
    "areas",
    [
        # split on the library's own evidence
        "208 219 270 308 423 541 574 605 606 620 701 775 785 812 850 906 907 928 986",
        "250 418 709 807 867",
        # split by a dialler's published list, or overlays of these
        "930 947 679 458 402 531 432 915 236 450 579 581 306 639 364 448",
    ],
)
def test_split_area_codes_have_several_clocks(areas: str) -> None:
    for area in areas.split():
        assert len({clock(zone) for zone in locate(us(area)).zones}) > 1, area


LIBRARY_IS_WRONG = {
    ("474", "America/Winnipeg"), # all of Saskatchewan, as 306 and 639
    ("867", "America/Vancouver"), # Whitehorse keeps its own time since 2020
    ("879", "America/Puerto_Rico"), # Newfoundland is not in the Caribbean
    ("907", "Pacific/Honolulu"), # Adak has summer time
    ("689", "America/Chicago"), # Orlando
}  # fmt: skip


def test_every_clock_the_library_knows_for_an_area_code_is_among_ours() -> None:
    for e164 in NORTH_AMERICA:
        area = e164[2:5]
        known = {z for prefix, zs in TIMEZONE_DATA.items() if prefix[:4] == f"1{area}" for z in zs}
        assert known, area
        for zone in known:
            if (area, zone) not in LIBRARY_IS_WRONG:
                assert cover(locate(e164).zones, zone), (area, zone)


def test_every_country_has_clocks_and_those_the_library_knows_are_among_them() -> None:
    wrong = {
        "BR",  # Noronha for all of Pernambuco; by area code above
        "DZ",  # Paris, which has summer time
        "EH",  # as MA
        "KZ",  # Russia's clocks too
        "LY",  # Bucharest, which has summer time
        "MA",  # the Canaries, which keep no Ramadan time
        "NI",  # Chicago, which has summer time
        "PS",  # Bucharest, whose summer time has other dates
        "RE",  # Mayotte's too, whose numbers begin otherwise
        "RU",  # Bucharest and Almaty
        "SS",  # Nairobi, whose time Juba left in 2021
        "YT",  # Reunion's too
    }
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        e164 = example(region)
        place = locate(e164)
        assert place.country == region_of(e164) is not None, region
        assert region in places._table("world")["countries"]
        assert place.basis in (PlaceBasis.COUNTRY, PlaceBasis.AREA_CODE), region
        if region in wrong or e164.startswith("+1"):  # most islands' are all of +1's
            continue
        for zone in time_zones_for_number(phonenumbers.parse(e164)):
            assert cover(place.zones, zone), (region, zone)


def test_every_clock_of_a_country_in_the_tz_database_is_among_ours() -> None:
    countries = places._table("world")["countries"]
    rows = files("tzdata.zoneinfo").joinpath("zone.tab").read_text("utf-8").splitlines()
    listed = [row.split("\t") for row in rows if not row.startswith("#")]
    seen = 0
    for country, _, zone, *_ in listed:
        if country in countries:
            seen += 1
            assert cover(countries[country].split(), zone), (country, zone)
    assert seen > 390


@pytest.mark.parametrize(
    ("region", "some"),
    [
        ("AU", "Australia/Perth Australia/Lord_Howe Indian/Cocos Australia/Darwin"),
        ("RU", "Europe/Kaliningrad Asia/Kamchatka"),
        ("MX", "America/Tijuana America/Cancun America/Mexico_City"),
        ("PT", "Europe/Lisbon Atlantic/Azores"),
        ("ES", "Europe/Madrid Atlantic/Canary"),
    ],
)
def test_a_wide_country_has_all_its_clocks(region: str, some: str) -> None:
    assert set(some.split()) <= set(locate(example(region)).zones)


def every_zone() -> Iterator[str]:
    world = places._table("world")
    for zones in (*world["countries"].values(), world["beyond"]["anywhere"]):
        yield from zones.split()
    for country in ("US", "CA", "BR"):
        book = places._book(country)
        for spot in (*book.areas.values(), *book.postal.values()):
            yield from spot.zones


def test_every_zone_of_the_tables_loads_under_its_current_name() -> None:
    for zone in set(every_zone()):
        assert ZoneInfo(zone).key == zone
        assert places._current(zone) == zone


def test_every_alias_shows_the_time_of_the_name_that_replaced_it() -> None:
    aliases = places._aliases()
    assert len(aliases) > 120
    for old, current in aliases.items():
        assert clock(old) == clock(current), old
        assert current not in aliases


# -- what always holds -----------------------------------------------------------------------------

NUMBERS = st.sampled_from(
    [*NORTH_AMERICA, *BRAZIL, us("800"), us("787"), us("211"), "+447700900123", "+80012345678"]
)
ZONES = st.none() | st.sampled_from(sorted(set(every_zone()))) | st.text(max_size=20)
POSTAL = st.none() | st.from_regex(r"\A[0-9]{5}(-?[0-9]{3,4})?\Z") | st.text(max_size=10)


@given(NUMBERS, ZONES, POSTAL)
def test_knowing_more_never_takes_away_the_area_codes_state(
    e164: str, time_zone: str | None, postal_code: str | None
) -> None:
    alone: Place = locate(e164)
    place = locate(e164, time_zone, postal_code)
    assert alone.states <= place.states
    assert place.zones
    assert list(place.zones) == sorted(set(place.zones))
    assert all(ZoneInfo(zone) for zone in place.zones)
    assert (place.country, place.area) == (alone.country, alone.area)
    assert locate(e164, None, postal_code).states == place.states

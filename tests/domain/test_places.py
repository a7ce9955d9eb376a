"""Where the person behind a number may be: tables of cases, and the data held against its sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
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
    postal_problem,
    zone_problem,
)

TWO_YEARS = [datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=12 * n) for n in range(2 * 730)]


def us(area: str) -> str:
    return f"+1{area}5550123"


def br(area: str) -> str:
    return f"+55{area}955550123"


def example(region: str) -> str:
    """A mobile number of a country, from the library's own examples."""
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    number = number or phonenumbers.example_number(region)
    assert number is not None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def short(zones: Iterable[str]) -> str:
    return " ".join(zone.removeprefix("America/") for zone in zones)


@cache
def clock(zone: str) -> tuple[timedelta | None, ...]:
    """What a zone's clock shows over two years, twice a day."""
    tz = ZoneInfo(zone)
    return tuple(at.astimezone(tz).utcoffset() for at in TWO_YEARS)


def cover(zones: Iterable[str], other: str) -> bool:
    """Whether at every moment one of the zones shows the time that the other one shows."""
    return all(now in shown for now, *shown in zip(clock(other), *map(clock, zones), strict=True))


# -- by the number alone ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("e164", "country", "area", "states", "zones", "basis"),
    [
        (us("202"), "US", "202", "US-DC", "New_York", "area_code"),
        (us("415"), "US", "415", "US-CA", "Los_Angeles", "area_code"),
        (us("201"), "US", "201", "US-NJ", "New_York", "area_code"),
        (us("850"), "US", "850", "US-FL", "Chicago New_York", "area_code"),
        (us("689"), "US", "689", "US-FL", "New_York", "area_code"),
        (us("208"), "US", "208", "US-ID", "Boise Los_Angeles", "area_code"),
        (us("907"), "US", "907", "US-AK", "Adak Anchorage", "area_code"),
        (us("928"), "US", "928", "US-AZ", "Denver Phoenix", "area_code"),
        (us("602"), "US", "602", "US-AZ", "Phoenix", "area_code"),
        (us("808"), "US", "808", "US-HI", "Pacific/Honolulu", "area_code"),
        (us("432"), "US", "432", "US-TX", "Chicago Denver", "area_code"),
        (us("416"), "CA", "416", "CA-ON", "Toronto", "area_code"),
        (us("902"), "CA", "902", "CA-NS CA-PE", "Halifax", "area_code"),
        (us("604"), "CA", "604", "CA-BC", "Vancouver", "area_code"),
        (us("306"), "CA", "306", "CA-SK", "Edmonton Regina", "area_code"),
        (br("11"), "BR", "11", "BR-SP", "Sao_Paulo", "area_code"),
        (br("81"), "BR", "81", "BR-PE", "Noronha Recife", "area_code"),
        (br("87"), "BR", "87", "BR-PE", "Recife", "area_code"),
        (br("97"), "BR", "97", "BR-AM", "Eirunepe Manaus", "area_code"),
        (br("92"), "BR", "92", "BR-AM", "Manaus", "area_code"),
        (br("68"), "BR", "68", "BR-AC", "Rio_Branco", "area_code"),
        (br("61"), "BR", "61", "BR-DF BR-GO", "Sao_Paulo", "area_code"),
        ("+551155550123", "BR", "11", "BR-SP", "Sao_Paulo", "area_code"),
        # territories are countries of their own, and name no state
        (us("787"), "PR", "787", "", "Puerto_Rico", "country"),
        (us("340"), "VI", "340", "", "St_Thomas", "country"),
        (us("671"), "GU", "671", "", "Pacific/Guam", "country"),
        (us("684"), "AS", "684", "", "Pacific/Pago_Pago", "country"),
        (us("670"), "MP", "670", "", "Pacific/Saipan", "country"),
        (us("876"), "JM", "876", "", "Jamaica", "country"),
        ("+447400123456", "GB", None, "", "Europe/London", "country"),
        ("+447911123456", "GG", None, "", "Europe/Guernsey", "country"),
        ("+919999999999", "IN", None, "", "Asia/Kolkata", "country"),
        ("+5491155550123", "AR", None, "", "Argentina/Buenos_Aires", "country"),
    ],
)
def test_a_number_says_where_its_owner_may_be(
    e164: str, country: str, area: str | None, states: str, zones: str, basis: str
) -> None:
    place = locate(e164)
    assert (place.country, place.area) == (country, area)
    assert place.states == frozenset(states.split())
    assert short(place.zones) == zones
    assert place.basis is PlaceBasis(basis)


def test_yukon_and_its_neighbours_share_an_area_code() -> None:
    place = locate(us("867"))
    assert place.states == {"CA-YT", "CA-NT", "CA-NU"}
    for zone in ("Whitehorse", "Dawson", "Inuvik", "Rankin_Inlet", "Resolute", "Iqaluit"):
        assert cover(place.zones, f"America/{zone}"), zone
    assert "America/Fort_Nelson" not in place.zones


def test_a_toll_free_number_may_ring_anywhere_in_its_country() -> None:
    place = locate(us("800"))
    assert (place.country, place.area, place.basis) == ("US", "800", PlaceBasis.COUNTRY)
    assert {"America/New_York", "America/Phoenix", "Pacific/Honolulu"} <= set(place.zones)
    assert not place.states


def test_an_area_code_nobody_has_yet_may_be_american_or_canadian() -> None:
    place = locate(us("211"))
    assert (place.country, place.basis) == (None, PlaceBasis.UNKNOWN)
    assert set(place.zones) == {*locate(us("800")).zones, *locate(us("600")).zones}
    assert {"America/St_Johns", "Pacific/Honolulu"} <= set(place.zones)


@pytest.mark.parametrize("e164", ["+80012345678", "+870773111632", "+9991234567", "+", ""])
def test_a_number_of_no_country_may_ring_anywhere_at_all(e164: str) -> None:
    place = locate(e164)
    assert (place.country, place.area, place.basis) == (None, None, PlaceBasis.UNKNOWN)
    offsets = sorted(clock(zone)[0] or timedelta() for zone in place.zones)
    assert offsets[0] == timedelta(hours=-10)
    assert offsets[-1] == timedelta(hours=13)


def test_a_number_nobody_has_yet_may_be_of_any_country_with_its_calling_code() -> None:
    place = locate("+447700900123")
    assert (place.country, place.basis) == (None, PlaceBasis.UNKNOWN)
    assert short(place.zones) == "Europe/Guernsey Europe/Isle_of_Man Europe/Jersey Europe/London"


def test_a_short_service_number_is_not_of_the_area_code_it_begins_with() -> None:
    place = locate("+13101234")
    assert (place.country, place.area, place.states) == ("CA", None, frozenset())


# -- by what is known of the person ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("e164", "time_zone", "postal_code", "states", "zones", "basis"),
    [
        (us("407"), "America/Denver", None, "US-FL", "Denver", "time_zone"),
        (us("407"), "America/Denver", "98101", "US-FL US-WA", "Denver", "time_zone"),
        (us("407"), None, "98101", "US-FL US-WA", "Los_Angeles", "postal_code"),
        (us("407"), None, "98101-2345", "US-FL US-WA", "Los_Angeles", "postal_code"),
        (us("850"), None, "32301", "US-FL", "New_York", "postal_code"),
        (us("850"), None, "32501", "US-FL", "Chicago", "postal_code"),
        (us("850"), None, "32456", "US-FL", "Chicago New_York", "postal_code"),
        (us("212"), None, "83501", "US-ID US-NY", "Boise Los_Angeles", "postal_code"),
        (us("212"), None, "00901", "US-NY", "Puerto_Rico", "postal_code"),
        (us("808"), None, "96799", "US-HI", "Pacific/Pago_Pago", "postal_code"),
        (us("808"), None, "96701", "US-HI", "Pacific/Honolulu", "postal_code"),
        (us("787"), None, "10001", "US-NY", "New_York", "postal_code"),
        (us("671"), None, "96950", "", "Pacific/Saipan", "postal_code"),
        (us("416"), None, "h2x 1y4", "CA-ON CA-QC", "Toronto", "postal_code"),
        (us("416"), None, "V6B1A1", "CA-BC CA-ON", "Vancouver", "postal_code"),
        (us("416"), None, "V1A", "CA-BC CA-ON", "Dawson_Creek Edmonton Vancouver", "postal_code"),
        (us("867"), None, "X0A 0H0", "CA-NT CA-NU CA-YT",
         "Atikokan Cambridge_Bay Iqaluit Rankin_Inlet", "postal_code"),
        (br("81"), None, "50030-230", "BR-PE", "Recife", "postal_code"),
        (br("81"), None, "53990-000", "BR-PE", "Noronha", "postal_code"),
        (br("11"), None, "69900000", "BR-AC BR-SP", "Rio_Branco", "postal_code"),
        # what cannot be used is passed over
        (us("407"), "Etc/Unknown", None, "US-FL", "New_York", "area_code"),
        (us("407"), "Mars/Olympus", "60601", "US-FL US-IL", "Chicago", "postal_code"),
        (us("407"), None, "K1A 0B1", "US-FL", "New_York", "area_code"),
        (us("407"), None, "09012", "US-FL", "New_York", "area_code"),
        (us("407"), None, "", "US-FL", "New_York", "area_code"),
        ("+447400123456", None, "10001", "", "Europe/London", "country"),
        ("+447700900123", "America/New_York", "SW1A 1AA", "", "New_York", "time_zone"),
        ("+80012345678", "Asia/Tokyo", "10001", "", "Asia/Tokyo", "time_zone"),
    ],
)  # fmt: skip
def test_what_is_known_of_the_person_decides_the_clock_and_keeps_the_area_codes_state(
    e164: str, time_zone: str | None, postal_code: str | None, states: str, zones: str, basis: str
) -> None:
    place = locate(e164, time_zone, postal_code)
    assert place.states == frozenset(states.split())
    assert short(place.zones) == zones
    assert place.basis is PlaceBasis(basis)
    assert (place.country, place.area) == (locate(e164).country, locate(e164).area)


@pytest.mark.parametrize(
    ("old", "current"),
    [
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("America/North_Dakota/Center", "America/Chicago"),
        ("US/Eastern", "America/New_York"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("Pacific/Truk", "Pacific/Chuuk"),
        ("Europe/Stockholm", "Europe/Stockholm"),
        ("UTC", "UTC"),
    ],
)
def test_old_names_of_zones_become_the_current_ones(old: str, current: str) -> None:
    assert locate("+447700900123", old).zones == (current,)
    assert zone_problem(old) is None


@pytest.mark.parametrize(
    "name",
    ["", "Etc/Unknown", "Factory", "America", "america/new_york", "../../etc/passwd", "localtime",
     "posix/America/New_York", "A\0", "Z" * 300, "America/New York", "-03:00"],
)  # fmt: skip
def test_what_is_no_zone_is_said_to_be_none(name: str) -> None:
    assert "IANA name" in (zone_problem(name) or "")
    assert locate(us("407"), name) == locate(us("407"))


@pytest.mark.parametrize(
    ("country", "postal_code", "problem"),
    [
        ("US", "02139", None),
        ("US", " 021394307 ", None),
        ("US", "09012", None),
        ("PR", "00901", None),
        ("MP", "96950", None),
        ("CA", "K1A 0B1", None),
        ("CA", "k1a", None),
        ("BR", "01310-100", None),
        ("BR", "01310100", None),
        ("GB", "nonsense", None),
        (None, "nonsense", None),
        ("US", "2139", "five digits"),
        ("US", "K1A 0B1", "five digits"),
        ("US", "\u0660\u0662\u0661\u0663\u0669", "five digits"),
        ("US", "00012", "begins with"),
        ("CA", "D1A 0B1", "K1A 0B1"),
        ("CA", "X9X 9X9", "begins with"),
        ("BR", "1310100", "eight digits"),
        ("BR", "00100-000", "begins with"),
    ],
)
def test_postal_codes_are_judged_where_they_are_read(
    country: str | None, postal_code: str, problem: str | None
) -> None:
    said = postal_problem(country, postal_code)
    assert said is None if problem is None else problem in (said or "")


# -- the tables against their sources --------------------------------------------------------------

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

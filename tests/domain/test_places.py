"""Where the person behind a number may be: tables of cases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from messaging.domain.compliance.places import (
    PlaceBasis,
    locate,
    postal_problem,
    zone_problem,
)
from tests.domain.atlas import br, clock, cover, short, us


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

"""The data of area codes: complete, and every centre where it can be."""

from __future__ import annotations

from itertools import combinations

import pytest

from messaging.domain import areas
from messaging.domain.areas import area_of
from messaging.domain.compliance import places
from tests.domain.test_places_data import BRAZIL, NORTH_AMERICA

ISLANDS = {"340", "670", "671", "684", "787", "939"}
"""Territories of the United States: countries of their own here, without states."""
COMPLEXES = [territory.split() for territory in areas._table()["overlays"]["complexes"]]

# Whole degrees around every state: south, north, west, east.
BOUNDS = {
    "US-AK": (51, 72, -180, -129), "US-AL": (30, 36, -89, -84), "US-AR": (33, 37, -95, -89),
    "US-AZ": (31, 38, -115, -109), "US-CA": (32, 43, -125, -114), "US-CO": (36, 42, -110, -102),
    "US-CT": (40, 43, -74, -71), "US-DC": (38, 40, -78, -76), "US-DE": (38, 40, -76, -75),
    "US-FL": (24, 31, -88, -79), "US-GA": (30, 36, -86, -80), "US-HI": (18, 23, -161, -154),
    "US-IA": (40, 44, -97, -90), "US-ID": (41, 50, -118, -111), "US-IL": (36, 43, -92, -87),
    "US-IN": (37, 42, -89, -84), "US-KS": (36, 41, -103, -94), "US-KY": (36, 40, -90, -81),
    "US-LA": (28, 34, -95, -88), "US-MA": (41, 43, -74, -69), "US-MD": (37, 40, -80, -75),
    "US-ME": (42, 48, -72, -66), "US-MI": (41, 49, -91, -82), "US-MN": (43, 50, -98, -89),
    "US-MO": (35, 41, -96, -89), "US-MS": (30, 36, -92, -88), "US-MT": (44, 50, -117, -104),
    "US-NC": (33, 37, -85, -75), "US-ND": (45, 50, -105, -96), "US-NE": (39, 44, -105, -95),
    "US-NH": (42, 46, -73, -70), "US-NJ": (38, 42, -76, -73), "US-NM": (31, 38, -110, -102),
    "US-NV": (34, 43, -121, -114), "US-NY": (40, 46, -80, -71), "US-OH": (38, 42, -85, -80),
    "US-OK": (33, 38, -104, -94), "US-OR": (41, 47, -125, -116), "US-PA": (39, 43, -81, -74),
    "US-RI": (41, 43, -72, -71), "US-SC": (31, 36, -84, -78), "US-SD": (42, 46, -105, -96),
    "US-TN": (34, 37, -91, -81), "US-TX": (25, 37, -107, -93), "US-UT": (36, 43, -115, -109),
    "US-VA": (36, 40, -84, -75), "US-VT": (42, 46, -74, -71), "US-WA": (45, 50, -125, -116),
    "US-WI": (42, 48, -93, -86), "US-WV": (37, 41, -83, -77), "US-WY": (40, 46, -112, -104),
    "CA-AB": (48, 61, -121, -109), "CA-BC": (48, 61, -140, -114), "CA-MB": (48, 61, -103, -88),
    "CA-NB": (44, 49, -70, -63), "CA-NL": (46, 61, -68, -52), "CA-NS": (43, 48, -67, -59),
    "CA-NT": (59, 79, -137, -101), "CA-NU": (51, 84, -121, -61), "CA-ON": (41, 57, -96, -74),
    "CA-PE": (45, 48, -65, -61), "CA-QC": (44, 63, -80, -57), "CA-SK": (48, 61, -111, -101),
    "CA-YT": (59, 70, -142, -123),
    "AS": (-15, -11, -172, -168), "GU": (13, 14, 144, 145), "MP": (14, 21, 144, 147),
    "PR": (17, 19, -68, -65), "VI": (17, 19, -66, -64),
}  # fmt: skip

CITIES = {
    "201": (40.7, -74.1), "212": (40.8, -74.0), "213": (34.1, -118.2), "305": (25.8, -80.2),
    "312": (41.9, -87.6), "404": (33.7, -84.4), "504": (30.0, -90.1), "702": (36.2, -115.1),
    "713": (29.8, -95.4), "718": (40.7, -73.9), "808": (21.3, -157.9), "907": (61.2, -149.9),
    "206": (47.6, -122.3), "915": (31.8, -106.4), "416": (43.7, -79.4), "514": (45.5, -73.6),
    "604": (49.3, -123.1), "780": (53.5, -113.5), "204": (49.9, -97.1), "902": (44.6, -63.6),
    "787": (18.5, -66.1), "671": (13.5, 144.8),
}  # fmt: skip


def centre(code: str) -> tuple[float, float]:
    found = areas._areas()[f"+1{code}"].centre
    assert found is not None
    return found


def known() -> set[str]:
    return {area.removeprefix("+1") for area in areas._areas() if area.startswith("+1")}


def test_every_area_code_in_service_has_a_centre_and_no_other() -> None:
    listed = {*places._book("US").areas, *places._book("CA").areas}
    assert {e164[2:5] for e164 in NORTH_AMERICA} <= listed
    assert known() == listed | ISLANDS
    assert {area_of(e164) for e164 in NORTH_AMERICA} == {e164[:5] for e164 in NORTH_AMERICA}


def test_every_brazilian_area_code_is_known_and_has_a_state() -> None:
    assert {area_of(e164) for e164 in BRAZIL} == {e164[:5] for e164 in BRAZIL}
    brazil = {code: area for code, area in areas._areas().items() if code.startswith("+55")}
    assert brazil.keys() == {e164[:5] for e164 in BRAZIL}
    assert all(area.country == "BR" and area.states for area in brazil.values())


def test_no_code_has_two_centres() -> None:
    listed = " ".join(areas._table()["centres"].values()).split()
    assert len(listed) == len(set(listed)) == len(known())


def test_every_area_is_of_one_country_and_of_its_states() -> None:
    for code in known():
        area = areas._areas()[f"+1{code}"]
        assert area.country is not None
        assert bool(area.states) is (code not in ISLANDS), code
        assert all(state.startswith(f"{area.country}-") for state in area.states), code


def test_every_centre_is_within_a_state_of_its_code() -> None:
    for code in known():
        area = areas._areas()[f"+1{code}"]
        north, east = centre(code)
        boxes = [BOUNDS[name] for name in area.states or {str(area.country)}]
        assert any(s <= north <= n and w <= east <= e for s, n, w, e in boxes), code


@pytest.mark.parametrize("code", CITIES)
def test_a_citys_code_has_its_centre_there(code: str) -> None:
    km = areas._distance(centre(code), CITIES[code])
    assert km is not None
    assert km < 30


def test_the_members_of_a_complex_share_a_country_and_a_state() -> None:
    for members in COMPLEXES:
        found = [areas._areas()[f"+1{code}"] for code in members]
        assert len({area.country for area in found}) == 1, members
        assert len({area.states for area in found}) == 1, members


def test_the_members_of_a_complex_live_close_together() -> None:
    wide = {"780"}  # Edmonton, of one complex with codes whose people are in Calgary, too
    for members in COMPLEXES:
        for one, other in combinations(members, 2):
            km = areas._distance(centre(one), centre(other))
            assert km is not None
            assert km < (160 if {one, other} & wide else 130), (one, other, km)


def test_complexes_are_sorted_and_none_lies_within_another() -> None:
    assert sorted(COMPLEXES) == COMPLEXES
    for members in COMPLEXES:
        assert len(members) > 1
        assert sorted(set(members)) == members
    for one, other in combinations(COMPLEXES, 2):
        assert not set(one) <= set(other), one
        assert not set(other) <= set(one), other


def test_the_codes_of_two_territories_are_these() -> None:
    listed = [code for members in COMPLEXES for code in members]
    assert max(map(listed.count, listed)) == 2
    twice = sorted({code for code in listed if listed.count(code) == 2})
    assert " ".join(twice) == "236 257 368 470 564 587 672 678 778 825 872 878 917 943"

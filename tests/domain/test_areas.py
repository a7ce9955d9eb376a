"""Which senders' area codes are local to a recipient's?"""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain import areas
from messaging.domain.areas import Nearness, area_of, by_nearness, nearness
from tests.domain.atlas import br, us
from tests.domain.test_places_data import BRAZIL, NORTH_AMERICA

SAME_AREA, OVERLAY, SAME_STATE, NEARBY = Nearness
FAR = 30_000.0
"""Kilometres: more than there are on Earth between two places."""

# -- the area code of a number ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("e164", "area"),
    [
        (us("212"), "+1212"),
        (us("907"), "+1907"),
        (us("416"), "+1416"),  # Toronto
        (us("867"), "+1867"),  # three territories of Canada
        (us("787"), "+1787"),  # Puerto Rico
        (us("671"), "+1671"),  # Guam
        ("+5511955550123", "+5511"),
        ("+551155550123", "+5511"),  # a landline
        ("+5521955550123", "+5521"),
        # what names no place
        (us("800"), None), (us("833"), None), (us("888"), None),
        (us("500"), None),  # personal
        (us("600"), None),  # Canada's data terminals
        (us("900"), None),
        (us("211"), None),
        ("+13105550", None),  # a service number of Canada's
        ("+5508005550123", None),
        ("+5520955550123", None),  # no such DDD
        ("+5540041234", None),  # a service number without DDD
        # other countries
        (us("242"), None), (us("809"), None), (us("876"), None),
        ("+447700900123", None), ("+525555550123", None), ("+80012345678", None),
        # what is no number
        ("", None), ("+1", None), ("+1212", None), ("72404", None), ("12125550123", None),
    ],
)  # fmt: skip
def test_area_of(e164: str, area: str | None) -> None:
    assert area_of(e164) == area


# -- how near --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pair", "rank"),
    [
        ("212 212", SAME_AREA), ("867 867", SAME_AREA), ("787 787", SAME_AREA),
        # overlays
        ("212 646", OVERLAY), ("212 332", OVERLAY), ("212 917", OVERLAY), ("718 917", OVERLAY),
        ("347 917", OVERLAY), ("718 465", OVERLAY), ("305 786", OVERLAY), ("305 645", OVERLAY),
        ("404 678", OVERLAY), ("770 678", OVERLAY), ("312 872", OVERLAY), ("773 872", OVERLAY),
        ("412 878", OVERLAY), ("724 878", OVERLAY), ("206 564", OVERLAY), ("360 564", OVERLAY),
        ("321 407", OVERLAY), ("281 713", OVERLAY), ("480 602", OVERLAY), ("619 858", OVERLAY),
        ("416 647", OVERLAY), ("604 778", OVERLAY), ("250 778", OVERLAY), ("403 825", OVERLAY),
        ("780 825", OVERLAY), ("902 782", OVERLAY), ("787 939", OVERLAY), ("202 771", OVERLAY),
        # the same state: two territories with one overlay in common are not one territory
        ("212 718", SAME_STATE), ("404 770", SAME_STATE), ("312 773", SAME_STATE),
        ("604 250", SAME_STATE), ("403 780", SAME_STATE), ("206 360", SAME_STATE),
        ("415 510", SAME_STATE), ("415 619", SAME_STATE), ("425 564", SAME_STATE),
        ("915 409", SAME_STATE),  # a thousand kilometres, and Texas all the way
        ("416 807", SAME_STATE),
        # another state, close by
        ("202 703", NEARBY), ("202 571", NEARBY), ("202 301", NEARBY), ("212 201", NEARBY),
        ("816 913", NEARBY), ("314 618", NEARBY), ("901 662", NEARBY),
        ("215 856", NEARBY), ("401 508", NEARBY),
        # not local
        ("907 206", None), ("907 808", None), ("212 310", None), ("202 305", None),
        ("313 519", None), ("313 226", None), ("604 360", None), ("716 905", None),  # a border
        ("787 340", None), ("787 305", None), ("671 670", None),
        ("416 514", None), ("800 800", None), ("212 800", None), ("242 242", None),
    ],
)  # fmt: skip
def test_nearness_in_north_america(pair: str, rank: Nearness | None) -> None:
    sender, recipient = (f"+1{code}" for code in pair.split())
    found = nearness(sender, recipient, 150)
    assert (found[0] if found else None) is rank
    assert nearness(recipient, sender, 150) == found


@pytest.mark.parametrize(
    ("sender", "recipient", "expected"),
    [
        ("+5511", "+5511", (SAME_AREA, 0.0)),
        ("+5511", "+5519", (SAME_STATE, 0.0)),
        ("+5521", "+5524", (SAME_STATE, 0.0)),
        ("+5561", "+5562", (SAME_STATE, 0.0)),  # 61 is the capital's and Goias's
        ("+5511", "+5521", None),
        ("+5581", "+5583", None),
        ("+5511", "+1212", None),
        ("+1212", "+5511", None),
        ("+44", "+44", None),
        ("", "", None),
    ],
)
def test_nearness_elsewhere(
    sender: str, recipient: str, expected: tuple[Nearness, float] | None
) -> None:
    assert nearness(sender, recipient, FAR) == expected


@pytest.mark.parametrize(
    ("pair", "km"),
    [
        # city to city, by an atlas; the centres are rounded to some eight kilometres
        ("212 215", 130), ("212 617", 306), ("213 212", 3940), ("202 212", 328), ("907 808", 4480),
        ("206 503", 234), ("305 212", 1757), ("416 514", 504), ("604 514", 3690),
    ],
)  # fmt: skip
def test_distances_are_those_of_the_cities(pair: str, km: float) -> None:
    here, there = (areas._areas()[f"+1{code}"].centre for code in pair.split())
    assert areas._distance(here, there) == pytest.approx(km, abs=25)


def test_the_radius_limits_other_states_and_nothing_else() -> None:
    found = nearness("+1703", "+1202", 150)
    assert found is not None
    km = found[1]
    assert 10 < km < 40
    assert nearness("+1703", "+1202", km) == found
    assert nearness("+1703", "+1202", km - 0.1) is None
    for pair in ("212 212", "212 646", "915 409"):
        sender, recipient = (f"+1{code}" for code in pair.split())
        assert nearness(sender, recipient, 0) == nearness(sender, recipient, FAR) is not None


@pytest.mark.parametrize(
    ("senders", "recipient", "within_km", "expected"),
    [
        # the same area, its overlays by code, the state by distance, the neighbours by distance
        ("716 212 617 201 917 646 310 718 332", "212", 150, "212 332 646 917 718 716 201"),
        ("703 571 202 771 301 410 804", "202", 60, "202 771 301 571 703 410"),
        ("510 650 415 619 925", "628", 100, "415 510 925 650 619"),
        ("313 519 416", "226", 500, "519 416"),
        ("213 310", "212", 150, ""),
        ("800 888", "212", FAR, ""),
        ("", "212", FAR, ""),
        ("212 212 212", "646", 0, "212"),
    ],
)
def test_by_nearness(senders: str, recipient: str, within_km: float, expected: str) -> None:
    asked = [f"+1{code}" for code in senders.split()]
    local = by_nearness(asked, f"+1{recipient}", within_km)
    assert " ".join(area.removeprefix("+1") for area in local) == expected


def test_by_nearness_in_brazil_goes_by_state_and_code() -> None:
    asked = ["+5521", "+5519", "+1212", "+5511", "+5512"]
    assert by_nearness(asked, "+5511", 100) == ("+5511", "+5512", "+5519")


# -- what always holds -----------------------------------------------------------------------------

AREAS = st.sampled_from([*sorted(areas._areas()), "+1800", "+44"])
RADIUS = st.floats(min_value=0, max_value=FAR)


@given(AREAS, AREAS, RADIUS)
def test_nearness_is_mutual_and_reads_the_same_twice(one: str, other: str, km: float) -> None:
    found = nearness(one, other, km)
    assert found == nearness(other, one, km)
    if found is None:
        assert one != other or area_of(one + "5550123") is None
        return
    rank, distance = found
    assert 0 <= distance <= FAR
    assert (rank is SAME_AREA) is (one == other)
    assert rank is not NEARBY or distance <= km
    assert rank > OVERLAY or distance == 0


@given(st.lists(AREAS, max_size=30), AREAS, RADIUS, st.randoms(use_true_random=False))
def test_the_order_depends_on_nothing_but_the_question(
    senders: list[str], recipient: str, km: float, dice: object
) -> None:
    local = by_nearness(senders, recipient, km)
    shuffled = [*reversed(senders), *senders]
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert by_nearness(iter(shuffled), recipient, km) == local
    assert len(set(local)) == len(local)
    assert set(local) == {area for area in senders if nearness(area, recipient, km) is not None}
    ranked = [(*(nearness(area, recipient, km) or ()), area) for area in local]
    assert sorted(ranked) == ranked


@given(st.lists(AREAS, max_size=30), AREAS, RADIUS)
def test_who_is_local_alone_is_local_in_company(
    senders: list[str], recipient: str, km: float
) -> None:
    alone = {area for area in senders if by_nearness([area], recipient, km)}
    assert set(by_nearness(senders, recipient, km)) == alone


@given(st.text(max_size=20) | st.from_regex(r"\A\+[0-9]{0,15}\Z"))
def test_any_text_has_an_area_or_none(text: str) -> None:
    area = area_of(text)
    assert area is None or (text.startswith(area) and area in areas._areas())


@given(st.sampled_from([*NORTH_AMERICA, *BRAZIL, us("800"), us("787"), br("11")]))
def test_a_number_is_nearest_to_its_own_area(e164: str) -> None:
    area = area_of(e164)
    if area is not None:
        assert by_nearness(sorted(areas._areas()), area, 200)[0] == area


# -- what it costs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["messaging.domain.areas", "workers.app"])
def test_nobody_loads_the_place_names_of_the_library(module: str) -> None:
    """They take a hundred megabytes in every process, and say no more than the table does."""
    script = (
        f"import sys, {module}; from messaging.domain import areas; areas.area_of('+12125550123');"
        "print([m for m in sys.modules if m.startswith(('phonenumbers.geo', 'phonenumbers.carrier'))])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"

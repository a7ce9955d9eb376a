"""Numbers of a place, and the clocks of its zones, as the tests of places ask for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import PhoneNumberType

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

"""Where may the person behind a phone number be: by which clocks, and in which states?

A number says where it was handed out, not where its owner is. So the answer is a set of clocks, and
whoever asks has to respect them all. What is known of the person narrows the clocks; the state of
the area code stays, because Florida, Oklahoma and Connecticut presume that it is where the person
lives. What codes stand for is data: the `places_*.toml` files beside this one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from messaging.domain.addresses import region_of
from messaging.domain.message import Channel, Message


class PlaceBasis(StrEnum):
    """What decided somebody's clocks, best first."""

    TIME_ZONE = "time_zone"
    """The person's own time zone, as the tenant knows it."""
    POSTAL_CODE = "postal_code"
    AREA_CODE = "area_code"
    COUNTRY = "country"
    UNKNOWN = "unknown"
    """Only the calling code, if that: no country has handed the number out."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the person behind a number may be."""

    country: str | None
    """ISO 3166-1 alpha-2 of the number; None for codes that countries share."""
    area: str | None
    """The area code: three digits after +1, a DDD after +55, else None."""
    states: frozenset[str]
    """ISO 3166-2 ("US-FL") of the postal code and of the area code together; where one area code
    serves several, all of them."""
    zones: tuple[str, ...]
    """IANA names, sorted, never empty: every clock the person may live by."""
    basis: PlaceBasis
    """What decided the zones."""


@dataclass(frozen=True, slots=True)
class _Spot:
    """What a code stands for; no zones where it says nothing of a place."""

    states: frozenset[str]
    zones: frozenset[str]

    def __or__(self, other: _Spot) -> _Spot:
        return _Spot(self.states | other.states, self.zones | other.zones)


@dataclass(frozen=True, slots=True)
class _Book:
    """The area codes and the beginnings of postal codes of one numbering or postal system."""

    areas: dict[str, _Spot]
    postal: dict[str, _Spot]


_NOWHERE = _Spot(frozenset(), frozenset())
_PREFIX = 5
"""Characters of "+1212" and of "+5511": calling code and area code."""
_SHORTEST = len("+12025550123")
"""Service numbers are shorter: +1 310 and four digits is Canada's, +1 310 and seven is California."""

_REGIONS_OF = {str(code): regions for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()}

_ZONE_NAME = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}", re.ASCII)
_LONGEST_ZONE_NAME = 64
_ZONES_OF_NOBODY = frozenset({"Factory", "Etc/Unknown"})
"""Placeholders: the first of them loads, and is UTC."""

_POSTAL_SYSTEM = dict.fromkeys(("US", "PR", "VI", "AS", "GU", "MP"), "US") | {
    "CA": "CA",
    "BR": "BR",
}
_POSTAL_SPELLING = {
    "US": re.compile(r"(\d{5})(?:[- ]?\d{4})?", re.ASCII),
    "CA": re.compile(
        r"([ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z])(?:[- ]?\d[ABCEGHJ-NPRSTV-Z]\d)?", re.ASCII
    ),
    "BR": re.compile(r"(\d{5})-?\d{3}", re.ASCII),
}
_POSTAL_ADVICE = {
    "US": "A ZIP code has five digits or nine, zeros in front included, such as 02139.",
    "CA": "A Canadian postal code is written like K1A 0B1; its first three characters are enough.",
    "BR": "A CEP has eight digits, zeros in front included, such as 01310-100.",
}


def locate(e164: str, time_zone: str | None = None, postal_code: str | None = None) -> Place:
    """Where the person at a normalised number may be.

    The first of these that is known decides the zones: the person's own time zone, their postal
    code (read in the number's country), the area code, the country. A time zone that does not exist
    and a postal code that cannot be read are passed over. A number that no country has handed out
    gets the clocks of all that share its calling code; one beyond all countries (satellites, +800)
    gets clocks around the Earth, which no daily window satisfies: that person needs a time zone.
    """
    place = _by_prefix().get(e164[:_PREFIX])
    if place is None or len(e164) < _SHORTEST:
        place = _elsewhere(e164)
    if time_zone is None and postal_code is None:
        return place
    zone = _current(time_zone) if time_zone is not None else None
    spot = _posted(place.country, postal_code) if postal_code is not None else None
    if spot is None:
        spot = _NOWHERE
    states = place.states | spot.states
    if zone is not None:
        return replace(place, states=states, zones=(zone,), basis=PlaceBasis.TIME_ZONE)
    if spot.zones:
        zones = tuple(sorted(spot.zones))
        return replace(place, states=states, zones=zones, basis=PlaceBasis.POSTAL_CODE)
    return place


def zone_problem(name: str) -> str | None:
    """Why this cannot be somebody's time zone, for whoever sent it; None if it can."""
    if _current(name) is not None:
        return None
    return "There is no such time zone; write an IANA name such as America/New_York."


def postal_problem(country: str | None, postal_code: str) -> str | None:
    """Why this cannot be a postal code of a country (ISO 3166-1 alpha-2), or None.

    Only codes that `locate` reads are judged: American, Canadian and Brazilian ones.
    """
    system = _POSTAL_SYSTEM.get(country or "")
    if system is None or _posted(country, postal_code) is not None:
        return None
    if _POSTAL_SPELLING[system].fullmatch(postal_code.strip().upper()) is None:
        return _POSTAL_ADVICE[system]
    return "No place has a postal code that begins with these digits; check them."


@cache
def _by_prefix() -> dict[str, Place]:
    """The place of every area code we know, by the beginning of its numbers."""
    return {
        f"+{calling_code}{area}": Place(
            country, area, spot.states, tuple(sorted(spot.zones)), PlaceBasis.AREA_CODE
        )
        for country, calling_code in (("US", "1"), ("CA", "1"), ("BR", "55"))
        for area, spot in _book(country).areas.items()
    }


def _elsewhere(e164: str) -> Place:
    """The place of a number whose area code says nothing: most countries', toll-free ones."""
    american = e164.startswith("+1")
    area = e164[2:_PREFIX] if american and len(e164) == _SHORTEST else None
    country = region_of(e164)
    return _at_large(country, area, (country,) if country else _possible_countries(e164))


def _possible_countries(e164: str) -> tuple[str, ...]:
    """Whose a number may be that no country has handed out (yet)."""
    if e164.startswith("+1"):  # the islands' area codes are known from the number
        return "US", "CA"
    return next((_REGIONS_OF[e164[1:n]] for n in (3, 4) if e164[1:n] in _REGIONS_OF), ())


@lru_cache(maxsize=4096)
def _at_large(country: str | None, area: str | None, possible: tuple[str, ...]) -> Place:
    world = _table("world")
    zones = " ".join(world["countries"].get(name, "") for name in possible).split()
    basis = PlaceBasis.COUNTRY if country and zones else PlaceBasis.UNKNOWN
    zones = zones or world["beyond"]["anywhere"].split()
    return Place(country, area, frozenset(), tuple(sorted(set(zones))), basis)


@lru_cache(maxsize=4096)
def _current(name: str) -> str | None:
    """The name a zone has today, or None if there is no such zone."""
    if len(name) > _LONGEST_ZONE_NAME or name in _ZONES_OF_NOBODY or not _ZONE_NAME.fullmatch(name):
        return None
    current = _aliases().get(name, name)
    try:
        ZoneInfo(current)
    except (OSError, ValueError, ZoneInfoNotFoundError):  # "America" is a folder, not a zone
        return None
    return current


@cache
def _aliases() -> dict[str, str]:
    aliases = _table("world")["aliases"]
    return {old: current for current, names in aliases.items() for old in names.split()}


def _posted(country: str | None, postal_code: str) -> _Spot | None:
    """What a postal code stands for; None if it cannot be read in the country."""
    system = _POSTAL_SYSTEM.get(country or "")
    if system is None:
        return None
    spelt = _POSTAL_SPELLING[system].fullmatch(postal_code.strip().upper())
    if spelt is None:
        return None
    start, known = spelt[1], _book(system).postal
    return next((known[start[:n]] for n in (5, 3, 2, 1) if start[:n] in known), None)


@cache
def _book(country: str) -> _Book:
    book = _Book({}, {})
    for section, rows in _table(country.lower()).items():
        states = frozenset({section}) if "-" in section else frozenset[str]()
        for spots, listed in ((book.areas, "areas"), (book.postal, "postal")):
            for zones, codes in rows.get(listed, {}).items():
                spot = _Spot(states, frozenset(map(_full_name, zones.split())))
                for code in _codes(codes):
                    spots[code] = spots.get(code, _NOWHERE) | spot
    return book


def _full_name(zone: str) -> str:
    return zone if "/" in zone else f"America/{zone}"


def _codes(listed: str) -> Iterator[str]:
    """The codes in "320-323 341"."""
    for word in listed.split():
        first, _, last = word.partition("-")
        if not last:
            yield first
            continue
        for number in range(int(first), int(last) + 1):
            yield str(number).zfill(len(first))


@cache
def _table(name: str) -> dict[str, Any]:
    """One of the data files, as it is written."""
    path = files("messaging.domain.compliance").joinpath(f"places_{name}.toml")
    return tomllib.loads(path.read_text("utf-8"))


def place_of(message: Message) -> Place:
    """Where a message's recipient may be."""
    return located(message.channel, message.recipient, message.time_zone, message.postal_code)


def located(
    channel: Channel, address: str, time_zone: str | None = None, postal_code: str | None = None
) -> Place:
    """The same of an address on a channel; only a number says anything of a place."""
    if channel.by_phone:
        return locate(address, time_zone, postal_code)
    return _at_large(None, None, ())

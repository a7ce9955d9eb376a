"""How near is a sender's area code to a recipient's?

People answer numbers that look like a neighbour's. Nearest is the same area code, then one that
serves the same territory, then one of the same state, then one whose people live close by. Borders
of countries are never crossed: no Canadian takes Detroit for local. What the codes stand for is
data: `areas_nanp.toml` beside this file, and the states of `compliance/places_*.toml`.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from messaging.domain.compliance.places import PlaceBasis, locate


class Nearness(IntEnum):
    """What makes a sender local to a recipient, nearest first."""

    SAME_AREA = 0
    OVERLAY = 1
    """Another area code of the same territory."""
    SAME_STATE = 2
    """A state in common, or a province."""
    NEARBY = 3
    """Another state, but no further than the caller allows."""


@dataclass(frozen=True, slots=True)
class _Area:
    """What an area code stands for."""

    country: str | None
    """ISO 3166-1 alpha-2."""
    states: frozenset[str]
    """ISO 3166-2, most often one; none on the islands, which are countries of their own here."""
    complexes: frozenset[str] = frozenset()
    """The territories it shares with other codes, each named by its codes ("212 332 646 917")."""
    centre: tuple[float, float] | None = None
    """Where its people are, in degrees north and east; not known in Brazil."""


_PREFIX = 5
"""Characters of "+1212" and of "+5511": calling code and area code."""
_SHORTEST = len("+12025550123")
"""Service numbers are shorter: +1 310 and four digits is Canada's, +1 310 and seven is California."""
_EARTH_KM = 6371.0
"""The mean radius of the Earth (IUGG), in kilometres."""


def area_of(e164: str) -> str | None:
    """The area code of a normalised number, as "+1212" or "+5511"; None where it names no place.

    Only North American and Brazilian numbers have one here, and of those no toll-free, no personal
    and no service numbers.
    """
    start = e164[:_PREFIX]
    return start if len(e164) >= _SHORTEST and start in _areas() else None


def nearness(
    sender_area: str, recipient_area: str, within_km: float
) -> tuple[Nearness, float] | None:
    """How local a sender is, and the kilometres between the two codes' people; None if it is not.

    Both areas are what `area_of` returns. The distance is a great circle's, from centre to centre:
    nought within one territory, and everywhere in Brazil, where no distances are known.
    `within_km` limits only what is `NEARBY`: a state is local however large.
    """
    sender, recipient = _areas().get(sender_area), _areas().get(recipient_area)
    if sender is None or recipient is None or sender.country != recipient.country:
        return None
    if sender_area == recipient_area:
        return Nearness.SAME_AREA, 0.0
    if sender.complexes & recipient.complexes:
        return Nearness.OVERLAY, 0.0
    distance = _distance(sender.centre, recipient.centre)
    if sender.states & recipient.states:
        return Nearness.SAME_STATE, distance or 0.0
    if distance is None or distance > within_km:
        return None
    return Nearness.NEARBY, distance


def by_nearness(
    sender_areas: Iterable[str], recipient_area: str, within_km: float
) -> tuple[str, ...]:
    """Those of the senders' areas that are local to a recipient's, each once, nearest first.

    Where rank and distance are equal the smaller code comes first, so that the answer depends on
    nothing but the question.
    """
    return _ordered(tuple(sorted(set(sender_areas))), recipient_area, within_km)


@lru_cache(maxsize=4096)  # a tenant's senders change rarely, and are asked about for every message
def _ordered(
    sender_areas: tuple[str, ...], recipient_area: str, within_km: float
) -> tuple[str, ...]:
    local = [
        (*found, area)
        for area in sender_areas
        if (found := nearness(area, recipient_area, within_km)) is not None
    ]
    return tuple(area for _, _, area in sorted(local))


def _distance(here: tuple[float, float] | None, there: tuple[float, float] | None) -> float | None:
    """Kilometres along a great circle (haversine), if both ends are known."""
    if here is None or there is None:
        return None
    north, east = math.radians(here[0]), math.radians(here[1])
    to_north, to_east = math.radians(there[0]), math.radians(there[1])
    half = (
        math.sin((to_north - north) / 2) ** 2
        + math.cos(north) * math.cos(to_north) * math.sin((to_east - east) / 2) ** 2
    )
    return 2 * _EARTH_KM * math.asin(math.sqrt(min(1.0, half)))


@cache
def _areas() -> dict[str, _Area]:
    """Every area code we know, by the beginning of its numbers."""
    return _north_american() | _brazilian()


def _north_american() -> dict[str, _Area]:
    table = _table()
    complexes: dict[str, set[str]] = {}
    for territory in table["overlays"]["complexes"]:
        for code in territory.split():
            complexes.setdefault(code, set()).add(territory)
    areas: dict[str, _Area] = {}
    for centre, codes in table["centres"].items():
        north, east = map(float, centre.split())
        for code in codes.split():
            place = locate(f"+1{code}5550123")
            shared = frozenset(complexes.get(code, ()))
            areas[f"+1{code}"] = _Area(place.country, place.states, shared, (north, east))
    return areas


def _brazilian() -> dict[str, _Area]:
    found = {f"+55{code}": locate(f"+55{code}955550123") for code in range(11, 100)}
    return {
        area: _Area(place.country, place.states)
        for area, place in found.items()
        if place.basis is PlaceBasis.AREA_CODE
    }


@cache
def _table() -> dict[str, Any]:
    """The data file, as it is written."""
    path = files("messaging.domain").joinpath("areas_nanp.toml")
    return tomllib.loads(path.read_text("utf-8"))

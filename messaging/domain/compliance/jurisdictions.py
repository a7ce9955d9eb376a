"""Which hours and which caps does the law ask for where a recipient is?

The law is data: `jurisdictions.toml` beside this file, a sourced and dated row per rule. What a tenant
wishes comes on top as more clocks, and since every clock must agree it can only tighten.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from messaging.domain.compliance.places import Place
from messaging.domain.compliance.policy import Preset, QuietHours
from messaging.domain.compliance.quiet_hours import Clock, Hours, Open, Week, consult

TENANT = "tenant"
"""The rule of clocks that a tenant wished for."""
UNPLACED = "no_known_zone"
"""The rule of the clock that is never open: nobody knows what time it is there."""

_ELSEWHERE = "*"
_DAY = 24 * 60
_NEVER: Week = ((),) * 7


class Confidence(StrEnum):
    """How well a row is founded."""

    HIGH = "high"
    """The statute or an official text was read."""
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class LawCap:
    """At most `limit` marketing messages to one person in any `hours`."""

    rule: str
    limit: int
    hours: int


@dataclass(frozen=True, slots=True)
class Row:
    """One rule, as it is listed."""

    id: str
    jurisdiction: str
    """A country, a state of one ("US-FL"), or "*": wherever no other row holds."""
    also: tuple[str, ...]
    """Other countries it holds in."""
    what: str
    source: str
    confidence: Confidence
    effective_from: date | None
    """The first day it holds; None where no source names it, and it then holds on any earlier day."""
    effective_to: date | None
    """The last day it holds."""
    reviewed_at: date
    note: str

    def holds_in(self, place: str) -> bool:
        """Whether it is about this country or state itself."""
        return place == self.jurisdiction or place in self.also

    def holds_on(self, on: date | None) -> bool:
        """Whether it is in force; without a day, whether it had not ended when it was reviewed.

        So without a day a law that is still to come is kept already.
        """
        if on is None:
            return self.effective_to is None or self.effective_to > self.reviewed_at
        began = self.effective_from is None or self.effective_from <= on
        return began and (self.effective_to is None or on <= self.effective_to)


@dataclass(frozen=True, slots=True)
class _Daily:
    """A week of hours before it is hung up in a zone."""

    week: Week
    holidays: str | None


@dataclass(frozen=True, slots=True)
class _Law:
    row: Row
    rule: _Daily | LawCap


@lru_cache(maxsize=4096)
def hours_for(place: Place, wishes: QuietHours, on: date | None = None) -> Hours:
    """When marketing may arrive there: the law of its country and of each of its states, and the wishes.

    Each is read in every zone of the place, since the recipient may be in any. `on` is as for
    `Row.holds_on`. A place without a zone is never open.
    """
    if not place.zones:
        return Hours((Clock(UNPLACED, "UTC", _NEVER),))
    asked = [(law.row.id, law.rule) for law in _laws(place, on) if isinstance(law.rule, _Daily)]
    asked += [(TENANT, daily) for daily in _wished(wishes)]
    return Hours(
        tuple(
            Clock(rule, zone, daily.week, daily.holidays)
            for rule, daily in asked
            for zone in place.zones
        )
    )


@lru_cache(maxsize=4096)
def caps_for(place: Place, on: date | None = None) -> tuple[LawCap, ...]:
    """How often the law lets one person there be written to; `on` as for `hours_for`."""
    return tuple(law.rule for law in _laws(place, on) if isinstance(law.rule, LawCap))


def ever_open(wishes: QuietHours, at: datetime) -> bool:
    """Whether a tenant's wishes leave any hour of the days from `at` on, were there no law."""
    hours = Hours(tuple(Clock(TENANT, "UTC", d.week, d.holidays) for d in _wished(wishes)))
    margin = timedelta(minutes=wishes.closing_margin_minutes)
    found = consult(hours, at, margin)
    return isinstance(found, Open) or found.reopens is not None


def rows() -> tuple[Row, ...]:
    """Every rule there is, the ended ones too: countries, then states, then caps."""
    return tuple(law.row for law in _LAWS)


def _laws(place: Place, on: date | None) -> Iterator[_Law]:
    """What holds in a place, each once: its countries' rows, then its states'."""
    in_force = [law for law in _LAWS if law.row.holds_on(on)]
    countries = {state.partition("-")[0] for state in place.states}
    countries |= {place.country} if place.country else set()
    found = {
        law.row.id: law
        for country in sorted(countries) or [_ELSEWHERE]
        for law in _of_country(country, in_force, state_known=bool(place.states))
    }
    for state in sorted(place.states):
        found |= {law.row.id: law for law in in_force if law.row.holds_in(state)}
    yield from found.values()


def _of_country(country: str, laws: list[_Law], *, state_known: bool) -> list[_Law]:
    own = [law for law in laws if law.row.holds_in(country)]
    has_hours = any(isinstance(law.rule, _Daily) for law in own)
    has_states = any(law.row.jurisdiction.startswith(f"{country}-") for law in laws)
    if has_hours and (state_known or not has_states):
        return own
    return own + [law for law in laws if law.row.holds_in(_ELSEWHERE)]


def _wished(wishes: QuietHours) -> Iterator[_Daily]:
    if wishes.preset is not Preset.LAW:
        yield _PRESETS[wishes.preset]
    if wishes.opens is not None or wishes.closes is not None:
        opens = _minute(wishes.opens, up=True) if wishes.opens is not None else 0
        closes = _minute(wishes.closes, up=False) if wishes.closes is not None else _DAY
        yield _Daily((((opens, closes),) if opens < closes else (),) * 7, None)


def _minute(at: time, *, up: bool) -> int:
    """The minute of the day, rounded to the tighter side."""
    into_it = bool(at.second or at.microsecond)
    return at.hour * 60 + at.minute + (into_it and up)


def _read(text: str) -> tuple[str, tuple[_Law, ...], dict[Preset, _Daily]]:
    """The ruleset's version, the laws and the presets of a table in the form of `jurisdictions.toml`.

    Raises:
        KeyError, TypeError, ValueError: it does not have that form.
    """
    table = tomllib.loads(text)
    laws = [_hours_law(**entry) for entry in table["hours"]]
    laws += [_cap_law(**entry) for entry in table["cap"]]
    presets = {Preset(name): _daily(**entry) for name, entry in table["preset"].items()}
    return table["ruleset"], tuple(laws), presets


def _hours_law(
    *, weekdays: str, saturday: str, sunday: str, holidays: str | None = None, **rest: Any
) -> _Law:
    days = {"Mon-Fri": weekdays, "Sat": saturday, "Sun": sunday}
    every = set(days.values())
    what = every.pop() if len(every) == 1 else ", ".join(f"{d} {h}" for d, h in days.items())
    if holidays is not None:
        what += f"; public holidays ({holidays}) closed"
    return _Law(_row(what=what, **rest), _daily(weekdays, saturday, sunday, holidays))


def _cap_law(*, limit: int, hours: int, **rest: Any) -> _Law:
    row = _row(what=f"at most {limit} in any {hours} hours", **rest)
    return _Law(row, LawCap(row.id, limit, hours))


def _row(
    *,
    confidence: str,
    effective_from: date | str,
    effective_to: date | None = None,
    also: Iterable[str] = (),
    note: str = "",
    **rest: Any,
) -> Row:
    if isinstance(effective_from, str) and effective_from != "unknown":
        raise ValueError(f"a first day is a date or 'unknown', not {effective_from!r}")
    return Row(
        confidence=Confidence(confidence),
        effective_from=None if isinstance(effective_from, str) else effective_from,
        effective_to=effective_to,
        also=tuple(also),
        note=note,
        **rest,
    )


def _daily(weekdays: str, saturday: str, sunday: str, holidays: str | None = None) -> _Daily:
    week = (*(_windows(weekdays),) * 5, _windows(saturday), _windows(sunday))
    return _Daily(week, holidays)


def _windows(text: str) -> tuple[tuple[int, int], ...]:
    """In minutes of the day: "08:00-20:00" is one, "closed" is none."""
    if text == "closed":
        return ()
    opens, closes = (_minute(time.fromisoformat(end), up=False) for end in text.split("-"))
    if opens >= closes:
        raise ValueError(f"{text} ends before it begins")
    return ((opens, closes),)


RULESET, _LAWS, _PRESETS = _read(Path(__file__).with_suffix(".toml").read_text("utf-8"))
"""The version of the law as it stands in the data, such as "2026-11-20"; and the law."""

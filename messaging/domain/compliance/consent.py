"""Did this person agree to marketing, and does what they agreed to still count?

The latest event decides: a grant counts until its basis lapses, a revocation or an open question is no
consent. Which bases suffice where, and what lapses when, is data: `consent.toml` beside this file.
"""

from __future__ import annotations

import tomllib
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from messaging.domain.compliance.facts import Basis, Consent, ConsentAction
from messaging.domain.compliance.verdicts import Reason


@dataclass(frozen=True, slots=True)
class Lack:
    """Why marketing may not go."""

    reason: Reason
    """NO_CONSENT, or CONSENT_LAPSED for one that was enough once."""
    rule: str
    """The row of `consent.toml` that decided."""
    detail: str
    """For a person; holds no address."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is enough in some countries during some time."""

    id: str
    name: str
    """Of the place; empty for the rule that holds elsewhere."""
    countries: frozenset[str]
    """ISO 3166 alpha-2; empty for the rule that holds elsewhere."""
    bases: Mapping[Basis, int | None]
    """Each basis that suffices, with the calendar months after which it lapses, or None."""
    since: datetime
    until: datetime | None
    source: str
    confidence: str
    reviewed_at: date
    note: str

    def holds(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.since <= now and (self.until is None or now < self.until)


def read(text: str) -> tuple[Rule, ...]:
    """The rules of a table in the form of `consent.toml`.

    Raises:
        KeyError, TypeError, ValueError: it does not have that form.
    """
    return tuple(_rule(**row) for row in tomllib.loads(text)["rule"])


def _rule(
    *,
    countries: Iterable[str],
    bases: Iterable[dict[str, Any]],
    effective_from: date,
    effective_until: date | None = None,
    **rest: Any,
) -> Rule:
    return Rule(
        countries=frozenset(countries),
        bases={Basis(b["basis"]): b.get("lapses_after_months") for b in bases},
        since=_midnight(effective_from),
        until=_midnight(effective_until) if effective_until else None,
        **rest,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


RULES = read(Path(__file__).with_name("consent.toml").read_text(encoding="utf-8"))
_ELSEWHERE = next(rule for rule in RULES if not rule.countries)
_BY_COUNTRY = {
    country: tuple(rule for rule in RULES if country in rule.countries)
    for country in frozenset[str]().union(*(rule.countries for rule in RULES))
}


def rule_for(country: str | None, now: datetime) -> Rule:
    """The rule in force for a country (ISO 3166 alpha-2); the stricter default where none is known."""
    for rule in _BY_COUNTRY.get(country or "", ()):
        if rule.holds(now):
            return rule
    return _ELSEWHERE


def lack(consent: Consent | None, country: str | None, now: datetime) -> Lack | None:
    """What is missing before marketing may go to somebody in `country`; None if nothing is.

    `consent` is the latest event of this person, channel and MARKETING. A consent that lapses is gone
    at the very instant its term ends, counted in UTC from when it arose.
    """
    rule = rule_for(country, now)
    where = rule.name or country or "an unknown country"
    if consent is None or consent.action is not ConsentAction.GRANT:
        return Lack(Reason.NO_CONSENT, rule.id, f"{where}: {_not_granted(consent, rule)}")
    if consent.basis is None or consent.basis not in rule.bases:
        given = f"{_day(consent.at)} ({_words(consent.basis)})"
        detail = f"{where}: consent of {given} is not enough, {_needed(rule)}"
        return Lack(Reason.NO_CONSENT, rule.id, detail)
    months = rule.bases[consent.basis]
    if months is None:
        return None
    end = after_months(consent.at, months)
    if now < end:
        return None
    what = _ORIGINS.get(consent.basis, f"{_words(consent.basis)} consent given")
    detail = f"{where}: {what} on {_day(consent.at)} lapsed on {_day(end)}"
    return Lack(Reason.CONSENT_LAPSED, rule.id, detail)


def written(consent: Consent | None) -> bool:
    """Whether express written consent is in force, which exempts from do-not-call registries."""
    return (
        consent is not None
        and consent.action is ConsentAction.GRANT
        and consent.basis is Basis.EXPRESS_WRITTEN
    )


def lapses_at(consent: Consent | None, country: str | None, now: datetime) -> datetime | None:
    """When a consent that counts now will stop to, by itself; None if it does not count or stays."""
    if consent is None or consent.basis is None or lack(consent, country, now) is not None:
        return None
    months = rule_for(country, now).bases[consent.basis]
    return None if months is None else after_months(consent.at, months)


def after_months(at: datetime, months: int) -> datetime:
    """The same day and time of day, calendar months later, in UTC.

    Where that month is too short it is its last day: two years after 29 February is 28 February.
    """
    start = at.astimezone(UTC)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)


_ORIGINS = {
    Basis.IMPLIED_PURCHASE: "implied consent from a purchase",
    Basis.IMPLIED_INQUIRY: "implied consent from an inquiry",
}


def _not_granted(consent: Consent | None, rule: Rule) -> str:
    if consent is None:
        return f"no consent is recorded, {_needed(rule)}"
    if consent.action is ConsentAction.REVOKE:
        return f"consent was revoked on {_day(consent.at)}"
    return f"consent was asked for on {_day(consent.at)} and not given yet"


def _needed(rule: Rule) -> str:
    return f"marketing needs {' or '.join(map(_words, rule.bases))}"


def _words(basis: Basis | None) -> str:
    return "no known basis" if basis is None else basis.value.replace("_", " ")


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()

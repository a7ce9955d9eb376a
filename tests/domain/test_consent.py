"""Consent: what suffices where, when it lapses, and that the table of laws is sound."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.compliance.consent import (
    RULES,
    after_months,
    lack,
    lapses_at,
    read,
    rule_for,
    written,
)
from messaging.domain.compliance.facts import Basis, Consent, ConsentAction
from messaging.domain.compliance.verdicts import Reason

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
FULL_TABLE = {
    "US": {Basis.EXPRESS_WRITTEN},
    "PR": {Basis.EXPRESS_WRITTEN},
    "CA": set(Basis),
    "GB": {Basis.EXPRESS, Basis.EXPRESS_WRITTEN, Basis.IMPLIED_PURCHASE},
    "DE": {Basis.EXPRESS, Basis.EXPRESS_WRITTEN, Basis.IMPLIED_PURCHASE},
    "FR": {Basis.EXPRESS, Basis.EXPRESS_WRITTEN, Basis.IMPLIED_PURCHASE},
    "BR": {Basis.EXPRESS, Basis.EXPRESS_WRITTEN},
    "JP": {Basis.EXPRESS, Basis.EXPRESS_WRITTEN},
    None: {Basis.EXPRESS, Basis.EXPRESS_WRITTEN},
}


def consent(
    basis: Basis | None,
    at: datetime = NOW - timedelta(days=1),
    action: ConsentAction = ConsentAction.GRANT,
) -> Consent:
    return Consent(action, basis, "test", at)


@pytest.mark.parametrize("country", FULL_TABLE)
@pytest.mark.parametrize("basis", Basis)
def test_a_fresh_consent_suffices_where_its_basis_does(basis: Basis, country: str | None) -> None:
    found = lack(consent(basis), country, NOW)
    assert (found is None) == (basis in FULL_TABLE[country])
    assert found is None or found.reason is Reason.NO_CONSENT


@pytest.mark.parametrize("country", FULL_TABLE)
@pytest.mark.parametrize("action", [ConsentAction.REVOKE, ConsentAction.ASK])
@pytest.mark.parametrize("basis", [None, *Basis])
def test_a_revocation_or_an_open_question_is_no_consent_anywhere(
    basis: Basis | None, action: ConsentAction, country: str | None
) -> None:
    found = lack(consent(basis, action=action), country, NOW)
    assert found is not None
    assert found.reason is Reason.NO_CONSENT


@pytest.mark.parametrize("country", FULL_TABLE)
def test_nothing_recorded_and_a_grant_of_no_known_basis_are_no_consent(
    country: str | None,
) -> None:
    for nothing in (None, consent(None)):
        found = lack(nothing, country, NOW)
        assert found is not None
        assert found.reason is Reason.NO_CONSENT


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("basis", "given_at", "ends"),
    [
        (Basis.IMPLIED_PURCHASE, "2024-01-02T10:20:30", "2026-01-02T10:20:30"),
        (Basis.IMPLIED_PURCHASE, "2024-02-29T00:00:00", "2026-02-28T00:00:00"),
        (Basis.IMPLIED_PURCHASE, "2022-02-28T23:59:59", "2024-02-28T23:59:59"),
        (Basis.IMPLIED_PURCHASE, "2024-12-31T23:59:59", "2026-12-31T23:59:59"),
        (Basis.IMPLIED_INQUIRY, "2025-08-31T08:00:00", "2026-02-28T08:00:00"),
        (Basis.IMPLIED_INQUIRY, "2023-08-30T08:00:00", "2024-02-29T08:00:00"),
        (Basis.IMPLIED_INQUIRY, "2025-03-31T08:00:00", "2025-09-30T08:00:00"),
        (Basis.IMPLIED_INQUIRY, "2025-06-30T08:00:00", "2025-12-30T08:00:00"),
        (Basis.IMPLIED_INQUIRY, "2025-07-01T08:00:00", "2026-01-01T08:00:00"),
    ],
)
def test_implied_consent_in_canada_ends_at_the_instant(
    basis: Basis, given_at: str, ends: str
) -> None:
    one, end = consent(basis, utc(given_at)), utc(ends)
    assert lapses_at(one, "CA", end - TICK) == end
    assert lack(one, "CA", end - TICK) is None
    found = lack(one, "CA", end)
    assert found is not None
    assert (found.reason, found.rule) == (Reason.CONSENT_LAPSED, "ca_casl")
    assert lapses_at(one, "CA", end) is None


@pytest.mark.parametrize("country", FULL_TABLE)
def test_express_consent_and_the_soft_opt_in_have_no_term(country: str | None) -> None:
    long_ago = NOW - timedelta(days=3650)
    for basis in FULL_TABLE[country] - {Basis.IMPLIED_PURCHASE, Basis.IMPLIED_INQUIRY}:
        assert lack(consent(basis, long_ago), country, NOW) is None
        assert lapses_at(consent(basis, long_ago), country, NOW) is None
    assert lack(consent(Basis.IMPLIED_PURCHASE, long_ago), "GB", NOW) is None


def test_terms_are_counted_in_utc_whatever_zone_the_event_came_in() -> None:
    west = timezone(timedelta(hours=-5))
    one = consent(Basis.IMPLIED_INQUIRY, datetime(2025, 8, 30, 22, 0, tzinfo=west))
    assert lapses_at(one, "CA", utc("2026-01-01T00:00:00")) == utc("2026-02-28T03:00:00")


@pytest.mark.parametrize(
    ("given", "country", "now", "detail"),
    [
        (
            consent(Basis.IMPLIED_PURCHASE, utc("2024-01-02T08:00:00")),
            "CA",
            NOW,
            "Canada: implied consent from a purchase on 2024-01-02 lapsed on 2026-01-02",
        ),
        (
            None,
            "US",
            NOW,
            "United States: no consent is recorded, marketing needs express written",
        ),
        (
            consent(Basis.EXPRESS, utc("2025-01-02T08:00:00")),
            "US",
            NOW,
            "United States: consent of 2025-01-02 (express) is not enough, marketing needs express written",
        ),
        (
            consent(None, utc("2025-01-02T08:00:00"), ConsentAction.REVOKE),
            "GB",
            NOW,
            "United Kingdom: consent was revoked on 2025-01-02",
        ),
        (
            consent(None, utc("2025-01-02T08:00:00"), ConsentAction.ASK),
            "JP",
            NOW,
            "JP: consent was asked for on 2025-01-02 and not given yet",
        ),
        (
            None,
            None,
            NOW,
            "an unknown country: no consent is recorded, marketing needs express or express written",
        ),
    ],
)
def test_what_is_lacking_is_said_to_a_person(
    given: Consent | None, country: str | None, now: datetime, detail: str
) -> None:
    found = lack(given, country, now)
    assert found is not None
    assert found.detail == detail


def test_only_express_written_consent_in_force_exempts_from_registries() -> None:
    assert written(consent(Basis.EXPRESS_WRITTEN))
    assert not written(None)
    assert not any(written(consent(b)) for b in set(Basis) - {Basis.EXPRESS_WRITTEN})
    for action in (ConsentAction.REVOKE, ConsentAction.ASK):
        assert not written(consent(Basis.EXPRESS_WRITTEN, action=action))


START = utc("2000-01-01T00:00:00")
moments = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=90 * 365)).map(
    START.__add__
)


@given(moments, st.integers(1, 120))
def test_months_later_is_the_same_day_or_the_last_of_a_month_too_short(
    at: datetime, months: int
) -> None:
    end = after_months(at, months)
    assert (end.year * 12 + end.month) - (at.year * 12 + at.month) == months
    assert end.timetz() == at.timetz()
    assert end.day == at.day or (end.day < at.day and (end + timedelta(days=1)).day == 1)


@given(st.sampled_from(Basis), moments, moments, st.sampled_from(list(FULL_TABLE)))
def test_what_is_lacking_stays_lacking(
    basis: Basis, at: datetime, now: datetime, country: str | None
) -> None:
    one = consent(basis, at)
    since_all_laws = max(now, utc("2021-01-01T00:00:00"))
    if lack(one, country, since_all_laws) is not None:
        assert lack(one, country, since_all_laws + timedelta(days=400)) is not None


def test_no_country_has_two_rules_at_once_and_one_rule_is_for_elsewhere() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    (elsewhere,) = [rule for rule in RULES if not rule.countries]
    for country in {c for rule in RULES for c in rule.countries}:
        assert len(country) == 2
        spans = sorted(
            (rule.since, rule.until or datetime.max.replace(tzinfo=UTC))
            for rule in RULES
            if country in rule.countries
        )
        assert all(first[1] <= then[0] for first, then in pairwise(spans))
        assert all(since < until for since, until in spans)
    assert rule_for("XX", NOW) is rule_for(None, NOW) is elsewhere


def test_every_rule_says_where_it_comes_from() -> None:
    for rule in RULES:
        assert rule.source
        assert rule.note
        assert rule.confidence in {"high", "medium", "low"}
        assert rule.bases


def test_a_rule_holds_from_its_first_day_and_a_law_before_it_is_the_default() -> None:
    start = utc("2014-07-01T00:00:00")
    assert rule_for("CA", start).id == "ca_casl"
    assert rule_for("CA", start - TICK).id == "default_express"


def test_a_rule_that_ends_gives_way_to_the_next() -> None:
    row = """
    [[rule]]
    id = "{id}"
    name = "Somewhere"
    countries = ["XA"]
    bases = [{{ basis = "express", lapses_after_months = {months} }}]
    effective_from = {start}
    {end}
    source = "s"
    confidence = "low"
    reviewed_at = 2026-01-01
    note = "n"
    """
    old = row.format(id="o", months=1, start="2020-01-01", end="effective_until = 2025-01-01")
    new = row.format(id="n", months=2, start="2025-01-01", end="")
    first, second = read(old + new)
    turn = utc("2025-01-01T00:00:00")
    assert (first.holds(turn - TICK), second.holds(turn - TICK)) == (True, False)
    assert (first.holds(turn), second.holds(turn)) == (False, True)


@pytest.mark.parametrize(
    ("change", "error"),
    [("basis = 'guessed'", ValueError), ("unknown = 1\nbasis = 'express'", TypeError)],
)
def test_a_table_of_another_form_is_refused(change: str, error: type[Exception]) -> None:
    extra, _, basis = change.rpartition("\n")
    text = f"""
    [[rule]]
    id = "x"
    name = "x"
    countries = []
    bases = [{{ {basis} }}]
    effective_from = 2020-01-01
    source = "s"
    confidence = "low"
    reviewed_at = 2026-01-01
    note = "n"
    {extra}
    """
    with pytest.raises(error):
        read(text)

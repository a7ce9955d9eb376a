"""The rows of jurisdictions.toml: each has its papers, and a wrong one is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from messaging.domain.compliance import jurisdictions
from messaging.domain.compliance.jurisdictions import RULESET, Confidence, hours_for, rows
from messaging.domain.compliance.places import Place, PlaceBasis
from messaging.domain.compliance.policy import QuietHours
from messaging.domain.compliance.quiet_hours import Closed, consult

HOURS = [row for row in rows() if not row.id.endswith("_cap")]


def test_every_row_has_its_papers() -> None:
    reviewed = date.fromisoformat(RULESET)
    assert len({row.id for row in rows()}) == len(rows())
    for row in rows():
        assert row.jurisdiction
        assert row.what
        assert len(row.source) > 10
        assert row.confidence in Confidence
        assert row.reviewed_at <= reviewed
        if row.effective_from and row.effective_to:
            assert row.effective_from <= row.effective_to


def test_the_rows_of_a_jurisdiction_follow_one_another() -> None:
    for row in HOURS:
        others = [r for r in HOURS if r.jurisdiction == row.jurisdiction and r is not row]
        for day in filter(None, (row.effective_from, row.effective_to)):
            assert not any(other.holds_on(day) for other in others)
        assert not (row.holds_on(None) and any(other.holds_on(None) for other in others))


@pytest.mark.parametrize(
    "row", [r for r in HOURS if "public holidays" in r.what], ids=lambda r: r.id
)
def test_every_holiday_calendar_is_there_and_knows_christmas(row: jurisdictions.Row) -> None:
    country = row.jurisdiction.partition("-")[0]
    states = () if row.jurisdiction == country else (row.jurisdiction,)
    there = Place(country, None, frozenset(states), ("UTC",), PlaceBasis.COUNTRY)
    hours = hours_for(there, QuietHours())
    for year in (2026, 2027, 2028):
        assert isinstance(consult(hours, datetime(year, 12, 25, 12, tzinfo=UTC)), Closed)


PAPERS = """confidence = "low"
reviewed_at = 2026-11-20
source = "somebody"
"""


@pytest.mark.parametrize(
    ("entry", "mistake"),
    [
        ('effective_from = "long ago"\nweekdays = "08:00-20:00"\n' + PAPERS, ValueError),
        ('effective_from = "unknown"\nweekdays = "20:00-08:00"\n' + PAPERS, ValueError),
        ('effective_from = "unknown"\nweekdays = "8 to 20"\n' + PAPERS, ValueError),
        ('effective_from = "unknown"\n' + PAPERS, TypeError),
        ('effective_from = "unknown"\nweekdays = "closed"\nreviewed_at = 2026-11-20', TypeError),
        ('weekdays = "closed"\n' + PAPERS, TypeError),
        ('effective_from = "unknown"\nweekdays = "closed"\nsurprise = 1\n' + PAPERS, TypeError),
    ],
)
def test_a_row_that_is_wrong_is_refused(entry: str, mistake: type[Exception]) -> None:
    days = 'saturday = "closed"\nsunday = "closed"\n'
    head = (
        'ruleset = "2026-11-20"\ncap = []\npreset = {}\n[[hours]]\nid = "x"\njurisdiction = "XX"\n'
    )
    with pytest.raises(mistake):
        jurisdictions._read(head + days + entry)

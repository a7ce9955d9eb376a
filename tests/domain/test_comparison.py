"""A plan beside what came: by how much it was wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from messaging.domain.comparison import Compared, Outcome, compared

PLAN: dict[str, Any] = {
    "to_send": 110,
    "segments": 200,
    "cost": {"currency": "USD", "min": "1", "max": "3", "expected": "1.98"},
    "seconds": 45.0,
    "skipped": {"no_first_name": 2},
    "blocked": {},
    "senders": {"+12025550199": 200},
}
OUTCOME = Outcome(
    sent=100,
    segments=200,
    cost=Decimal("2.000000"),
    seconds=50.0,
    skipped={"no_first_name": 2},
    blocked={"opted_out": 3},
    senders={"+12125550199": 200},
)


def test_every_figure_stands_beside_what_came() -> None:
    assert compared(PLAN, OUTCOME) == [
        Compared("sent", 110, 100, 10.0),
        Compared("segments", 200, 200, 0.0),
        Compared("cost", Decimal("1.98"), Decimal("2.000000"), -1.0),
        Compared("seconds", 45.0, 50.0, -10.0),
        Compared("skipped: no_first_name", 2, 2, 0.0),
        Compared("blocked: opted_out", 0, 3, -100.0),
        Compared("senders: +12025550199", 200, 0, None),
        Compared("senders: +12125550199", 0, 200, -100.0),
    ]


@pytest.mark.parametrize(
    ("plan", "outcome"),
    [
        ({"cost": None, "seconds": None}, Outcome()),
        ({"cost": {"currency": "USD", "min": "1", "max": "3"}}, Outcome(cost=Decimal(2))),
    ],
)
def test_what_nobody_knows_has_no_error(plan: dict[str, Any], outcome: Outcome) -> None:
    told = {line.what: line for line in compared(PLAN | plan, outcome)}
    assert told["cost"].error_percent is None
    assert told["seconds"].error_percent is None
    assert told["sent"] == Compared("sent", 110, 0, None)


def test_nothing_foretold_and_nothing_come_is_no_error() -> None:
    told = compared(PLAN | {"to_send": 0}, Outcome())
    assert told[0] == Compared("sent", 0, 0, 0.0)

"""What is left of a sender's day, and the worst that can be said of it."""

from __future__ import annotations

import pytest

from messaging.domain.sender_health import Tally
from messaging.domain.sender_load import headroom, health, ratios


@pytest.mark.parametrize(
    ("mps", "allowance", "segments", "people", "left"),
    [
        (1.0, None, 0, 0, 1.0),
        (1.0, None, 43_200, 0, 0.5),
        (2.0, None, 43_200, 0, 0.75),
        (1.0, None, 100_000, 0, 0.0),
        (1.0, 100, 0, 25, 0.75),
        (1.0, 100, 43_200, 25, 0.5),
        (1.0, 0, 0, 5, 0.0),
    ],
)
def test_the_scarcer_of_rate_and_people_counts(
    mps: float, allowance: int | None, segments: float, people: int, left: float
) -> None:
    assert headroom(mps, allowance, segments, people) == pytest.approx(left)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (Tally(), "no results"),
        (Tally(sent=5), "no results"),
        (Tally(sent=10, delivered=10), "delivered all of 10"),
        (Tally(sent=10, delivered=9, undelivered=1), "not delivered 10.0 % of 10"),
        (Tally(sent=200, delivered=190, filtered=10), "filtered 5.0 % of 200"),
        (Tally(sent=200, delivered=190, landline=10), "landline 5.0 % of 200"),
        (Tally(sent=100, delivered=100, opted_out=4), "opted out 4.0 % of 100"),
        (Tally(opted_out=4), "no results"),
    ],
)
def test_the_worst_ratio_is_said_in_words(day: Tally, words: str) -> None:
    assert health(day) == words


def test_ratios_are_of_what_ended_or_was_sent() -> None:
    found = ratios(Tally(sent=10, delivered=3, undelivered=1, opted_out=1, replies=2))
    assert found == {
        "delivered": 0.75,
        "undelivered": 0.25,
        "filtered": 0.0,
        "landline": 0.0,
        "opted_out": 0.1,
        "replies": 0.2,
    }
    assert set(ratios(Tally()).values()) == {None}

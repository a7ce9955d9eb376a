"""Notices: what is told of which state, what follows each answer, when an endpoint is told no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.lifecycle import Status
from messaging.domain.notices import (
    KINDS,
    PATIENCE,
    WAITS,
    Again,
    Answer,
    Dead,
    Delivered,
    Disabled,
    Step,
    disables,
    failing_since,
    follow,
    pause,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


def test_every_state_somebody_may_wait_for_is_told() -> None:
    silent = {Status.DRAFT, Status.SCHEDULED, Status.QUEUED, Status.SENDING, Status.RECEIVED}
    assert KINDS.keys() == set(Status) - silent
    assert {kind.value for kind in KINDS.values()} == {
        "message.sent", "message.delivered", "message.failed", "message.undeliverable",
        "message.opted_out", "message.blocked", "message.canceled",
    }  # fmt: skip


FOLLOWS: list[tuple[Answer, int, Step]] = [
    # answer, seconds until it is given up, what follows
    (Answer(200), 60, Delivered()),
    (Answer(204), -60, Delivered()),
    (Answer(299), 0, Delivered()),
    (Answer(410), 60, Dead("gone")),
    (Answer(410, None, HOUR), 60, Dead("gone")),
    (Answer(500), 0, Dead("broken")),
    (Answer(301), -1, Dead("redirected")),
    (Answer(404), 0, Dead("refused")),
    (Answer(429, None, HOUR), 0, Dead("busy")),
    (Answer(error="timeout"), 0, Dead("timeout")),
    (Answer(error="not_public"), 0, Dead("not_public")),
    # What an endpoint asks for beyond the end is cut to one last try at the end.
    (Answer(429, None, HOUR), 60, Again(NOW + 60 * SECOND, "busy")),
    (Answer(503, None, DAY), 60, Again(NOW + 60 * SECOND, "busy")),
]


@pytest.mark.parametrize(("answer", "left", "step"), FOLLOWS)
def test_what_follows_without_dice(answer: Answer, left: int, step: Step) -> None:
    assert follow(answer, 1, NOW + left * SECOND, NOW, Random(1)) == step


WAITED = [
    # answer, tries, earliest and latest next try in seconds, word
    (Answer(500), 1, 0, 5, "broken"),
    (Answer(500), 2, 0, 300, "broken"),
    (Answer(500), 3, 0, 1_800, "broken"),
    (Answer(404), 4, 0, 7_200, "refused"),
    (Answer(400), 5, 0, 18_000, "refused"),
    (Answer(302), 6, 0, 36_000, "redirected"),
    (Answer(error="connect"), 7, 0, 50_400, "connect"),
    (Answer(error="timeout"), 99, 0, 50_400, "timeout"),
    (Answer(error="unknown_host"), 1, 0, 5, "unknown_host"),
    (Answer(101), 1, 0, 5, "unanswered"),
    (Answer(429), 1, 0, 5, "busy"),
    (Answer(429, None, 30 * SECOND), 1, 30, 30, "busy"),
    (Answer(503, None, 30 * SECOND), 2, 30, 300, "busy"),
    (Answer(502, None, HOUR), 1, 3_600, 3_600, "busy"),
    (Answer(504, None, HOUR), 1, 3_600, 3_600, "busy"),
    (Answer(500, None, HOUR), 1, 0, 5, "broken"),  # says nothing about when to come back
    (Answer(302, None, HOUR), 1, 0, 5, "redirected"),
]


@pytest.mark.parametrize(("answer", "tries", "earliest", "latest", "word"), WAITED)
def test_how_long_it_waits(
    answer: Answer, tries: int, earliest: int, latest: int, word: str
) -> None:
    for seed in range(200):
        step = follow(answer, tries, NOW + DAY, NOW, Random(seed))
        assert isinstance(step, Again)
        assert step.error == word
        assert NOW + earliest * SECOND <= step.at <= NOW + latest * SECOND


def test_the_jitter_is_full_and_the_waits_fill_about_a_day() -> None:
    steps = [follow(Answer(500), 4, NOW + DAY, NOW, Random(seed)) for seed in range(1000)]
    waits = [step.at - NOW for step in steps if isinstance(step, Again)]
    assert min(waits) < 0.1 * HOUR
    assert max(waits) > 1.9 * HOUR
    assert 0.9 * HOUR < sum(waits, timedelta()) / len(waits) < 1.1 * HOUR
    assert DAY < sum(WAITS, timedelta()) < 2 * DAY


@given(st.integers(0, 2**32))
def test_every_notice_ends_with_a_last_try_after_a_day(seed: int) -> None:
    rng, now, tries = Random(seed), NOW, 1
    while isinstance(step := follow(Answer(500), tries, NOW + PATIENCE, now, rng), Again):
        assert now <= step.at <= NOW + PATIENCE
        now, tries = step.at, tries + 1
        assert tries < 200
    assert now == NOW + PATIENCE
    assert step == Dead("broken")


PAUSES = [
    (Answer(429, None, HOUR), HOUR),
    (Answer(503, None, HOUR), HOUR),
    (Answer(502, None, HOUR), HOUR),
    (Answer(504, None, HOUR), HOUR),
    (Answer(429), None),
    (Answer(200, None, HOUR), None),
    (Answer(500, None, HOUR), None),
    (Answer(302, None, HOUR), None),
    (Answer(error="timeout"), None),
]


@pytest.mark.parametrize(("answer", "wait"), PAUSES)
def test_an_endpoint_that_asks_for_a_pause_gets_it(answer: Answer, wait: timedelta | None) -> None:
    assert pause(answer) == wait


STREAKS = [
    # first and last failure (hours ago), since when it fails
    (None, None, 0),
    (1, 1, 1),
    (100, 1, 100),
    (100, 24, 100),
    (100, 25, 0),  # nothing was tried for longer than any wait: no streak
    (None, 1, 0),
    (1, None, 0),
]


@pytest.mark.parametrize(("first", "last", "since"), STREAKS)
def test_since_when_an_endpoint_fails(first: int | None, last: int | None, since: int) -> None:
    noted = [None if hours is None else NOW - hours * HOUR for hours in (first, last)]
    assert failing_since(noted[0], noted[1], NOW) == NOW - since * HOUR


ENDS = [
    (Answer(410), 0, Disabled.GONE),
    (Answer(500), 0, None),
    (Answer(500), 119, None),
    (Answer(500), 120, Disabled.FAILING),
    (Answer(error="timeout"), 500, Disabled.FAILING),
    (Answer(410), 500, Disabled.GONE),
]


@pytest.mark.parametrize(("answer", "hours", "reason"), ENDS)
def test_when_an_endpoint_is_told_no_more(
    answer: Answer, hours: int, reason: Disabled | None
) -> None:
    assert disables(answer, NOW - hours * HOUR, NOW) == reason

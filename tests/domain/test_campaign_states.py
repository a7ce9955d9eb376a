"""Which step takes a campaign where, and how many may be queued now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from messaging.domain import campaign_pace
from messaging.domain.campaign_states import MOVES, WORKING, CampaignState, Step, sources, step

NOW = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "what", "after"),
    [
        ("draft", "start", "snapshot"),
        ("draft", "schedule", "scheduled"),
        ("draft", "pause", None),
        ("scheduled", "start", "snapshot"),
        ("snapshot", "taken", "running"),
        ("snapshot", "pause", None),
        ("running", "pause", "paused"),
        ("running", "finish", "finished"),
        ("running", "start", None),
        ("running", "retry", None),
        ("paused", "resume", "running"),
        ("paused", "finish", None),
        ("paused", "cancel", "canceling"),
        ("canceling", "called_off", "canceled"),
        ("canceling", "cancel", None),
        ("canceled", "start", None),
        ("finished", "retry", "running"),
        ("finished", "cancel", None),
    ],
)
def test_a_step_leads_where_the_table_says(before: str, what: str, after: str | None) -> None:
    assert step(CampaignState(before), Step(what)) == after


def test_every_state_is_reached_and_only_a_canceled_one_is_the_end() -> None:
    reached = {after for moves in MOVES.values() for after in moves.values()}
    assert reached == set(CampaignState) - {CampaignState.DRAFT}
    assert set(CampaignState) - set(MOVES) == {CampaignState.CANCELED}
    assert set(WORKING) <= set(MOVES)
    assert set(sources(Step.CANCEL)) == {"draft", "scheduled", "snapshot", "running", "paused"}


@pytest.mark.parametrize(
    ("most", "per_minute", "seconds_ago", "count"),
    [
        (5_000, None, 1, 5_000),
        (5_000, 60, 0, 0),
        (5_000, 60, 1, 1),
        (5_000, 60, 2.5, 2),
        (5_000, 600, 2, 20),
        (5_000, 600, 3_600, 100),  # ten seconds' worth after an hour of nobody looking
        (7, 600, 2, 7),
    ],
)
def test_a_pace_pays_for_what_may_be_queued(
    most: int, per_minute: int | None, seconds_ago: float, count: int
) -> None:
    paced_at = NOW - timedelta(seconds=seconds_ago)
    found = campaign_pace.allowance(most, per_minute, paced_at, NOW)
    assert found.count == count
    if per_minute is not None:
        assert found.spent(count, per_minute) <= NOW


def test_a_pace_is_kept_over_an_hour_of_looks() -> None:
    at, paced_at, queued = NOW, NOW, 0
    while at < NOW + timedelta(hours=1):
        at += timedelta(seconds=2)
        found = campaign_pace.allowance(5_000, 100, paced_at, at)
        paced_at = found.spent(found.count, 100)
        queued += found.count
    assert queued in range(5_998, 6_001)


@pytest.mark.parametrize(
    ("ended", "failed", "share", "stops"),
    [(19, 19, 0.1, False), (20, 2, 0.1, False), (20, 3, 0.1, True), (200, 200, 1.0, False)],
)
def test_failures_stop_a_campaign_when_they_are_too_many_of_enough(
    ended: int, failed: int, share: float, stops: bool
) -> None:
    assert campaign_pace.too_many_failed(ended, failed, share) is stops

"""Retry: one row per kind of failure, and the bounds no dice may break."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.failures import Failover, Failure, Kind
from messaging.domain.lifecycle import Event, Status, advance
from messaging.domain.retry import GiveUp, InDoubt, Policy, Retry, backoff, decide

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
POLICY = Policy()
EXHAUSTED = GiveUp(Event.GAVE_UP, "attempts_exhausted")
LATE = GiveUp(Event.GAVE_UP, "expired")


def failure(kind: Kind, **changes: object) -> Failure:
    return replace(Failure(kind, "30001", "The provider said no."), **changes)  # type: ignore[arg-type]


OTHER_SENDER = failure(Kind.SENDER, failover=Failover.OTHER_SENDER)

FINAL = [
    # failure, attempts, what follows
    (failure(Kind.NOT_SENT), 5, EXHAUSTED),
    (failure(Kind.NOT_SENT), 9, EXHAUSTED),
    (failure(Kind.TRANSIENT), 5, EXHAUSTED),
    (failure(Kind.TRANSIENT, retry_after=SECOND), 5, EXHAUSTED),
    (failure(Kind.RATE_LIMITED), 20, EXHAUSTED),
    (failure(Kind.OPTED_OUT), 1, GiveUp(Event.OPTED_OUT, "opted_out")),
    (failure(Kind.OPTED_OUT, suppress=True), 9, GiveUp(Event.OPTED_OUT, "opted_out")),
    (
        failure(Kind.RECIPIENT, status=Status.UNDELIVERABLE),
        1,
        GiveUp(Event.UNDELIVERED, "permanent_recipient"),
    ),
    (failure(Kind.RECIPIENT), 1, GiveUp(Event.GAVE_UP, "permanent_recipient")),
    (failure(Kind.SENDER), 1, GiveUp(Event.GAVE_UP, "permanent_sender")),
    (
        failure(Kind.SENDER, status=Status.BLOCKED_COMPLIANCE),
        1,
        GiveUp(Event.BLOCKED_COMPLIANCE, "permanent_sender"),
    ),
    (
        failure(Kind.SENDER, status=Status.BLOCKED_MISSING_CAMPAIGN),
        1,
        GiveUp(Event.BLOCKED_MISSING_CAMPAIGN, "permanent_sender"),
    ),
    (OTHER_SENDER, 5, GiveUp(Event.GAVE_UP, "permanent_sender")),
    (failure(Kind.CONFIG), 1, GiveUp(Event.GAVE_UP, "permanent_config")),
    (
        failure(Kind.CONFIG, status=Status.BLOCKED_BILLING),
        1,
        GiveUp(Event.BLOCKED_BILLING, "permanent_config"),
    ),
    (failure(Kind.AMBIGUOUS), 1, InDoubt()),
    (failure(Kind.AMBIGUOUS, retry_after=SECOND), 99, InDoubt()),
    (OTHER_SENDER, 1, Retry(NOW, exclude=Failover.OTHER_SENDER)),
    (OTHER_SENDER, 4, Retry(NOW, exclude=Failover.OTHER_SENDER)),
]


@pytest.mark.parametrize(("what", "attempts", "step"), FINAL)
def test_what_follows_without_dice(
    what: Failure, attempts: int, step: Retry | GiveUp | InDoubt
) -> None:
    assert decide(what, attempts, None, POLICY, NOW, Random(1)) == step
    if isinstance(step, GiveUp):
        assert advance(Status.SENDING, step.event) is not None


WAITS = [
    # failure, attempts, earliest, latest
    (failure(Kind.NOT_SENT), 1, 0, 2),
    (failure(Kind.TRANSIENT), 1, 0, 2),
    (failure(Kind.TRANSIENT), 2, 0, 4),
    (failure(Kind.TRANSIENT), 4, 0, 16),
    (failure(Kind.RATE_LIMITED), 5, 0, 32),
    (failure(Kind.RATE_LIMITED), 19, 0, 300),
    (failure(Kind.RATE_LIMITED, retry_after=30 * SECOND), 1, 30, 31),
    (failure(Kind.TRANSIENT, retry_after=3600 * SECOND), 1, 3600, 3601),
    (failure(Kind.TRANSIENT, retry_after=timedelta(days=10_000)), 1, 86_400, 86_401),
    (failure(Kind.TRANSIENT, retry_after=timedelta.max), 1, 86_400, 86_401),
    (failure(Kind.TRANSIENT, retry_after=-5 * SECOND), 1, 0, 2),
]


@pytest.mark.parametrize(("what", "attempts", "earliest", "latest"), WAITS)
def test_how_long_it_waits(what: Failure, attempts: int, earliest: int, latest: int) -> None:
    for seed in range(200):
        step = decide(what, attempts, None, POLICY, NOW, Random(seed))
        assert isinstance(step, Retry)
        assert step.counts
        assert step.exclude is Failover.NONE
        assert NOW + earliest * SECOND <= step.at <= NOW + latest * SECOND


EXPIRIES = [
    # failure, seconds until expiry, what follows (None: a retry)
    (failure(Kind.TRANSIENT, retry_after=60 * SECOND), 60, LATE),
    (failure(Kind.TRANSIENT, retry_after=60 * SECOND), 62, None),
    (failure(Kind.RATE_LIMITED, retry_after=600 * SECOND), 300, LATE),
    (failure(Kind.NOT_SENT), 0, LATE),
    (OTHER_SENDER, 0, LATE),
    (OTHER_SENDER, 1, None),
    (failure(Kind.AMBIGUOUS), 0, InDoubt()),
]


@pytest.mark.parametrize(("what", "left", "step"), EXPIRIES)
def test_nothing_is_retried_after_it_expired(
    what: Failure, left: int, step: GiveUp | InDoubt | None
) -> None:
    got = decide(what, 1, NOW + left * SECOND, POLICY, NOW, Random(1))
    assert got == step if step is not None else isinstance(got, Retry)


def test_full_jitter_uses_the_whole_wait() -> None:
    waits = [backoff(4, POLICY, Random(seed)) for seed in range(1000)]
    assert min(waits) < SECOND
    assert max(waits) > 15 * SECOND
    assert 7 * SECOND < sum(waits, timedelta()) / len(waits) < 9 * SECOND


def test_the_same_dice_give_the_same_step() -> None:
    what = failure(Kind.TRANSIENT)
    steps = {decide(what, 3, None, POLICY, NOW, Random(7)) for _ in range(3)}
    assert len(steps) == 1


FAILURES = st.builds(
    Failure,
    kind=st.sampled_from(Kind),
    code=st.just("1"),
    detail=st.just("."),
    status=st.sampled_from(Status),
    failover=st.sampled_from(Failover),
    retry_after=st.none() | st.timedeltas(),
)
POLICIES = st.builds(
    Policy,
    max_attempts=st.integers(1, 10),
    base=st.timedeltas(timedelta(0), timedelta(hours=1)),
    cap=st.timedeltas(timedelta(0), timedelta(hours=12)),
)


@given(
    FAILURES,
    st.integers(1, 10_000),
    st.none() | st.timedeltas(timedelta(days=-2), timedelta(days=2)),
    POLICIES,
    st.integers(0, 2**32),
)
def test_no_step_is_in_the_past_too_late_or_without_end(
    what: Failure, attempts: int, left: timedelta | None, policy: Policy, seed: int
) -> None:
    expires_at = None if left is None else NOW + left
    step = decide(what, attempts, expires_at, policy, NOW, Random(seed))
    assert isinstance(step, InDoubt) == (what.kind is Kind.AMBIGUOUS)
    if isinstance(step, GiveUp):
        assert advance(Status.SENDING, step.event) in {
            Status.FAILED, Status.UNDELIVERABLE, Status.OPTED_OUT, Status.BLOCKED_COMPLIANCE,
            Status.BLOCKED_BILLING, Status.BLOCKED_MISSING_CAMPAIGN,
        }  # fmt: skip
    if isinstance(step, Retry):
        assert attempts < policy.max_attempts * policy.rate_limit_patience
        assert step.at >= NOW
        assert expires_at is None or step.at < expires_at
        asked = what.retry_after or timedelta(0)
        assert step.at >= NOW + min(asked, policy.longest)
        assert step.at <= NOW + max(min(asked, policy.longest) + policy.spread, policy.cap)
        assert (step.exclude is Failover.OTHER_SENDER) == (what.kind is Kind.SENDER)


@given(st.integers(-5, 10_000), POLICIES, st.integers(0, 2**32))
def test_backoff_stays_within_the_cap(attempts: int, policy: Policy, seed: int) -> None:
    assert timedelta(0) <= backoff(attempts, policy, Random(seed)) <= policy.cap

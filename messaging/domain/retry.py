"""An attempt failed: what now?

Looks only at our own ten words for a failure, so it knows no provider. Waiting is exponential with
full jitter, which spreads a crowd of failed messages over the whole wait instead of letting them
return together. A provider's Retry-After is a promise and is kept, whatever our own cap says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, assert_never

from messaging.domain.failures import Failover, Failure, Kind
from messaging.domain.lifecycle import TRANSITIONS, Event, Status

if TYPE_CHECKING:
    from random import Random

ATTEMPTS_EXHAUSTED = "attempts_exhausted"
EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient to be with one message."""

    max_attempts: int = 5
    rate_limit_patience: int = 4
    """How many times `max_attempts` a rate-limited message may use: being told to slow down says
    nothing against the message, but even that must end."""
    base: timedelta = timedelta(seconds=2)
    """The longest wait after the first attempt; doubles with each further one."""
    cap: timedelta = timedelta(minutes=5)
    """The longest wait of our own choosing."""
    longest: timedelta = timedelta(days=1)
    """The longest a provider may park a message by its Retry-After."""
    spread: timedelta = timedelta(seconds=1)
    """Jitter on top of a stated Retry-After, never below it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Send again at `at`."""

    at: datetime
    counts: bool = True
    """Whether the attempt just made uses up one of the allowed ones."""
    exclude: Failover = Failover.NONE
    """Who is passed over for this message from now on: the sender just used, or, as long as there is
    another, its whole provider account."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No further attempt; `event` moves the message on, `reason` says why."""

    event: Event
    reason: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """It may have been sent. Nothing is done until evidence arrives (law 4)."""


Step = Retry | GiveUp | InDoubt


def decide(
    failure: Failure,
    attempts: int,
    expires_at: datetime | None,
    policy: Policy,
    now: datetime,
    rng: Random,
    *,
    elsewhere: bool = False,
) -> Step:
    """What follows from a failed attempt.

    `attempts` are those that counted, this one included (so at least 1). A message that would be
    retried only at or after `expires_at` is given up now, with the reason `expired`. `elsewhere` says
    whether another provider account could carry it: then what is the account's fault, and surely was
    not sent, goes there at once.
    """
    if failure.kind is Kind.AMBIGUOUS:
        return InDoubt()
    crosses = elsewhere and failure.failover is Failover.OTHER_PROVIDER
    if crosses and attempts < policy.max_attempts:
        return _unless_expired(Retry(now, exclude=Failover.OTHER_PROVIDER), expires_at)
    match failure.kind:
        case Kind.NOT_SENT | Kind.TRANSIENT | Kind.RATE_LIMITED:
            return _again(failure, attempts, expires_at, policy, now, rng)
        case Kind.OPTED_OUT:
            return GiveUp(Event.OPTED_OUT, failure.kind.value)
        case Kind.SENDER if _may_fail_over(failure, attempts, policy):
            return _unless_expired(Retry(now, exclude=Failover.OTHER_SENDER), expires_at)
        case Kind.RECIPIENT | Kind.SENDER | Kind.CONFIG:
            return GiveUp(_ending(failure.status), failure.kind.value)
        case _ as never:
            assert_never(never)


def _again(
    failure: Failure,
    attempts: int,
    expires_at: datetime | None,
    policy: Policy,
    now: datetime,
    rng: Random,
) -> Retry | GiveUp:
    patience = policy.rate_limit_patience if failure.kind is Kind.RATE_LIMITED else 1
    if attempts >= policy.max_attempts * patience:
        return GiveUp(Event.GAVE_UP, ATTEMPTS_EXHAUSTED)
    wait = backoff(attempts, policy, rng)
    if failure.retry_after is not None:
        asked = min(failure.retry_after, policy.longest)
        wait = max(wait, asked + policy.spread * rng.random())
    exclude = failure.failover if failure.failover is Failover.OTHER_PROVIDER else Failover.NONE
    return _unless_expired(Retry(now + wait, exclude=exclude), expires_at)


def _may_fail_over(failure: Failure, attempts: int, policy: Policy) -> bool:
    return failure.failover is Failover.OTHER_SENDER and attempts < policy.max_attempts


def backoff(attempts: int, policy: Policy, rng: Random) -> timedelta:
    """A wait after the `attempts`-th attempt: uniform in [0, base * 2**(attempts - 1)], capped."""
    doublings = min(max(attempts - 1, 0), 60)  # beyond any cap, and safely within a timedelta
    longest = min(policy.base.total_seconds() * 2.0**doublings, policy.cap.total_seconds())
    return timedelta(seconds=rng.uniform(0, longest))


def _unless_expired(retry: Retry, expires_at: datetime | None) -> Retry | GiveUp:
    if expires_at is not None and retry.at >= expires_at:
        return GiveUp(Event.GAVE_UP, EXPIRED)
    return retry


_ENDINGS: dict[Status, Event] = {
    Status.FAILED: Event.GAVE_UP,  # our own decision; Event.FAILED is a receipt's
    **{
        after: event
        for event, after in TRANSITIONS[Status.SENDING].items()
        if after not in {Status.FAILED, Status.SENT, Status.QUEUED, Status.DELIVERED}
    },
}


def _ending(status: Status) -> Event:
    """The event that leads from SENDING to `status`; giving up plainly if none does."""
    return _ENDINGS.get(status, Event.GAVE_UP)

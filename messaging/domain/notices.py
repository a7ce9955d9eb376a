"""A tenant was told something, or could not be: what now?

What tenants are told are the steps of their messages and what people write to them. Waiting grows from
seconds to hours, with full jitter, so that an endpoint that was away is not met by everything at once.
What an endpoint asks for in Retry-After is kept. Status codes are read as the Standard Webhooks
specification 1.0.0 reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from messaging.domain.lifecycle import Status

if TYPE_CHECKING:
    from random import Random


class Kind(StrEnum):
    """What an endpoint may be told."""

    SENT = "message.sent"
    DELIVERED = "message.delivered"
    FAILED = "message.failed"
    UNDELIVERABLE = "message.undeliverable"
    OPTED_OUT = "message.opted_out"
    BLOCKED = "message.blocked"
    CANCELED = "message.canceled"
    RECEIVED = "message.received"


KINDS: dict[Status, Kind] = {
    Status.SENT: Kind.SENT,
    Status.DELIVERED: Kind.DELIVERED,
    Status.FAILED: Kind.FAILED,
    Status.UNDELIVERABLE: Kind.UNDELIVERABLE,
    Status.OPTED_OUT: Kind.OPTED_OUT,
    Status.BLOCKED_COMPLIANCE: Kind.BLOCKED,
    Status.BLOCKED_BILLING: Kind.BLOCKED,
    Status.BLOCKED_MISSING_CAMPAIGN: Kind.BLOCKED,
    Status.CANCELED: Kind.CANCELED,
}
"""What is told of a message that enters a state; nothing of one that only waits or is on its way."""


class State(StrEnum):
    """Where a notice is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up; it can be put back (replayed)."""


class Disabled(StrEnum):
    """Why an endpoint is told nothing."""

    GONE = "gone"
    """It answered 410."""
    FAILING = "failing"
    """It has taken nothing for days."""
    ASKED = "asked"
    """Its tenant wanted it so."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one try: a status, or one word of ours for why there is none."""

    status: int | None = None
    error: str | None = None
    retry_after: timedelta | None = None

    @property
    def taken(self) -> bool:
        """Whether the endpoint has it now."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Delivered:
    """The endpoint has it."""


@dataclass(frozen=True, slots=True)
class Again:
    """Try once more at `at`."""

    at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Dead:
    """No further try."""

    error: str


Step = Delivered | Again | Dead

PATIENCE = timedelta(days=1)
"""How long a notice is tried, from when it was written or put back; the table's default is the same."""
WAITS = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400)
)
"""The longest wait after each failed try; the last one stays."""
_HOLDS = frozenset({429, 502, 503, 504})
_STREAK_BREAKS = timedelta(days=1)
"""No two tries of one notice are further apart, so a longer silence is no failure."""
_TOO_LONG = timedelta(days=5)


def follow(answer: Answer, tries: int, gives_up_at: datetime, now: datetime, rng: Random) -> Step:
    """What follows a notice's `tries`-th try (at least 1).

    The last try is at about `gives_up_at`: a wait beyond it is cut short.
    """
    if answer.taken:
        return Delivered()
    error = word(answer)
    if answer.status == 410 or now >= gives_up_at:
        return Dead(error)
    longest = WAITS[min(tries, len(WAITS)) - 1]
    wait = longest * rng.random()
    if answer.status in _HOLDS and answer.retry_after is not None:
        wait = max(wait, answer.retry_after)
    return Again(min(now + wait, gives_up_at), error)


def pause(answer: Answer) -> timedelta | None:
    """For how long the endpoint wants to be told nothing at all."""
    return answer.retry_after if answer.status in _HOLDS else None


def word(answer: Answer) -> str:
    """One word of ours for what went wrong; the endpoint's own words may say anything."""
    if answer.status is None:
        return answer.error or "unanswered"
    if answer.status == 410:
        return "gone"
    if answer.status in _HOLDS:
        return "busy"
    if answer.status < 400:
        return "redirected" if answer.status >= 300 else "unanswered"
    return "refused" if answer.status < 500 else "broken"


def failing_since(since: datetime | None, last: datetime | None, now: datetime) -> datetime:
    """Since when an endpoint that fails now has done nothing else.

    `since` and `last` are what was noted of its first and last failure since it last took something.
    """
    if since is None or last is None or now - last > _STREAK_BREAKS:
        return now
    return since


def disables(answer: Answer, since: datetime, now: datetime) -> Disabled | None:
    """Why an endpoint that has failed since then is told nothing from now on; None if it still is."""
    if answer.status == 410:
        return Disabled.GONE
    return Disabled.FAILING if now - since >= _TOO_LONG else None

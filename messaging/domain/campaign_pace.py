"""How many of a campaign may be queued now: by its pace, its canary, and what is ahead already?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

TICK = timedelta(seconds=2)
"""How often the clock looks at a campaign that has nothing to do but wait."""
BURST = timedelta(seconds=10)
"""How much of its pace a campaign that could not be looked at may catch up on."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be queued now."""

    count: int
    paced_at: datetime
    """Up to when what was queued before is paid for by the pace."""

    def spent(self, count: int, per_minute: int | None) -> datetime:
        """Up to when it is paid for once `count` more are queued."""
        if per_minute is None:
            return self.paced_at
        return self.paced_at + timedelta(minutes=count / per_minute)


def allowance(
    most: int, per_minute: int | None, paced_at: datetime | None, now: datetime
) -> Allowance:
    """At most `most`, and no more than the minutes since `paced_at` pay for."""
    if per_minute is None:
        return Allowance(most, now)
    since = now if paced_at is None else max(paced_at, now - BURST)
    earned = int((now - since) / timedelta(minutes=1) * per_minute + 1e-6)
    return Allowance(max(0, min(most, earned)), since)


def next_look(
    per_minute: int | None, paced_at: datetime, now: datetime, tick: timedelta
) -> datetime:
    """When there is something to queue again: after a tick, or as soon as one more is paid for."""
    if per_minute is None:
        return now
    return max(now + tick, paced_at + timedelta(minutes=1 / per_minute))


def too_many_failed(ended: int, failed: int, share: float, least: int = 20) -> bool:
    """Whether a share of failures is beyond what was allowed; a few say nothing yet."""
    return ended >= least and failed > share * ended

"""How many different people may a new sender write to today, and when may it write to more?

A ramp is a limit per level. A level is raised after a good day and lowered after a bad one, at most
once a day. Days are the carriers': T-Mobile counts from midnight to midnight Pacific time (Bird's and
Twilio's documentation of its daily limits), which is 08:00 UTC in winter and 07:00 UTC in summer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from messaging.domain.sender_health import Level

DEFAULT_RAMP = (100, 250, 500, 750, 1500, 2250, 3000)
"""Different recipients a day, level by level; no limit after the last. Carriers publish none: these are
of platforms of the HighLevel family (kyriossystems and stringmarketing, read 2026-11-20)."""

IDLE = timedelta(days=30)
"""After that long without a message a sender is new to the carriers again."""

_PACIFIC = ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True, slots=True)
class Ramp:
    """Where a sender is in its warming up; at a level beyond the last step it is open."""

    steps: tuple[int, ...]
    """Different recipients a day, per level."""
    level: int
    level_since: date
    """The carriers' day on which the level began, or was counted from again."""


def allowance(ramp: Ramp) -> int | None:
    """How many different people it may write to in one of the carriers' days; None is no limit."""
    return ramp.steps[ramp.level] if ramp.level < len(ramp.steps) else None


def advance(
    ramp: Ramp,
    level: Level,
    used_yesterday: int,
    last_used: date | None,
    today: date,
    minimum: int = 100,
) -> Ramp:
    """The ramp for today. Ask when the day begins; to ask again changes nothing more.

    `level` is the worst grade of yesterday, also if that ended in a cordon; `used_yesterday` how many
    people it wrote to; `last_used` the last day it wrote to anybody; `minimum` the results that a
    grade takes (`Thresholds.minimum`).
    """
    if today <= ramp.level_since:
        return ramp
    if last_used is not None and today - last_used >= IDLE:
        return _at(ramp, 0, today)
    if level is Level.RED:
        return _at(ramp, ramp.level - 1, today)
    if _was_full_day(ramp, level, used_yesterday, minimum):
        return _at(ramp, ramp.level + 1, today)
    return ramp


def _was_full_day(ramp: Ramp, level: Level, used: int, minimum: int) -> bool:
    """Whether yesterday speaks for more.

    A good grade does, if anything was sent. No grade does only on a step that is too small to earn
    one in a day, and only if half of it was used; on a larger one, results are waited for.
    """
    if level is Level.UNKNOWN:
        step = allowance(ramp)
        return step is not None and step <= minimum and 2 * used >= step
    return level is Level.GREEN and used > 0


def _at(ramp: Ramp, level: int, today: date) -> Ramp:
    within = max(0, min(level, len(ramp.steps)))
    return ramp if within == ramp.level else replace(ramp, level=within, level_since=today)


def carrier_day(now: datetime) -> date:
    """The carriers' day at an instant."""
    return now.astimezone(_PACIFIC).date()


def next_carrier_midnight(now: datetime) -> datetime:
    """When the carriers' next day begins, in UTC; always after `now`."""
    tomorrow = carrier_day(now) + timedelta(days=1)
    return datetime.combine(tomorrow, time(), tzinfo=_PACIFIC).astimezone(UTC)

"""Is it a permitted hour for this recipient, until when, and if not, when is the next one?

A clock is a week of permitted hours on one zone's wall. An instant is permitted when, read on every
clock's wall, it lies in that clock's hours; so an hour that daylight saving skips is nobody's, and one
that it repeats counts both times. Everything is computed by intersecting intervals, never by probing
minutes, and a day's answers are kept: asked again, they are looked up.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

Week = tuple[tuple[tuple[int, int], ...], ...]
"""Seven days, Monday first; each its half-open [start, end) windows in minutes of the local day."""

HORIZON = timedelta(days=9)
"""How far ahead is looked: past any law's longest closing, short of what a message can wait for."""

_DAY = timedelta(days=1)
_ZERO = timedelta(0)
_NEVER = datetime.max.replace(tzinfo=UTC)

Span = tuple[datetime, datetime]
"""Half-open, in UTC."""


@dataclass(frozen=True, slots=True)
class Clock:
    """One rule's permitted hours, read in one zone."""

    rule: str
    zone: str
    week: Week
    holidays: str | None = None
    """A calendar, such as "BR" or "US-AL", whose public holidays are closed all day."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Open only while every clock is; without a clock, always."""

    clocks: tuple[Clock, ...]
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # It is the key of every look-up here, and tuples do not remember their hash.
        object.__setattr__(self, "_hash", hash(self.clocks))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type[Hours], tuple[tuple[Clock, ...]]]:
        return Hours, (self.clocks,)  # another process hashes strings differently


@dataclass(frozen=True, slots=True)
class Open:
    """Permitted now."""

    until: datetime | None
    """UTC: the first instant at which it no longer is; None if that lies beyond the horizon."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Not permitted now."""

    reopens: datetime | None
    """UTC: the first instant from which it is, for longer than the margin; None beyond the horizon."""
    clock: Clock
    """One that says no; of several, the one that says so longest."""


def consult(hours: Hours, at: datetime, margin: timedelta = _ZERO) -> Open | Closed:
    """Whether `at` is permitted, and when that changes.

    Within `margin` of the close it counts as closed already, since handing over is not delivering.

    Raises:
        ValueError: `at` has no zone, or `margin` is negative.
        zoneinfo.ZoneInfoNotFoundError: a clock names a zone that there is not.
        NotImplementedError: a clock names a holiday calendar that there is not.
    """
    if at.tzinfo is None or margin < _ZERO:
        raise ValueError("an instant has a zone, and a margin is not negative")
    if not hours.clocks:
        return Open(None)
    at = at.astimezone(UTC)
    since, answers = _answers(hours, margin, at.date())
    answer = answers[bisect_right(since, at) - 1]
    if isinstance(answer, Open):
        within = answer.until is None or answer.until - at <= HORIZON
        return answer if within else Open(None)
    within = answer.reopens is None or answer.reopens - at <= HORIZON
    return answer if within else Closed(None, answer.clock)


def spread(
    reopens: datetime, hours: Hours, seed: int, over: timedelta, margin: timedelta
) -> datetime:
    """An instant in [reopens, reopens + over), the same for the same seed, short of the next close.

    So that what waited for an opening does not all leave in its first second. Where `reopens` is not
    permitted there is nothing to spread over, and it is returned as it is.
    """
    found = consult(hours, reopens, margin)
    room = over
    if isinstance(found, Closed):
        room = _ZERO
    elif found.until is not None:
        room = min(over, found.until - margin - reopens)
    # Multiplying by the golden ratio's bits puts even consecutive seeds far apart.
    mixed = ((seed ^ seed >> 64) * 0x9E3779B97F4A7C15) % 2**64
    return reopens + timedelta(microseconds=(room // timedelta(microseconds=1)) * mixed >> 64)


@lru_cache(maxsize=4096)
def _answers(
    hours: Hours, margin: timedelta, day: date
) -> tuple[list[datetime], list[Open | Closed]]:
    """Every answer of a UTC day, each with the instant since which it holds."""
    last = day + HORIZON + margin + 2 * _DAY  # enough to see any span of interest end
    alone = [_early(_spans(clock, day, last), margin) for clock in hours.clocks]
    together = alone[0]
    for spans in alone[1:]:
        together = list(_common(together, spans))
    midnight = datetime.combine(day, time.min, UTC)
    edges = {edge for spans in [*alone, together] for span in spans for edge in span}
    since = sorted({midnight} | {e for e in edges if midnight < e < midnight + _DAY})
    answers = [_answer(hours, alone, together, at, margin) for at in since]
    return since, answers


def _answer(
    hours: Hours, alone: list[list[Span]], together: list[Span], at: datetime, margin: timedelta
) -> Open | Closed:
    now = _next(together, at)
    if now is not None and now[0] <= at:
        return Open(now[1] + margin)
    ahead = [_next(spans, at) for spans in alone]
    opens = [span[0] if span else _NEVER for span in ahead]
    return Closed(now[0] if now else None, hours.clocks[opens.index(max(opens))])


def _next(spans: list[Span], at: datetime) -> Span | None:
    """The first span that has not ended at `at`."""
    found = bisect_right(spans, at, key=lambda span: span[1])
    return spans[found] if found < len(spans) else None


def _early(spans: Iterable[Span], margin: timedelta) -> list[Span]:
    """Each span closed `margin` early; those no longer than that vanish."""
    return [(start, end - margin) for start, end in spans if end - start > margin]


def _common(one: list[Span], other: list[Span]) -> Iterator[Span]:
    """What two sorted lists of disjoint spans share."""
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            yield start, end
        if one[i][1] <= other[j][1]:
            i += 1
        else:
            j += 1


def _spans(clock: Clock, first: date, last: date) -> Iterator[Span]:
    """When a clock is open in these UTC days, adjoining and overlapping spans as one."""
    held: Span | None = None
    for day in range(first.toordinal(), last.toordinal()):
        for span in _open(clock.zone, clock.week, clock.holidays, date.fromordinal(day)):
            if held is not None and span[0] <= held[1]:
                held = held[0], max(held[1], span[1])
                continue
            if held is not None:
                yield held
            held = span
    if held is not None:
        yield held


@lru_cache(maxsize=16384)
def _open(zone: str, week: Week, holidays: str | None, day: date) -> tuple[Span, ...]:
    """When a clock is open in one UTC day, in order."""
    found = []
    for start, end, offset in _offsets(zone, day):
        wall_start, wall_end = start + offset, end + offset
        for ordinal in range(wall_start.toordinal(), wall_end.toordinal() + 1):
            local = date.fromordinal(ordinal)
            if holidays is not None and local in _closed_days(holidays, local.year):
                continue
            midnight = datetime.combine(local, time.min)
            for opens, closes in week[local.weekday()]:
                a = max(midnight + timedelta(minutes=opens), wall_start)
                b = min(midnight + timedelta(minutes=closes), wall_end)
                if a < b:
                    found.append(
                        ((a - offset).replace(tzinfo=UTC), (b - offset).replace(tzinfo=UTC))
                    )
    return tuple(sorted(found))


@lru_cache(maxsize=16384)
def _offsets(zone: str, day: date) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """The parts of a UTC day, as naive [start, end), in each of which a zone keeps one offset.

    They are two at most: no zone has ever changed its offset twice within two days.
    """
    tz = ZoneInfo(zone)
    start = datetime.combine(day, time.min)
    end = start + _DAY
    before, after = _offset(tz, start), _offset(tz, end)
    if before == after:
        return ((start, end, before),)
    seconds = range(_DAY // timedelta(seconds=1))
    kept = bisect_right(
        seconds, x=False, key=lambda s: _offset(tz, start + timedelta(seconds=s)) != before
    )
    change = start + timedelta(seconds=kept)
    return (start, change, before), (change, end, after)


def _offset(tz: ZoneInfo, instant: datetime) -> timedelta:
    return instant.replace(tzinfo=UTC).astimezone(tz).utcoffset() or _ZERO


@lru_cache(maxsize=256)
def _closed_days(calendar: str, year: int) -> frozenset[date]:
    """A calendar's public holidays, days off in lieu of them included."""
    from holidays import country_holidays  # noqa: PLC0415 - 19 MB that most processes never need

    country, _, part = calendar.partition("-")
    return frozenset(country_holidays(country, subdiv=part or None, years=year))

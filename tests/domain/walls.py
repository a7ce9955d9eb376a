"""Wall clocks: how tests write permitted hours down, and what a person with a clock would say of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import holidays as calendars

from messaging.domain.compliance.quiet_hours import Clock, Hours, Week

NONE = timedelta(0)
MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)
ZONES = sorted(available_timezones() - {"localtime"})


def week(weekdays: str, saturday: str | None = None, sunday: str | None = None) -> Week:
    """Hours such as "8-21" or "9-21:30"; "" is closed; the weekend is as the week if not given."""
    week, at_weekend = _windows(weekdays), (saturday, sunday)
    return (week,) * 5 + tuple(week if day is None else _windows(day) for day in at_weekend)


def _windows(hours: str) -> tuple[tuple[int, int], ...]:
    ends = [tuple(map(_minutes, part.split("-"))) for part in hours.split()]
    return tuple((start, end) for start, end in ends)


def _minutes(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute or 0)


FEDERAL = week("8-21")
TO_EIGHT = week("8-20")
CANADA = week("9-21:30", "10-18", "10-18")
NEW_YORK, CHICAGO = "America/New_York", "America/Chicago"
ALL_US = (NEW_YORK, "America/Los_Angeles", "America/Adak", "Pacific/Honolulu")


def hours(zones: tuple[str, ...] | str, *weeks: Week, holidays: str | None = None) -> Hours:
    named = (zones,) if isinstance(zones, str) else zones
    return Hours(tuple(Clock(f"w{i}", z, w, holidays) for i, w in enumerate(weeks) for z in named))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@lru_cache
def days_off(calendar: str, year: int) -> frozenset[date]:
    country, _, part = calendar.partition("-")
    return frozenset(calendars.country_holidays(country, subdiv=part or None, years=year))


def permitted(what: Hours, at: datetime) -> bool:
    for clock in what.clocks:
        wall = at.astimezone(ZoneInfo(clock.zone))
        if clock.holidays and wall.date() in days_off(clock.holidays, wall.year):
            return False
        minute = wall.hour * 60 + wall.minute
        if not any(start <= minute < end for start, end in clock.week[wall.weekday()]):
            return False
    return True


def permitted_throughout(what: Hours, at: datetime, margin: timedelta) -> bool:
    steps = range(1, margin // MINUTE)
    return all(permitted(what, at + step) for step in [NONE, margin, *(n * MINUTE for n in steps)])


def changes(zone: str, first: datetime, last: datetime) -> list[datetime]:
    """Instants within a quarter of an hour after which a zone's offset changed."""
    tz, step, found = ZoneInfo(zone), timedelta(days=5), []
    at = first
    while at < last:
        low, high = at, at + step
        if low.astimezone(tz).utcoffset() != high.astimezone(tz).utcoffset():
            while high - low > timedelta(minutes=15):
                middle = low + (high - low) / 2
                same = low.astimezone(tz).utcoffset() == middle.astimezone(tz).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            found.append(high.replace(minute=high.minute // 15 * 15, second=0, microsecond=0))
        at += step
    return found

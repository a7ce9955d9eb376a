"""How loaded is a sender today, and what is the worst that can be said of it?"""

from __future__ import annotations

from messaging.domain.sender_health import Tally, Thresholds

_DAY_SECONDS = 86_400


def used_share(mps: float, segments: float) -> float:
    """What of the segments it may send in a day it has sent."""
    return segments / (mps * _DAY_SECONDS)


def headroom(mps: float, allowance: int | None, segments: float, people: int) -> float:
    """What is left of its day, from 0 to 1, by its rate or by its daily limit, whichever is less."""
    left = 1 - used_share(mps, segments)
    if allowance is not None:
        left = min(left, 1 - people / max(allowance, 1))
    return min(max(left, 0.0), 1.0)


def ratios(day: Tally) -> dict[str, float | None]:
    """Shares of what ended, and of what was sent for what people do; None where nothing did."""
    of_ended = ("delivered", "undelivered", "filtered", "landline")
    of_sent = ("opted_out", "replies")
    return {name: _share(getattr(day, name), day.ended) for name in of_ended} | {
        name: _share(getattr(day, name), day.sent) for name in of_sent
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def health(day: Tally) -> str:
    """The worst ratio of a day in words: that which is nearest to its threshold, or beyond it."""
    thresholds = Thresholds()
    shares = [
        ("not delivered", day.ended - day.delivered, day.ended, thresholds.error.red),
        ("filtered", day.filtered, day.ended, thresholds.filtered.red),
        ("landline", day.landline, day.ended, thresholds.landline.red),
        ("opted out", min(day.opted_out, day.sent), day.sent, thresholds.opted_out.red),
    ]
    ranked = [(part / whole / red, name, part, whole) for name, part, whole, red in shares if part]
    if not ranked:
        return f"delivered all of {day.ended}" if day.ended else "no results"
    _, name, part, whole = max(ranked)
    return f"{name} {100 * part / whole:.1f} % of {whole}"

"""May this person be written to once more, or have they had their share for now?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta


def free_at(
    recent: Sequence[datetime], caps: Sequence[tuple[str, int, int]], now: datetime
) -> tuple[datetime, str] | None:
    """None if another message fits under every cap now; else when it will, and the rule that decides.

    A cap is (rule, limit, hours): at most `limit` messages in any rolling window of `hours`, the new
    one included. A window is open at its beginning: a message of exactly `hours` ago no longer counts,
    so the instant returned is the first at which the new one fits, to the microsecond. Times in
    `recent` after `now` (another machine's clock, a message being handed over) count. The rule that
    lets it wait longest decides; of equals, the first.

    `recent` may be in any order and must reach back as far as the longest window.

    Raises:
        ValueError: a limit or window is not positive; such a cap could never be met.
    """
    if any(limit < 1 or hours < 1 for _, limit, hours in caps):
        raise ValueError("a cap allows at least one message, in a window of at least one hour")
    times = sorted(recent)
    latest: tuple[datetime, str] | None = None
    for rule, limit, hours in caps:
        if len(times) < limit:
            continue
        # Once this one has left the window, limit - 1 are in it.
        free = times[-limit] + timedelta(hours=hours)
        if free > now and (latest is None or free > latest[0]):
            latest = free, rule
    return latest

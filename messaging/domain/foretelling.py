"""When do messages get through a limit, if each comes at its own time?

The same limits as in `rates.lua`, walked through beforehand: who comes first goes first, nobody gives up
and nobody else sends. A plan asks every limit apart; the slowest of its limits says when a message goes.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import timedelta

from messaging.domain.rates import Distinct, Limit, Quota, Window

_TINY = 1e-9
_DAY = timedelta(days=1).total_seconds()

Load = Iterable[tuple[float, float]]
"""What asks a limit: when (seconds of the epoch, none before the one before), and for how much."""


def passed(limit: Limit, load: Load, scale: float = 1.0, spent: float = 0.0) -> Iterator[float]:
    """When each of the load is through, in seconds of the epoch.

    One of them stands for `scale` of its kind, and is through when the last of these is; `spent` is what
    of a quota is used up already. Whoever counts people (`Distinct`) is a choice's to see to, and stops
    nothing here.
    """
    match limit:
        case Window():
            return _slid(limit, load, scale)
        case Quota():
            return _by_day(limit, load, scale, spent)
        case Distinct():
            return (at for at, _ in load)


def share(window: Window, cost: float) -> float:
    """What of a window a message of this cost takes, where all are alike.

    Of three segments a second two messages of one segment and a half do not go, but one: what is left
    over is lost. A message of more than the limit takes the windows it needs.
    """
    if cost >= window.most:
        return cost / window.most
    return 1.0 / int(window.most / cost + _TINY)


def _slid(window: Window, load: Load, scale: float) -> Iterator[float]:
    log: deque[list[float]] = deque()  # when, and how much of the window
    used, now = 0.0, float("-inf")
    for at, cost in load:
        now, left = max(now, at), scale * share(window, cost)
        while True:
            while log and log[0][0] + window.seconds <= now + _TINY:
                used -= log.popleft()[1]
            if not log:
                used = 0.0
            room = 1.0 - used
            if left <= room + _TINY:
                break
            if log:
                _note(log, now, room)
                used, left, now = 1.0, left - room, log[0][0] + window.seconds
            else:
                whole = math.ceil(left - _TINY) - 1
                left, now = left - whole, now + whole * window.seconds
        _note(log, now, left)
        used += left
        yield now


def _note(log: deque[list[float]], now: float, much: float) -> None:
    if log and log[-1][0] == now:
        log[-1][1] += much
    else:
        log.append([now, much])


def _by_day(quota: Quota, load: Load, scale: float, spent: float) -> Iterator[float]:
    ends, now = quota.until.timestamp(), float("-inf")
    for at, cost in load:
        now, left = max(now, at), scale * cost
        while now >= ends:
            ends, spent = ends + _DAY, 0.0
        while left > (room := max(quota.most - spent, 0.0)) + _TINY:
            left -= room
            now, ends, spent = ends, ends + _DAY, 0.0
        spent += left
        yield now

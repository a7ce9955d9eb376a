"""How much may be written abroad within an hour, before it looks like somebody earns by it?

Against toll fraud ("SMS pumping"): messages to all foreign countries of a tenant, and to one foreign
number range, are counted over a rolling hour in Redis. Unlike other hints these counters guard money:
while Redis is away nothing is granted. After a FLUSHALL the hour begins anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import redis

from messaging.domain.numbering import calling_code
from messaging.queues import KEY_PREFIX

_SCRIPT = (Path(__file__).parent / "velocity.lua").read_text()
_REDIS_AWAY = 30.0
_RANGE = 3
_HIDDEN = 4

Shares = tuple[tuple[str, int], ...]
"""What one message counts against: counters, and how much each may hold within an hour."""


def prefix_of(e164: str) -> str:
    """The number range of a normalised number: calling code and three more digits (in +1, the area).

    Numbers are sold to fraudsters by such ranges. At least the last four digits are never part of it.
    """
    code = len(calling_code(e164)) + 1
    return e164[: max(min(code + _RANGE, len(e164) - _HIDDEN), 0)]


class Velocity:
    """Counters of a rolling hour, shared by every worker."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._take = client.register_script(_SCRIPT)

    def take(self, rows: Sequence[Shares], now: datetime) -> list[float]:
        """For each message 0.0 if it may go, and is counted; else the seconds until it may be tried.

        A message counts against all of its counters or none. Never are more granted than the limit
        within any 60 minutes; what was granted counts for 61 minutes at most. One call for all rows.
        """
        keys: dict[str, int] = {}
        arguments: list[float | int] = [now.timestamp()]
        for row in rows:
            if row:
                arguments.append(len(row))
            for key, limit in row:
                arguments += (keys.setdefault(key, len(keys) + 1), limit)
        if not keys:
            return [0.0] * len(rows)
        try:
            reply: list[int] = self._take(keys=[_name(key) for key in keys], args=arguments)
        except redis.RedisError:
            return [_REDIS_AWAY if row else 0.0 for row in rows]
        waits = iter(reply)
        return [next(waits) / 1000 if row else 0.0 for row in rows]


def _name(key: str) -> str:
    return f"{KEY_PREFIX}velocity:{key}"

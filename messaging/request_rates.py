"""How many requests a minute may one API key make, over all processes?

A bucket per key in Redis, which is full after ten seconds of rest. No request asks Redis: a process takes
a small lot of it at a time and hands that out from memory. Redis may be away: then everybody is let in.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import ceil
from threading import Lock
from time import monotonic

import redis

from messaging.domain.errors import RateLimitedError
from messaging.queues import KEY_PREFIX

_FULL_SECONDS = 10
"""What a key may save up."""
_LOT = 50
"""The most that a process takes at once; half a second's worth, if that is less."""
_AWAY_SECONDS = 1.0
"""How long Redis is not asked again after it did not answer."""
_MOST_KNOWN = 10_000

_SCRIPT = """
local now = redis.call('TIME')
local at = now[1] * 1000000 + now[2]
local rate, most, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = tonumber(kept[1]) or most
local before = tonumber(kept[2]) or at
left = math.min(most, left + math.max(at - before, 0) * rate / 1000000)
local got = math.min(wanted, math.floor(left))
left = left - got
redis.call('HSET', KEYS[1], 'left', string.format('%.6f', left), 'at', string.format('%.0f', at))
redis.call('PEXPIRE', KEYS[1], 60000)
if got > 0 then return {got, 0, math.floor(left)} end
return {0, math.ceil((1 - left) / rate * 1000), 0}
"""


@dataclass(slots=True)
class _Lot:
    """What one process has in hand for one key."""

    left: int = 0
    closed_until: float = 0.0
    behind: int = 0
    """What was left in the bucket when this was taken."""


class RequestRates:
    """The limits of every key, as one process keeps to them."""

    def __init__(self, client: redis.Redis) -> None:
        self._script = client.register_script(_SCRIPT)
        self._lots: dict[str, _Lot] = {}
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)
        self._away_until = 0.0

    def at_hand(self, key_id: str, per_minute: int) -> bool:
        """Take one request from memory; False if Redis has to be asked with `fetch`.

        Raises:
            RateLimitedError: Redis said no a moment ago, and that still holds.
        """
        if per_minute == 0:
            return True
        lot = self._lots.get(key_id)
        if lot is None:
            return False
        if lot.left > 0:
            lot.left -= 1
            return True
        wait = lot.closed_until - monotonic()
        if wait > 0:
            raise RateLimitedError(per_minute, wait)
        return False

    def fetch(self, key_id: str, per_minute: int) -> None:
        """Take one request, from Redis if need be; may wait for it, so not on an event loop.

        Raises:
            RateLimitedError: the key has used up what it may.
        """
        with self._locks[key_id]:
            # Whoever came first has brought enough for all who waited here.
            if self.at_hand(key_id, per_minute):
                return
            if len(self._lots) >= _MOST_KNOWN:
                self._lots.clear()
            lot = self._lots[key_id] = self._lot(key_id, per_minute)
            if not lot.left:
                raise RateLimitedError(per_minute, lot.closed_until - monotonic())
            lot.left -= 1

    def take(self, key_id: str, per_minute: int) -> None:
        """Take one request, from memory or from Redis.

        Raises:
            RateLimitedError: as `fetch`.
        """
        if not self.at_hand(key_id, per_minute):
            self.fetch(key_id, per_minute)

    def left(self, key_id: str) -> int:
        """About how many more requests a key may make now, of what this process has heard; asks nobody."""
        lot = self._lots.get(key_id)
        return 0 if lot is None else lot.left + lot.behind

    def _lot(self, key_id: str, per_minute: int) -> _Lot:
        rate = per_minute / 60
        wanted = min(_LOT, max(ceil(rate / 2), 1))
        if monotonic() < self._away_until:
            return _Lot(wanted)
        most = max(rate * _FULL_SECONDS, 1)
        try:
            got, wait_ms, behind = self._script(
                keys=[f"{KEY_PREFIX}requests:{key_id}"], args=[rate, most, wanted]
            )
        except redis.RedisError:
            self._away_until = monotonic() + _AWAY_SECONDS
            return _Lot(wanted)
        closed_until = monotonic() + int(wait_ms) / 1000 if not got else 0.0
        return _Lot(int(got), closed_until, int(behind))

"""What every worker knows of every provider account: how its calls end, and which routes are down.

Counted in Redis, so that all workers stop when one has seen enough, and one of them probes for all.
Decisions are `domain.breaker`'s; a circuit is changed by comparing and setting, so two workers never
both take the last probe. While Redis is away nothing is held back: each call still has its timeout,
each account its limit of calls in flight, and each message its backoff.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import NamedTuple
from uuid import UUID

import orjson
import redis

from messaging.domain import breaker
from messaging.domain.balance import Showing, weight
from messaging.domain.breaker import Budget, Circuit, Limits
from messaging.domain.message import Channel
from messaging.queues import KEY_PREFIX

_CIRCUITS = f"{KEY_PREFIX}circuits"
_FRESH = 0.25
"""Seconds for which a process goes by what it last read of the circuits."""
_SHOWINGS_FRESH = 5.0
_SHOWN_MINUTES = 10
_TRIES = 5
_BUDGET = Budget()
_SWAP = """
local now = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if now ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1
"""


class Route(NamedTuple):
    """A provider's path to a country on one channel; the unit that is up or down."""

    account_id: UUID
    channel: Channel
    country: str | None

    def __str__(self) -> str:
        return f"{self.account_id}:{self.channel}:{self.country or '-'}"


@dataclass(frozen=True, slots=True)
class Call:
    """How one call to a provider ended."""

    route: Route
    began: float
    """Seconds of the epoch."""
    failed: bool
    """Whether that speaks against the provider: not reached, broken off, or out of order."""
    slow: bool = False
    repeat: bool = False
    """Whether the account had this message before."""


class Breakers:
    """The circuits and showings of all accounts, shared by every worker."""

    def __init__(
        self, client: redis.Redis, clock: Callable[[], float], limits: Limits = breaker.LIMITS
    ) -> None:
        """`clock` gives seconds of the epoch."""
        self._redis = client
        self._clock = clock
        self._limits = limits
        self._swap = client.register_script(_SWAP)
        self._read_at = float("-inf")
        self._circuits: dict[str, tuple[bytes, Circuit]] = {}
        self._weights: dict[UUID, tuple[float, float]] = {}

    def circuits(self) -> Mapping[str, Circuit]:
        """Every circuit that is not closed, by route, at most a quarter of a second old."""
        now = self._clock()
        if not 0 <= now - self._read_at < _FRESH:
            self._read_at = now
            try:
                found: dict[bytes, bytes] = self._redis.hgetall(_CIRCUITS)  # type: ignore[assignment]
            except redis.RedisError:
                found = {}
            self._circuits = {key.decode(): (raw, _read(raw)) for key, raw in found.items()}
        return {key: circuit for key, (_, circuit) in self._circuits.items()}

    def room(self, circuit: Circuit) -> int:
        """How many probes a circuit lets through now."""
        return breaker.room(circuit, self._clock(), self._limits)

    def look_again(self, circuit: Circuit, dice: float) -> float:
        """In how many seconds a message that waits for this route looks again."""
        return breaker.look_again(circuit, self._clock(), dice, self._limits)

    def admit(self, route: Route) -> bool:
        """Whether a call may go out; takes one of the probes of a route that is half-open."""
        key = str(route)
        if key not in self._circuits:
            return True
        for _ in range(_TRIES):
            raw, circuit = self._circuits.get(key, (b"", None))
            if circuit is None:
                return True
            probed = breaker.probed(circuit, self._clock(), self._limits)
            if probed is None:
                return False
            try:
                if self._set(key, raw, probed):
                    return True
            except redis.RedisError:
                return True
            self._read_at = float("-inf")
            self.circuits()
        return False

    def record(self, calls: Sequence[Call]) -> None:
        """Count how calls ended, and open or close circuits by it."""
        if not calls:
            return
        try:
            self._count(calls)
            failing = {call.route for call in calls if call.failed}
            known = self.circuits()
            for route in sorted({call.route for call in calls}, key=str):
                if str(route) in known:
                    self._hear(route, [call for call in calls if call.route == route])
                elif route in failing:
                    self._judge(route)
        except redis.RedisError:
            return

    def delivered(self, seconds: Iterable[tuple[UUID, float]], late_after: float) -> None:
        """Count deliveries: (account, seconds from accepted to delivered)."""
        counts: Counter[tuple[UUID, str]] = Counter()
        for account_id, took in seconds:
            counts[account_id, "d"] += 1
            counts[account_id, "l"] += took > late_after
        if counts:
            with suppress(redis.RedisError):
                self._bump({(self._showing_key(a), field): n for (a, field), n in counts.items()})

    def weights(self, account_ids: Iterable[UUID]) -> dict[UUID, float]:
        """Each account's share beside others, by how it did in the last minutes; a moment old."""
        now = self._clock()
        ids = list(account_ids)
        old = [
            a for a in ids if now - self._weights.get(a, (0.0, float("-inf")))[1] > _SHOWINGS_FRESH
        ]
        if old:
            try:
                for account_id, showing in zip(old, self._showings(old), strict=True):
                    self._weights[account_id] = (weight(showing), now)
            except redis.RedisError:
                self._weights |= {a: (self._weights.get(a, (1.0, 0.0))[0], now) for a in old}
        return {a: self._weights[a][0] for a in ids}

    def repeats_left(self, account_id: UUID, budget: Budget = _BUDGET) -> int:
        """How many more messages may be sent to an account that had them before."""
        names = [_window_key(str(account_id), b) for b in self._buckets()]
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.hmget(name, "n", "r")
                rows = pipe.execute()
        except redis.RedisError:
            return budget.least
        calls, repeats = (sum(int(row[i] or 0) for row in rows) for i in (0, 1))
        return budget.left(calls, repeats)

    def _count(self, calls: Sequence[Call]) -> None:
        counts: Counter[tuple[str, str]] = Counter()
        bucket = int(self._clock())
        for call in calls:
            window = _window_key(str(call.route), bucket)
            of_account = _window_key(str(call.route.account_id), bucket)
            showing = self._showing_key(call.route.account_id)
            for name in (window, of_account, showing):
                counts[name, "n"] += 1
            if call.failed:
                counts[window, "f"] += 1
                counts[showing, "f"] += 1
            if call.slow:
                counts[showing, "s"] += 1
            if call.repeat:
                counts[of_account, "r"] += 1
        self._bump(counts)

    def _bump(self, counts: Mapping[tuple[str, str], int]) -> None:
        by_name: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for (name, field), n in counts.items():
            by_name[name][field] = n
        with self._redis.pipeline(transaction=False) as pipe:
            for name, fields in by_name.items():
                for field, n in fields.items():
                    if n:
                        pipe.hincrby(name, field, n)
                pipe.expire(name, 60 * (_SHOWN_MINUTES + 2))
            pipe.execute()

    def _judge(self, route: Route) -> None:
        """Open a closed circuit, if enough calls failed."""
        with self._redis.pipeline(transaction=False) as pipe:
            for bucket in self._buckets():
                pipe.hmget(_window_key(str(route), bucket), "n", "f")
            rows = pipe.execute()
        if breaker.trips([(int(n or 0), int(f or 0)) for n, f in rows], self._limits):
            self._set(str(route), b"", breaker.opened(None, self._clock(), self._limits))

    def _hear(self, route: Route, calls: Sequence[Call]) -> None:
        """Move a circuit that is not closed by the calls that began after it let some through."""
        key = str(route)
        for _ in range(_TRIES):
            raw, circuit = self._circuits.get(key, (b"", None))
            if circuit is None:
                return
            probes = [call for call in calls if call.began >= circuit.until]
            bad = sum(call.failed for call in probes)
            if not probes:
                return
            after = breaker.heard(circuit, len(probes) - bad, bad, self._clock(), self._limits)
            if self._set(key, raw, after):
                if after is None:
                    self._redis.delete(*(_window_key(key, b) for b in self._buckets()))
                return
            self._read_at = float("-inf")
            self.circuits()

    def _set(self, key: str, before: bytes, after: Circuit | None) -> bool:
        """Compare and set one circuit; also what this process knows of it."""
        raw = b"" if after is None else orjson.dumps(asdict(after))
        if not self._swap(keys=[_CIRCUITS], args=[key, before, raw]):
            return False
        if after is None:
            self._circuits.pop(key, None)
        else:
            self._circuits[key] = (raw, after)
        return True

    def _showings(self, account_ids: Sequence[UUID]) -> list[Showing]:
        minute = int(self._clock() // 60)
        minutes = [minute - back for back in range(_SHOWN_MINUTES)]
        with self._redis.pipeline(transaction=False) as pipe:
            for account_id in account_ids:
                for m in minutes:
                    pipe.hmget(_minute_key(account_id, m), "n", "f", "s", "d", "l")
            rows = iter(pipe.execute())
        found = []
        for _ in account_ids:
            showings = (Showing(*(int(v or 0) for v in next(rows))) for _ in minutes)
            found.append(sum(showings, Showing()))
        return found

    def _showing_key(self, account_id: UUID) -> str:
        return _minute_key(account_id, int(self._clock() // 60))

    def _buckets(self) -> list[int]:
        """The seconds of the longest window, the present one last."""
        last = int(self._clock())
        first = last - max(length for length, _ in self._limits.windows) + 1
        return list(range(first, last + 1))


def _read(raw: bytes) -> Circuit:
    return Circuit(**orjson.loads(raw))


def _window_key(of: str, bucket: int) -> str:
    return f"{KEY_PREFIX}calls:{of}:{bucket}"


def _minute_key(account_id: UUID, minute: int) -> str:
    return f"{KEY_PREFIX}showing:{account_id}:{minute}"

"""May these messages go now, by all the limits they touch? One call of Redis for a whole batch.

Nobody sleeps here: who is refused is told when to come again, and waits in Postgres until then. Redis may
forget everything: the counters are restored from what was written down, and meanwhile nobody is let
through. It may be away: limits that guard money or reputation are closed then, of the others each process
uses a small share. What is granted is to be written down as `Usage` in the transaction that opens the attempts.
"""

from __future__ import annotations

import os
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path

import orjson
import redis

from messaging.domain.rates import (
    Ask,
    Distinct,
    Grant,
    Limit,
    Past,
    Quota,
    Reservation,
    Spent,
    Usage,
    Window,
    usage_of,
)
from messaging.queues import KEY_PREFIX

_SCRIPT = (Path(__file__).parent / "rates.lua").read_text()
_KEPT = f"{KEY_PREFIX}rates:kept"
"""Names the run of Redis in which the counters were made whole. A FLUSHALL takes it with them; a Redis that
was started again, or another one, may have counters of a while ago."""
_RESTORING = f"{KEY_PREFIX}rates:restoring"
_RESTORE_MS = 5_000
"""How long one process may take to restore before another one tries."""
_BEING_RESTORED = Grant(granted=False, wait=timedelta(milliseconds=50))
_REDIS_AWAY = timedelta(seconds=1)
_LOT = 1_000
"""Keys or members written at once, so that a large past does not hold up Redis."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_GRANTED = Grant(granted=True)
Command = tuple[str | bytes | int | float, ...]


def _wall_clock() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


class Rates:
    """Reservations against limits that every worker shares."""

    def __init__(self, client: redis.Redis, now: Callable[[], datetime] = _wall_clock) -> None:
        self._redis = client
        self._script = client.register_script(_SCRIPT)
        self._now = now
        self._alone = _Alone()

    def reserve(
        self, limits: Sequence[Limit], asks: Sequence[Ask], past: Callable[[], Past]
    ) -> Reservation:
        """Ask for a batch; a message is granted by all of its limits, and counts, or by none.

        Each key may be among the limits once. `past` is called by one process after Redis has lost its
        counters, and must answer in five seconds with all that was granted before: it has to wait until
        what others were granted is committed (or has come to nothing), and then look. If it raises, so does this.
        """
        if not asks:
            return Reservation((), Usage(self._now()))
        try:
            reply = self._ask(limits, asks)
            if not reply and self._restore(past):
                reply = self._ask(limits, asks)
        except redis.RedisError:
            grants = self._alone.reserve(limits, asks, time.monotonic())
            return Reservation(grants, usage_of(limits, asks, grants, self._now()))
        if not reply:
            grants = [_BEING_RESTORED._replace(place=ask.place) for ask in asks]
            return Reservation(grants, Usage(self._now()))
        at, *answers = orjson.loads(reply)
        grants = [
            Grant(False, timedelta(0, 0, wait), by - 1, place == 1) if by else _GRANTED
            for wait, by, place in zip(answers[::3], answers[1::3], answers[2::3], strict=True)
        ]
        return Reservation(grants, usage_of(limits, asks, grants, _moment(int(at))))

    def _ask(self, limits: Sequence[Limit], asks: Sequence[Ask]) -> bytes:
        keys = [_KEPT, *(_name(limit.key) for limit in limits)]
        arguments = (orjson.dumps(_described(limits)), orjson.dumps(_needed(asks)))
        reply: bytes = self._script(keys=keys, args=arguments)
        return reply

    def _restore(self, past: Callable[[], Past]) -> bool:
        """Bring back what Redis has lost, unless somebody else is at it; whether it is all there."""
        token = os.urandom(8).hex().encode()
        if not self._redis.set(_RESTORING, token, nx=True, px=_RESTORE_MS):
            return False
        lots: list[Sequence[Command]] = [[("DEL", _RESTORING)]]
        try:
            run: str = self._redis.info("server")["run_id"]
            if self._redis.get(_KEPT) != run.encode():  # else somebody was faster, and has ended
                commands = [*_remembered(past()), ("SET", _KEPT, run)]
                lots[:0] = [commands[n : n + _LOT] for n in range(0, len(commands), _LOT)]
        except BaseException:
            self._write(lots[-1], token)
            raise
        return all(self._write(lot, token) for lot in lots)

    def _write(self, commands: Sequence[Command], token: bytes) -> bool:
        """Write if the token still holds: no other FLUSHALL, and no other process that restores."""
        with self._redis.pipeline() as pipe:
            try:
                pipe.watch(_RESTORING)  # type: ignore[no-untyped-call]
                if pipe.get(_RESTORING) != token:  # not queued: being watched, it answers at once
                    return False
                pipe.multi()
                for command in commands:
                    pipe.execute_command(*command)  # type: ignore[no-untyped-call]
                pipe.execute()
            except redis.WatchError:
                return False
        return True


_LIMIT_KINDS = {Window: 1, Quota: 2, Distinct: 3}


def _described(limits: Sequence[Limit]) -> list[float]:
    """Kind, most, and microseconds, as the script wants them."""
    found: list[float] = []
    for limit in limits:
        span = ceil(limit.seconds * 1e6) if isinstance(limit, Window) else _micros(limit.until)
        found += (_LIMIT_KINDS[type(limit)], limit.most, span)
    return found


def _needed(asks: Sequence[Ask]) -> list[float | str]:
    """Flags, number of needs, and the needs of each message, as the script wants them."""
    found: list[float | str] = []
    for needs, urgent, place in asks:
        found += (urgent + 2 * place, len(needs))
        for index, cost, member, counted_only in needs:
            number = -1 - index if counted_only else index + 1
            found += (number, cost if member is None else member.hex())
    return found


def _remembered(past: Past) -> Iterator[Command]:
    """What puts the counters back, each command harmless when it is repeated."""
    by_key: defaultdict[str, list[Spent]] = defaultdict(list)
    for row in past.windows:
        by_key[row.key].append(row)
    for key, rows in by_key.items():
        length = ceil(rows[0].seconds * 1e6)
        # A window is kept for three times its length at most, by its rule for lines nobody comes from.
        kept_until = _micros(max(row.at for row in rows)) + 3 * length
        yield "SET", _name(key), _log(rows, length), "PXAT", kept_until // 1000 + 1000
    for key, (until, total) in past.quotas.items():
        yield "SET", _name(key), total, "PXAT", _micros(until) // 1000
    for key, (until, who) in past.distinct.items():
        members = [member.hex() for member in who]
        for n in range(0, len(members), _LOT):
            yield "SADD", _name(key), *members[n : n + _LOT]
            yield "PEXPIREAT", _name(key), _micros(until) // 1000


def _log(rows: Sequence[Spent], length: int) -> bytes:
    """A window as `rates.lua` keeps it: a head of six numbers, then (time, sum until then) for each entry."""
    grain = max(length // 1000, 1)
    sums: dict[int, float] = {}
    total = 0.0
    for row in sorted(rows, key=lambda row: row.at):
        total += row.cost
        sums[-(-_micros(row.at) // grain) * grain] = total
    numbers = [0.0] * 6
    for stamp, until_then in sums.items():
        numbers += (stamp, until_then)
    return struct.pack(f"<{len(numbers)}d", *numbers)


def _name(key: str) -> str:
    return f"{KEY_PREFIX}rate:{key}"


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // _MICROSECOND


def _moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


class _Alone:
    """A share of each window for this process, while nobody can be asked.

    Messages go one by one at an even pace. Redis never hears of them: when it comes back, they count for
    nothing.
    """

    SHARE = 1 / 8
    """About as many processes share a limit. More exceed it, for as long as Redis is away."""
    LONGEST = 10.0
    """Seconds. Redis may be back any moment, so the line is short; who stands behind it comes in its second half."""
    REMEMBERED = 100_000
    """Keys, before those that no longer matter are forgotten."""

    def __init__(self) -> None:
        self._free: dict[str, float] = {}
        """When the next message may go, by key."""
        self._tail: dict[str, float] = {}
        """When the last of those who wait comes."""

    def reserve(self, limits: Sequence[Limit], asks: Sequence[Ask], now: float) -> list[Grant]:
        """As `Rates.reserve`; `now` in seconds of a clock that is never set."""
        if len(self._free) > self.REMEMBERED:
            self._free = {key: at for key, at in self._free.items() if at > now}
            self._tail = {key: at for key, at in self._tail.items() if at > now}
        return [self._answer(limits, ask, nth, now) for nth, ask in enumerate(asks)]

    def _answer(self, limits: Sequence[Limit], ask: Ask, nth: int, now: float) -> Grant:
        paces: dict[str, float] = {}
        latest, by = now, None
        for need in ask.needs:
            limit = limits[need.limit_index]
            if limit.guards and not need.counted_only:
                return Grant(False, _REDIS_AWAY, need.limit_index)
            if isinstance(limit, Window):
                paces[limit.key] = need.cost * limit.seconds / limit.most / self.SHARE
                free = self._free.get(limit.key, now)
                if free > latest and not need.counted_only:
                    latest, by = free, need.limit_index
        if by is None:
            for key, pace in paces.items():
                self._free[key] = max(self._free.get(key, now), now) + pace
            return _GRANTED
        if not ask.urgent:
            latest = self._stand(limits[by].key, latest, paces[limits[by].key], nth, now)
        return Grant(False, timedelta(seconds=latest - now), by)

    def _stand(self, key: str, free: float, pace: float, nth: int, now: float) -> float:
        at = max(free, self._tail.get(key, now) + pace)
        if at - now > self.LONGEST:
            return now + self.LONGEST * (1 + nth * 0.6180339887 % 1) / 2
        self._tail[key] = at
        return at

"""Which senders do providers refuse, again and again, whatever the message?

A refusal that names the sender sends the message to another one; five of them in a row, with nothing
accepted in between, take the sender out of use like bad results do. Counted in Redis over all workers;
while that is away nobody is blamed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

import redis

from messaging.domain.failures import Accepted, Failover, Failure, Kind, Outcome
from messaging.domain.message import Sender
from messaging.queues import KEY_PREFIX

IN_A_ROW = 5
_KEY = f"{KEY_PREFIX}refusals"
_FRESH = 1.0
_FORGOTTEN = 86_400


@dataclass(frozen=True, slots=True)
class Blamed:
    """A sender that was refused too often, and in which words of its provider last."""

    sender: Sender
    code: str


class Blame:
    """How often each sender has been refused since something of it was last accepted."""

    def __init__(self, client: redis.Redis, clock: Callable[[], float]) -> None:
        """`clock` gives seconds of the epoch."""
        self._redis = client
        self._clock = clock
        self._refused: set[bytes] = set()
        self._read_at = float("-inf")

    def note(self, ended: Sequence[tuple[Sender, Outcome]]) -> list[Blamed]:
        """Count how attempts ended; the senders that have been refused too often by now."""
        refused = {s.id: (s, o.code) for s, o in ended if _names_the_sender(o)}
        try:
            known = self._known()
            accepted = {str(s.id).encode() for s, o in ended if isinstance(o, Accepted)}
            if known & accepted:
                self._redis.hdel(_KEY, *(known & accepted))
            if not refused:
                return []
            counts = Counter(s.id for s, o in ended if _names_the_sender(o))
            with self._redis.pipeline(transaction=False) as pipe:
                for sender_id in refused:
                    pipe.hincrby(_KEY, str(sender_id), counts[sender_id])
                pipe.expire(_KEY, _FORGOTTEN)
                totals = pipe.execute()[:-1]
        except redis.RedisError:
            return []
        self._read_at = float("-inf")
        pairs = zip(refused.values(), totals, strict=True)
        return [Blamed(sender, code) for (sender, code), n in pairs if n >= IN_A_ROW]

    def _known(self) -> set[bytes]:
        """Senders that were refused lately, at most a second old."""
        now = self._clock()
        if not 0 <= now - self._read_at < _FRESH:
            self._read_at = now
            keys: list[bytes] = self._redis.hkeys(_KEY)  # type: ignore[assignment]
            self._refused = set(keys)
        return self._refused


def _names_the_sender(outcome: Outcome) -> TypeGuard[Failure]:
    return (
        not isinstance(outcome, Accepted)
        and outcome.kind is Kind.SENDER
        and outcome.failover is Failover.OTHER_SENDER
    )

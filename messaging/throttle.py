"""How fast may a sender send? Segments per second, counted in Redis, one script call a batch.

Redis is a hint here too: after a FLUSHALL every bucket is empty for a second; while Redis is away
nothing is granted and messages wait in Postgres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import redis

from messaging.queues import KEY_PREFIX

_SCRIPT = (Path(__file__).parent / "throttle.lua").read_text()
_REDIS_AWAY = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Request:
    """What one sender is asked to carry: its rate, and the segments of each message in order."""

    mps: float
    segments: Sequence[int]


@dataclass(frozen=True, slots=True)
class Grant:
    """How many of the messages asked for may go now, and when the next one could."""

    granted: int
    wait: timedelta


class Throttle:
    """Rate reservations shared by every worker."""

    def __init__(self, client: redis.Redis) -> None:
        self._reserve = client.register_script(_SCRIPT)

    def reserve(self, requests: Mapping[UUID, Request]) -> dict[UUID, Grant]:
        """Ask for all senders of a batch at once; what is granted counts as used."""
        if not requests:
            return {}
        arguments: list[float | int] = []
        for request in requests.values():
            arguments += (request.mps, len(request.segments), *request.segments)
        keys = [f"{KEY_PREFIX}mps:{sender}" for sender in requests]
        try:
            reply: list[int] = self._reserve(keys=keys, args=arguments)
        except redis.RedisError:
            return {sender: Grant(0, _REDIS_AWAY) for sender in requests}
        pairs = zip(reply[::2], reply[1::2], strict=True)
        return {
            sender: Grant(granted, timedelta(microseconds=wait))
            for sender, (granted, wait) in zip(requests, pairs, strict=True)
        }

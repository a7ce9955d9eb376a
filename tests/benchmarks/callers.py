"""How does one load thirty-two callers' worth of requests without becoming the bottleneck?

A process of its own, with one connection a caller; each sends its next request when the last one is
answered. Requests are bytes made beforehand, and of an answer only its status and length are read.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import cast

import uvloop

from tests.benchmarks.witness import VoidRunError

CALLERS = 32
_PATIENCE = 20.0
"""Seconds an answer may take."""
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Answered:
    """What the callers got."""

    per_s: float
    statuses: dict[int, int]
    p50_ms: float
    p99_ms: float


class _Caller(asyncio.Protocol):
    """One connection: a request, its whole answer, the next request, until none is left."""

    def __init__(
        self, requests: Iterator[bytes], until: float, taken: list[tuple[int, float]]
    ) -> None:
        self._requests = requests
        self._until = until
        self._taken = taken
        self._got = b""
        self._sent_at = 0.0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._taken.append((int(head[9:12]), time.perf_counter() - self._sent_at))
        self._got = b""
        self._next()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def _next(self) -> None:
        self._sent_at = time.perf_counter()
        request = next(self._requests, None)
        if request is None or self._sent_at > self._until:
            self._transport.close()
        else:
            self._transport.write(request)


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0] or 0)


def call(port: int, requests: Sequence[bytes], seconds: float) -> Answered:
    """Let `CALLERS` callers send `requests` to a local port for `seconds`, or until none is left.

    Raises:
        VoidRunError: not every request was answered.
    """
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_process, args=(theirs, port, seconds), daemon=True)
    process.start()
    ours.send(requests)
    theirs.close()
    try:
        if not ours.poll(seconds + _PATIENCE):
            raise VoidRunError("the server stopped answering")
        answered: Answered = ours.recv()
    finally:
        process.kill()
        process.join()
    return answered


def _process(pipe: Connection, port: int, seconds: float) -> None:
    requests: list[bytes] = pipe.recv()
    pipe.send(uvloop.run(_call(port, requests, seconds)))


async def _call(port: int, requests: Sequence[bytes], seconds: float) -> Answered:
    loop = asyncio.get_running_loop()
    left = iter(requests)
    taken: list[tuple[int, float]] = []
    began = time.perf_counter()
    callers = [
        await loop.create_connection(
            lambda: _Caller(left, began + seconds, taken), "127.0.0.1", port
        )
        for _ in range(CALLERS)
    ]
    await asyncio.gather(*(caller.ended for _, caller in callers))
    took = time.perf_counter() - began
    times = sorted(duration for _, duration in taken)
    return Answered(
        per_s=len(taken) / took,
        statuses=dict(Counter(status for status, _ in taken)),
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[len(times) * 99 // 100] * 1000,
    )

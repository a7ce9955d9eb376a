"""Who waits for the mail relays, so that nobody else has to?

A handful of threads, made when there is mail and gone when there has been none for a while. Each
carries one mail at a time on a connection of its own, which it keeps for the next one. What became of
it goes back over a queue to the thread that owns the transport, woken by a byte on a socket.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue

import httpx

from messaging.domain.failures import Failover, Failure, Kind
from messaging.providers.exchange import Settings
from messaging.providers.smtp_exchange import MailExchange, envelope

_IDLE_SECONDS = 15
_Job = tuple[object, httpx.Request, float]
_BROKEN = "The delivery broke off here; the relay may have the mail."
_LATE = "The delivery was not begun: too many others were under way."


class MailThreads:
    """Deliveries under way, at most `most` at once; what is beyond that waits, on the same clock."""

    def __init__(self, settings: Settings, most: int) -> None:
        """Opens a pair of sockets; threads come with the first mail."""
        self._settings, self._most = settings, most
        self._timeout = settings.timeout.total_seconds()
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._done: deque[tuple[object, httpx.Response | Failure]] = deque()
        self._lock = threading.Lock()
        self._threads = 0
        self._closed = False
        self._ear, self._bell = socket.socketpair()
        for end in (self._ear, self._bell):
            end.setblocking(False)
        self.in_flight = 0

    def fileno(self) -> int:
        """What becomes readable when a delivery has ended."""
        return self._ear.fileno()

    def submit(self, token: object, request: httpx.Request) -> None:
        """Put one mail on its way; `collect` hands `token` back with its result. Does not block.

        Raises:
            ValueError: as `smtp_exchange.envelope` says.
        """
        envelope(request)
        self.in_flight += 1
        with self._lock:
            self._waiting.put((token, request, time.monotonic() + self._timeout))
            if self._threads < min(self.in_flight, self._most):
                self._threads += 1
                threading.Thread(target=self._run, name="smtp", daemon=True).start()

    def collect(self) -> list[tuple[object, httpx.Response | Failure]]:
        """What ended since the last time."""
        with suppress(BlockingIOError):
            self._ear.recv(4096)
        ended = [self._done.popleft() for _ in range(len(self._done))]
        self.in_flight -= len(ended)
        return ended

    def close(self) -> None:
        """Abandon what is under way; its outcome is unknown. The threads end within a second."""
        with self._lock:
            self._closed = True
            for _ in range(self._threads):
                self._waiting.put(None)
        self._ear.close()
        self._bell.close()

    def _run(self) -> None:
        exchange = MailExchange(self._settings, lambda: self._closed)
        while (job := self._next()) is not None:
            token, request, deadline = job
            self._done.append((token, self._deliver(exchange, request, deadline)))
            with suppress(OSError):  # enough bytes are waiting, or nobody listens any more
                self._bell.send(b"!")
        exchange.close()

    def _next(self) -> _Job | None:
        """The next mail; None when there has been none for a while, or all is over."""
        while not self._closed:
            try:
                return self._waiting.get(timeout=_IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._waiting.empty():
                        self._threads -= 1
                        return None
        return None

    def _deliver(
        self, exchange: MailExchange, request: httpx.Request, deadline: float
    ) -> httpx.Response | Failure:
        left = deadline - time.monotonic()
        if left <= 0:
            return Failure(Kind.NOT_SENT, "timeout", _LATE, failover=Failover.OTHER_PROVIDER)
        try:
            return exchange.deliver(request, left)
        except Exception:  # noqa: BLE001 - a thread that dies would take its mail's result with it
            return Failure(Kind.AMBIGUOUS, "unsendable", _BROKEN)

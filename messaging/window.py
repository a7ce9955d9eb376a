"""What is in flight: the one window of provider calls a worker process holds open.

A thread of its own drives the sockets and hands results to `record` as they come, many at a time, so
no call waits for a slower one and a dispatch task may end while its calls go on. The thread owns the
transport; everybody else only puts tickets in.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import httpx

from messaging.domain.failures import Failure, Kind
from messaging.domain.message import Message, ProviderAccount, Sender
from messaging.providers.transport import Transport
from messaging.telemetry import log

FLUSH_RESULTS = 250
FLUSH_SECONDS = 0.05
_POLL_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Ticket:
    """One open attempt on its way to a provider."""

    message: Message
    epoch: int
    """Of the attempt: the message's epoch after it was claimed."""
    sender: Sender
    account: ProviderAccount
    request: httpx.Request
    send_before: float
    """Boot time (seconds) after which it must not touch the wire: its lease would not cover it."""
    sticks: bool
    """Whether this sender is not yet the one the conversation sticks to."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a ticket's call ended."""

    ticket: Ticket
    reply: httpx.Response | Failure
    seconds: float


class Window:
    """At most `size` calls in flight, recorded in batches as they end."""

    def __init__(
        self, transport: Transport, size: int, record: Callable[[Sequence[Result]], None]
    ) -> None:
        """`record` is called from the window's thread and must not raise."""
        self._transport = transport
        self._size = size
        self._record = record
        self._incoming: deque[Ticket] = deque()
        self._held = 0
        self._by_account: Counter[UUID] = Counter()
        self._latency: dict[UUID, float] = {}
        self._last_end: dict[UUID, float] = {}
        self._work = threading.Event()
        self._progress = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def room(self) -> int:
        """How many more calls fit."""
        return self._size - self._held

    def wait_for_room(self, seconds: float) -> None:
        """Wait until something ended, at most `seconds`."""
        self._progress.clear()
        self._progress.wait(seconds)

    def in_flight(self, account_id: UUID) -> int:
        """Calls open at one provider account."""
        return self._by_account[account_id]

    def rate(self, account: ProviderAccount) -> float:
        """Calls a second the account has lately been answering at its limit of calls in flight."""
        typical = self._latency.get(account.id, 0.1)
        silent = time.monotonic() - self._last_end.get(account.id, time.monotonic())
        return account.max_in_flight / max(typical, silent, 0.001)

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Put open attempts on the wire; their results come to `record`."""
        if not tickets:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="window", daemon=True)
            self._thread.start()
        self._held += len(tickets)
        self._by_account.update(ticket.account.id for ticket in tickets)
        for account_id in {ticket.account.id for ticket in tickets}:
            self._last_end.setdefault(account_id, time.monotonic())
        self._incoming.extend(tickets)
        self._work.set()

    def drain(self, seconds: float) -> int:
        """Wait for what is in flight, at most `seconds`, then stop; returns what was left behind.

        What is left keeps its lease and is settled by evidence later.
        """
        deadline = time.monotonic() + seconds
        while self._held and time.monotonic() < deadline:
            self.wait_for_room(0.05)
        self._stopping = True
        self._work.set()
        if self._thread is not None:
            self._thread.join(5.0)
        return self._held

    def _run(self) -> None:
        ended: list[Result] = []
        flushed_at = time.monotonic()
        while not self._stopping:
            self._start_incoming(ended)
            if not self._transport.in_flight and not ended:
                self._work.wait(1.0)
                self._work.clear()
                continue
            for token, reply in self._transport.poll(_POLL_SECONDS):
                ticket, started = cast("tuple[Ticket, float]", token)
                ended.append(Result(ticket, reply, time.monotonic() - started))
            idle = not self._transport.in_flight and not self._incoming
            due = time.monotonic() - flushed_at > FLUSH_SECONDS
            if ended and (len(ended) >= FLUSH_RESULTS or due or idle):
                self._finish(ended)
                ended, flushed_at = [], time.monotonic()
        self._transport.close()

    def _start_incoming(self, ended: list[Result]) -> None:
        boot = time.clock_gettime(time.CLOCK_BOOTTIME)
        while self._incoming:
            ticket = self._incoming.popleft()
            if boot > ticket.send_before:
                # This process slept through its lease (suspended, stopped): somebody else may
                # already be looking for evidence, so nothing may go out any more.
                late = Failure(Kind.NOT_SENT, "too_late", "the lease ended before the call began")
                ended.append(Result(ticket, late, 0.0))
                continue
            self._transport.submit((ticket, time.monotonic()), ticket.request)

    def _finish(self, ended: list[Result]) -> None:
        try:
            self._record(ended)
        except Exception:  # noqa: BLE001 - the thread must go on; the leases keep what was lost
            log().exception("results.lost", results=len(ended))
        now = time.monotonic()
        for result in ended:
            account_id = result.ticket.account.id
            known = self._latency.get(account_id, result.seconds)
            self._latency[account_id] = known + (result.seconds - known) * 0.05
            self._last_end[account_id] = now
            self._by_account[account_id] -= 1
        self._held -= len(ended)
        self._progress.set()

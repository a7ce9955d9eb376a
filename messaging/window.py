"""What is in flight: the one window of provider calls a worker process holds open.

Results are recorded as they come, many at a time, so no call waits for a slower one. A running pump
drives the window itself, in turns between its claims: one thread that does both wastes nothing on
handing the interpreter over. When the pump has ended, a keeper thread takes the turns, so a dispatch
task may end while its calls go on.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import cast
from uuid import UUID

import httpx

from messaging.breakers import Route
from messaging.domain.failures import Failure, Kind
from messaging.domain.message import Message, ProviderAccount, Sender
from messaging.domain.waiting_line import WaitingLine
from messaging.providers.transport import Transport
from messaging.telemetry import log

TOO_LATE = "too_late"
"""The code of a call that was not begun, because its lease was over."""
FLUSH_RESULTS = 250
FLUSH_SECONDS = 0.05
_KEEPER_SECONDS = 0.005
_LINE_PACE = 200.0
"""How many a second of those who wait for a silent account are asked for: it may be back any time."""


@dataclass(slots=True)  # not frozen: made for every message, and freezing doubles its price
class Ticket:
    """One open attempt on its way to a provider."""

    message: Message
    epoch: int
    """Of the attempt: the message's epoch after it was claimed."""
    sender: Sender
    account: ProviderAccount
    request: httpx.Request | Failure
    """What to put on the wire, or why there is nothing that could be."""
    send_before: float
    """Boot time (seconds) after which it must not touch the wire: its lease would not cover it."""
    route: Route
    """What its circuit is counted by."""
    sticks: bool
    """Whether this sender is not yet the one the conversation sticks to."""


@dataclass(slots=True)  # not frozen: made for every message, and freezing doubles its price
class Result:
    """How a ticket's call ended."""

    ticket: Ticket
    reply: httpx.Response | Failure
    seconds: float


def unsendable(error: Exception) -> Failure:
    """What it means that a request could not be made or started: somebody must mend the account."""
    name = type(error).__name__
    log().error("request.unsendable", error=name)
    return Failure(
        Kind.CONFIG, "unsendable", f"No request could be made for this account ({name})."
    )


class Window:
    """At most `size` calls in flight, recorded in batches as they end."""

    def __init__(
        self, transport: Transport, size: int, record: Callable[[Sequence[Result]], None]
    ) -> None:
        """`record` writes results down, in the thread whose turn it is."""
        self._transport = transport
        self._size = size
        self._record = record
        self._incoming: deque[Ticket] = deque()
        self._ended: list[Result] = []
        self._flushed_at = time.monotonic()
        self._held = 0
        self._by_account: Counter[UUID] = Counter()
        self._latency: dict[UUID, float] = {}
        self._last_end: dict[UUID, float] = {}
        self._lines: defaultdict[UUID, WaitingLine] = defaultdict(WaitingLine)
        self._turn = threading.Lock()
        self._turn_wanted = False
        self._left_alone = threading.Event()
        self._stopping = False
        self._keeper: threading.Thread | None = None

    @property
    def held(self) -> int:
        """Calls submitted and not yet recorded."""
        return self._held

    def room(self) -> int:
        """How many more calls fit."""
        return self._size - self._held

    def in_flight(self, account_id: UUID) -> int:
        """Calls open at one provider account."""
        return self._by_account[account_id]

    def rate(self, account: ProviderAccount) -> float:
        """Calls a second the account has lately been answering at its limit of calls in flight."""
        typical = self._latency.get(account.id, 0.1)
        # Only an account that owes us answers is silent; one that was asked nothing is not slow.
        waiting = self._by_account[account.id] > 0
        silent = time.monotonic() - self._last_end[account.id] if waiting else 0.0
        return account.max_in_flight / max(typical, silent, 0.001)

    def put_off(self, account: ProviderAccount, beyond: int) -> float:
        """In how many seconds to ask again for the call that is the `beyond`-th too many now.

        Not before the account has answered as many, as far as one can tell, and all that wait for it
        not much more often than it answers: or the workers would be busy with putting them off.
        """
        rate = self.rate(account)
        line = self._lines[account.id].join(time.monotonic(), max(2 * rate, _LINE_PACE))
        return max(beyond / rate, line)

    @contextmanager
    def driven(self) -> Iterator[None]:
        """Take the turns from the keeper; inside, the caller must `step` often."""
        self._turn_wanted = True
        with self._turn:
            self._turn_wanted = False
            try:
                yield
            finally:
                self._left_alone.set()

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Put open attempts in line; the next `start` or `step` puts them on the wire."""
        now = time.monotonic()
        for account_id, some in groupby(tickets, key=lambda ticket: ticket.account.id):
            if not self._by_account[account_id]:
                self._last_end[account_id] = now
            self._by_account[account_id] += sum(1 for _ in some)
        self._held += len(tickets)
        self._incoming.extend(tickets)

    def start(self) -> None:
        """Put what is in line on the wire now; nothing is recorded."""
        self._start_incoming()
        if self._transport.in_flight:
            self._poll(0)

    def step(self, wait: float) -> None:
        """One turn: start what is in line, let calls go on for up to `wait` seconds, record."""
        self._start_incoming()
        if self._transport.in_flight:
            self._poll(wait)
        elif wait and not self._ended:
            time.sleep(wait)
        due = time.monotonic() - self._flushed_at > FLUSH_SECONDS
        if self._ended and (
            due or len(self._ended) >= FLUSH_RESULTS or not self._transport.in_flight
        ):
            self._flush()

    def _poll(self, wait: float) -> None:
        for token, reply in self._transport.poll(wait):
            ticket, started = cast("tuple[Ticket, float]", token)
            self._ended.append(Result(ticket, reply, time.monotonic() - started))

    def drain(self, seconds: float) -> int:
        """Wait for what is in flight, at most `seconds`, then close; returns what was left behind.

        What is left keeps its lease and is settled by evidence later.
        """
        deadline = time.monotonic() + seconds
        with self.driven():
            while self._held and time.monotonic() < deadline:
                self.step(0.05)
            if self._ended:
                self._flush()
            self._stopping = True
            self._transport.close()
        return self._held

    def keep(self) -> None:
        """Start the keeper, who drives whatever a pump leaves in flight; once per process."""
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="window-keeper", daemon=True)
            self._keeper.start()

    def _keep(self) -> None:
        while not self._stopping:
            self._left_alone.wait()
            with self._turn:
                self._left_alone.clear()
                while self._held and not self._turn_wanted and not self._stopping:
                    self.step(_KEEPER_SECONDS)
            # Somebody wants the turn: let them have it before asking for it again.
            while self._turn_wanted:
                time.sleep(_KEEPER_SECONDS)

    def _start_incoming(self) -> None:
        boot = time.clock_gettime(time.CLOCK_BOOTTIME)
        while self._incoming:
            ticket = self._incoming.popleft()
            if boot > ticket.send_before:
                # This process slept through its lease (suspended, stopped): somebody else may
                # already be looking for evidence, so nothing may go out any more.
                late = Failure(Kind.NOT_SENT, TOO_LATE, "the lease ended before the call began")
                self._ended.append(Result(ticket, late, 0.0))
            elif isinstance(ticket.request, Failure):
                self._ended.append(Result(ticket, ticket.request, 0.0))
            else:
                self._start(ticket, ticket.request)

    def _start(self, ticket: Ticket, request: httpx.Request) -> None:
        try:
            self._transport.submit((ticket, time.monotonic()), request)
        except Exception as error:  # noqa: BLE001 - one request's fault must not stop all others
            # It is raised before anything is on the wire.
            self._ended.append(Result(ticket, unsendable(error), 0.0))

    def _flush(self) -> None:
        ended, self._ended = self._ended, []
        try:
            self._record(ended)
        except Exception as error:  # noqa: BLE001 - the window must go on; leases keep what was lost
            # Not the text of the error: it may quote a row.
            log().error("results.lost", results=len(ended), error=type(error).__name__)
        now = self._flushed_at = time.monotonic()
        for account_id, some in groupby(ended, key=lambda result: result.ticket.account.id):
            seconds = [result.seconds for result in some]
            mean = sum(seconds) / len(seconds)
            known = self._latency.get(account_id, mean)
            self._latency[account_id] = known + (mean - known) * min(1.0, 0.05 * len(seconds))
            self._last_end[account_id] = now
            self._by_account[account_id] -= len(seconds)
        self._held -= len(ended)

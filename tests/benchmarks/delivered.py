"""W13: how fast does a backlog become messages that are known to be delivered?

As W1, with a carrier that tells what became of each message: two signed receipts, posted to the real
server, kept there and applied by the worker that serves them.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from messaging import stack
from messaging.processes import Group, Process
from messaging.queues import Task
from messaging.store import accounts
from tests.benchmarks.machine import Machine
from tests.benchmarks.vitals import cpu_seconds, frozen
from tests.benchmarks.witness import Carrier, VoidRunError, wait_until

_WARM_UP = 500
_RECEIPTS = 2
"""A message: that it was sent, and that it was delivered."""
_ALL_DELIVERED = "SELECT NOT EXISTS (SELECT 1 FROM messages WHERE status <> 'delivered')"
_WRONG = """
SELECT count(*) FROM messages m
WHERE (SELECT count(*) FROM attempts a WHERE a.message_id = m.id AND a.outcome = 'accepted') <> 1
  OR (SELECT count(*) FROM raw_receipts r WHERE r.message_id = m.id) <> :receipts
  OR NOT EXISTS (SELECT 1 FROM message_events e WHERE e.message_id = m.id AND e.event = 'delivered')
"""


@dataclass(frozen=True, slots=True)
class Round:
    """What one drain showed."""

    per_s: float
    cpu_us_per_message: float
    """Of workers, server, Postgres and Redis; the carrier is not ours."""


def drain(m: Machine, count: int) -> Round:
    """Queue `count` messages while the workers stand still, let them go, wait until all are delivered.

    Raises:
        VoidRunError: a message or a receipt was lost or repeated.
    """
    m.reset()
    _, server = m.api()
    ours = [server, m.workers("low"), m.workers("receipts")]
    with _telling(m) as carrier, Group(ours) as group:
        m.submit(m.requests(_WARM_UP))
        _delivered(m, carrier, _WARM_UP)
        m.reset()
        carrier.clear()
        m.checkpoint()
        pids = [*(group.pids(process.name)[0] for process in ours), *m.server_pids()]
        with frozen(group, "low"):
            m.submit(m.requests(count))
            m.settle()
            cpu, began = cpu_seconds(pids), time.perf_counter()
        m.rt.hints.ring(Task.DISPATCH_LOW)
        _delivered(m, carrier, count)
        seconds, spent = time.perf_counter() - began, cpu_seconds(pids) - cpu
        _check(m, carrier, count)
    return Round(count / seconds, spent / count * 1e6)


@contextlib.contextmanager
def _telling(m: Machine) -> Iterator[Carrier]:
    """A carrier beside the silent one, which the account is moved to for the length of the block."""
    port = stack.available(0)
    url = f"http://{stack.LOOPBACK}:{port}"
    argv = [sys.executable, "-m", *stack.SANDBOX, "--port", str(port)]
    log = m.folder / "logs" / "telling.log"
    process = Process("telling", argv, m.env, log, stack.answers(f"{url}/livez"))
    with Group([process]), contextlib.closing(Carrier(url)) as carrier:
        _move(m, url)
        try:
            yield carrier
        finally:
            _move(m, m.carrier.url)


def _move(m: Machine, url: str) -> None:
    with m.rt.engine.begin() as db:
        accounts.move_account(db, m.account.id, url)


def _delivered(m: Machine, carrier: Carrier, count: int) -> None:
    patience = 60 + count / 100
    wait_until(
        lambda: carrier.counts()["accepted"] >= count, "the last send", seconds=patience, pause=0.05
    )
    wait_until(lambda: m.scalar(_ALL_DELIVERED), "the last delivery", seconds=patience)


def _check(m: Machine, carrier: Carrier, count: int) -> None:
    ledger = carrier.counts()
    if ledger != {"accepted": count, "distinct": count, "duplicated": 0}:
        raise VoidRunError(f"the carrier's ledger says {ledger}; {count} messages were handed in")
    applied = "SELECT NOT EXISTS (SELECT 1 FROM pending_receipts)"
    wait_until(lambda: m.scalar(applied), "the last receipt")
    wrong = m.scalar(_WRONG, receipts=_RECEIPTS)
    if wrong:
        raise VoidRunError(f"{wrong} of {count} messages are not delivered once, by their receipts")

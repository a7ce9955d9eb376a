"""What do calls in flight come to when their worker is asked to stop, or is frozen?"""

from __future__ import annotations

import os
import signal
import time

import psutil  # type: ignore[import-untyped]
import pytest

from tests.faults.caller import Caller, texts
from tests.faults.rig import Rig, until
from tests.faults.verdict import compare, ledger, settle

pytestmark = pytest.mark.fault


def in_flight(rig: Rig, caller: Caller) -> int:
    """Attempts of a tenant that are open now."""
    (row,) = rig.query(
        """SELECT count(*) FROM open_attempts o JOIN messages m ON m.id = o.message_id
           WHERE m.tenant_id = :tenant""",
        tenant=caller.tenant.id,
    )
    count: int = row[0]
    return count


def test_a_worker_asked_to_stop_finishes_its_calls(rig: Rig) -> None:
    caller = rig.caller(mps=60)
    (account,) = caller.accounts
    # No receipts, so that only the replies can settle anything.
    rig.faults(account, latency=0.15, tail_rate=0.2, tail_latency=2.0, rate_no_receipt=1.0)
    caller.send(texts(600))
    until(lambda: in_flight(rig, caller) > 50, 20, "calls are in flight")
    worker = psutil.Process(rig.pids("worker-normal")[0])
    began, open_then = time.monotonic(), in_flight(rig, caller)
    rig.kill("worker-normal", signal.SIGTERM)
    until(lambda: not worker.is_running() or worker.status() == "zombie", 30, "it ended")
    took = time.monotonic() - began
    settled = settle(rig, caller, 60, sent_will_do=True)
    verdict = compare(rig, caller)
    figures = (
        f"ended {took:.1f} s after SIGTERM with {open_then} calls in flight; the rest was sent "
        f"{settled:.1f} s later; {verdict}"
    )
    print(figures)
    assert verdict.settled == {"accepted by reply": 600}, figures
    assert verdict.is_clean, figures


def test_a_child_frozen_beyond_its_lease_sends_nothing_twice(rig: Rig) -> None:
    caller = rig.caller(mps=60)
    (account,) = caller.accounts
    # No receipts, so that only look-ups can settle what the frozen child does not.
    rig.faults(account, latency=0.3, rate_no_receipt=1.0)
    caller.send(texts(500))
    until(lambda: len(ledger(rig, caller)) > 20, 20, "the carrier has some of them")
    child = rig.pids("worker-normal")[1]
    os.kill(child, signal.SIGSTOP)
    open_then = in_flight(rig, caller)
    try:
        lease = rig.settings.lease_seconds
        frozen = until(
            lambda: compare(rig, caller).settled["accepted by lookup"],
            lease + 15,
            "its lease is over and others have looked at the carrier",
        )
    finally:
        os.kill(child, signal.SIGCONT)
    settled = settle(rig, caller, 60, sent_will_do=True)
    verdict = compare(rig, caller)
    figures = (
        f"frozen for {frozen:.1f} s with {open_then} calls in flight, all at rest {settled:.1f} s after it went on; "
        f"{verdict}"
    )
    print(figures)
    assert frozen > lease - 1, figures
    assert verdict.is_clean, figures
    assert verdict.statuses == {"sent": 500}, figures

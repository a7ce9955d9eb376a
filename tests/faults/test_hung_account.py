"""Does one provider account that hangs slow down another one in the same lane?"""

from __future__ import annotations

import time
from uuid import UUID

import pytest

from tests.faults.caller import Caller, percentile, texts
from tests.faults.rig import Rig, until
from tests.faults.verdict import compare, ledger, settle

pytestmark = pytest.mark.fault

HUNG_MESSAGES = 1_500
PROBES = 150


def latencies(rig: Rig, caller: Caller, sender: str, word: str) -> list[float]:
    """Seconds from intake to the carrier, of single messages handed in at an even pace."""
    asked = []
    for message in texts(PROBES, word, **{"from": sender}):
        asked.append((time.time(), caller.post(message).json()["id"]))
        time.sleep(0.02)
    wanted = {message for _, message in asked}

    def taken() -> dict[str, float]:
        return {row["m"]: row["at"] for row in ledger(rig, caller) if row["m"] in wanted}

    until(lambda: len(taken()) == PROBES, 40, "the healthy account's messages are out")
    at = taken()
    return [at[message] - began for began, message in asked]


def unsettled(rig: Rig, caller: Caller) -> int:
    """Attempts of a tenant that are open now."""
    (row,) = rig.query(
        """SELECT count(*) FROM open_attempts o JOIN messages m ON m.id = o.message_id
           WHERE m.tenant_id = :tenant""",
        tenant=caller.tenant.id,
    )
    return int(row[0])


def unasked(rig: Rig, messages: list[UUID], since: float) -> bool:
    """Whether any of these messages waits as it was handed in before `since`."""
    (row,) = rig.query(
        """SELECT EXISTS (SELECT 1 FROM ready WHERE message_id = ANY(CAST(:ids AS uuid[]))
                          AND due_at <= to_timestamp(:since))""",
        ids=messages,
        since=since,
    )
    return bool(row[0])


def test_a_hung_account_does_not_slow_its_neighbour(rig: Rig) -> None:
    caller = rig.caller(accounts=2, senders=2, mps=200)
    hung, healthy = caller.accounts
    sender = caller.senders[healthy][0]
    latencies(rig, caller, sender, "warm up")
    before = percentile(latencies(rig, caller, sender, "before"), 0.95)

    # It takes messages, says nothing for 30 s, and posts no receipt: all we can do is look.
    rig.faults(hung, latency=30.0, rate_no_receipt=1.0)
    stuck = caller.send(
        texts(HUNG_MESSAGES, "stuck", **{"from": caller.senders[hung][0]}), batch=1_500
    )
    handed_in = time.time()
    until(lambda: unsettled(rig, caller) >= 200, 20, "the hung account has its fill")
    until(lambda: not unasked(rig, stuck, handed_in), 20, "the others were asked for and put off")
    during = percentile(latencies(rig, caller, sender, "during"), 0.95)
    queued = rig.query(
        "SELECT count(*) FROM messages WHERE id = ANY(CAST(:ids AS uuid[])) AND status = 'queued'",
        ids=stuck,
    )[0][0]

    rig.faults(hung, reset=True, rate_no_receipt=1.0)
    settled = settle(rig, caller, 60, sent_will_do=True)
    verdict = compare(rig, caller)
    figures = (
        f"p95 {before * 1000:.0f} ms before, {during * 1000:.0f} ms beside the hung account with "
        f"{queued} of its {HUNG_MESSAGES} queued; settled {settled:.1f} s after it recovered; "
        f"{verdict}"
    )
    print(figures)
    assert queued >= 500, figures
    assert during <= before * 3 + 0.3, figures
    assert verdict.settled["accepted by lookup"], figures
    assert verdict.is_clean, figures

"""Is every message sent exactly once while processes and servers are killed all the time?

The carrier answers in 100 ms, refuses 5 % with 429 and 3 % with 500, drops the connection of 1 % after
it took the message, does not deliver 2 %, and posts some receipts twice and in the wrong order.
"""

from __future__ import annotations

import random
from threading import Thread
from typing import Any

import pytest

from tests.faults.caller import Caller, texts
from tests.faults.nemesis import Nemesis
from tests.faults.rig import Rig, until
from tests.faults.verdict import compare, settle

SEED = 20
MESSAGES = 5_000
IN_A_LIST = 50
FAULTS: dict[str, Any] = {
    "latency": 0.1,
    "rate_429": 0.05,
    "rate_500": 0.03,
    "rate_drop": 0.01,
    "rate_undelivered": 0.02,
    "rate_duplicate_receipts": 0.05,
    "rate_reorder_receipts": 0.05,
}
PLAN = (
    "child", "parent", "child", "api", "flushall", "parent", "postgres", "beat", "child", "parent",
    "child", "api", "child",
)  # fmt: skip
ENDED_YET_SENT = """
SELECT m.id FROM messages m JOIN raw_receipts r ON r.message_id = m.id
WHERE m.tenant_id = :tenant AND m.status = 'sent'
AND convert_from(r.body, 'UTF8') ~ 'MessageStatus=(un)?delivered'
"""

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240)]


def hand_in(caller: Caller, seed: int) -> None:
    """All messages, in lists, each with a key that is repeated until the list is taken."""
    rng = random.Random(seed)
    lanes = ("HIGH", "NORMAL", "LOW")
    messages = [m | {"priority": rng.choice(lanes)} for m in texts(MESSAGES)]
    for start in range(0, MESSAGES, IN_A_LIST):
        caller.insist(messages[start : start + IN_A_LIST], f"list {start}")


def test_nothing_is_lost_or_sent_twice_whatever_is_killed(rig: Rig) -> None:
    caller = rig.caller(senders=4, mps=60)
    rig.faults(caller.accounts[0], **FAULTS)
    given_up_before = receipts(rig)["failed"]
    client = Thread(target=hand_in, args=(caller, SEED))
    nemesis = Nemesis(rig, random.Random(SEED))
    client.start()
    try:
        nemesis.act(PLAN, pause=(1.0, 2.5))
    finally:
        client.join(90)
    settled = settle(rig, caller, 90, sent_will_do=True)
    until(lambda: not receipts_waiting(rig), 30, "every receipt has come or was given up")
    verdict = compare(rig, caller)
    given_up = receipts(rig)["failed"] - given_up_before
    figures = (
        f"seed {SEED}: {nemesis.struck}\n{nemesis.kills} kills, at rest {settled:.1f} s after the "
        f"last; {verdict}; the carrier gave up {given_up} receipts"
    )
    print(figures)
    assert nemesis.kills >= 8, figures
    assert len(set(caller.ids)) == len(caller.ids) == MESSAGES, figures
    assert sum(verdict.statuses.values()) == MESSAGES, figures
    assert verdict.is_clean, figures
    # Only a message whose last receipt the carrier gave up, while nobody answered it, stays `sent`.
    assert verdict.statuses["sent"] <= given_up, figures
    assert not rig.query(ENDED_YET_SENT, tenant=caller.tenant.id), figures


def receipts(rig: Rig) -> dict[str, int]:
    """How many receipts the carrier has posted, given up, and still to post."""
    counts: dict[str, int] = rig.carrier.get("/sandbox/summary")["receipts"]
    return counts


def receipts_waiting(rig: Rig) -> int:
    """Receipts the carrier has still to post, and those we have still to apply."""
    (row,) = rig.query("SELECT count(*) FROM pending_receipts WHERE due_at <= now()")
    return receipts(rig)["pending"] + int(row[0])

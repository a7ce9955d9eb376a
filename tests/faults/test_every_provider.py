"""Does every message reach a carrier at most once, whatever four providers and a killer do?

Of the calls 5 % are never answered (half of them were accepted), 10 % answered with 500 (half accepted),
2 % broken off after they were accepted, 5 % refused with 429; of the receipts 10 % come twice, 10 % in the
wrong order, 5 % before the answer, and of 5 % of the messages none.
"""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter
from threading import Thread
from typing import Any

import pytest

from tests.faults.caller import Caller, texts
from tests.faults.everywhere import everywhere
from tests.faults.nemesis import Nemesis
from tests.faults.rig import Rig
from tests.faults.verdict import compare, ledger, settle

SEED = 50
MESSAGES = int(os.environ.get("POSTHORN_TEST_MESSAGES", "1500"))
"""CI sends less than what the figures in the papers were measured with."""
IN_A_LIST = 100
FAULTS: dict[str, Any] = {
    "tail_rate": 0.025,
    "tail_latency": 8.0,
    "rate_lost": 0.025,
    "rate_500": 0.05,
    "rate_500_accepted": 0.05,
    "rate_drop": 0.02,
    "rate_429": 0.05,
    "rate_duplicate_receipts": 0.1,
    "rate_reorder_receipts": 0.1,
    "rate_early_receipt": 0.05,
    "rate_no_receipt": 0.05,
}
PLAN = ("child", "parent", "child", "child", "parent", "child", "beat", "child")

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900)]


def hand_in(caller: Caller) -> None:
    names = itertools.cycle(caller.accounts)
    messages = [message | {"campaign": next(names)} for message in texts(MESSAGES)]
    for start in range(0, MESSAGES, IN_A_LIST):
        caller.insist(messages[start : start + IN_A_LIST], f"list {start}")


def test_at_most_one_acceptance_over_all_providers(rig: Rig) -> None:
    caller = everywhere(rig, senders=2, mps=200)
    rig.faults(**FAULTS)
    client = Thread(target=hand_in, args=(caller,))
    nemesis = Nemesis(rig, random.Random(SEED))
    client.start()
    try:
        nemesis.act(PLAN, pause=(1.0, 2.5))
    finally:
        client.join(300)
    settled = settle(rig, caller, 120 + MESSAGES / 50, sent_will_do=True)
    verdict = compare(rig, caller)
    shares = Counter(row["provider"] for row in ledger(rig, caller))
    doubts = rig.query(DOUBTS, tenant=caller.tenant.id)[0]
    figures = (
        f"seed {SEED}: {nemesis.struck}; at rest {settled:.1f} s later; by provider {dict(shares)}; "
        f"{doubts.doubts} in doubt, {doubts.unknown} never settled; {verdict}"
    )
    print(figures)
    assert len(set(caller.ids)) == len(caller.ids) == MESSAGES, figures
    assert set(shares) == {"twilio", "telnyx", "vonage", "vonage_sms"}, figures
    assert verdict.is_clean, figures
    assert doubts.doubts > MESSAGES / 20, figures
    assert doubts.unknown <= doubts.doubts / 100, figures
    assert doubts.unknown == doubts.said_so, figures


DOUBTS = """
SELECT count(*) FILTER (WHERE a.settled_by <> 'reply' ) AS doubts,
       count(*) FILTER (WHERE a.outcome = 'unknown') AS unknown,
       count(*) FILTER (WHERE a.outcome = 'unknown' AND m.status_reason = 'unknown_outcome')
         AS said_so
FROM attempts a JOIN messages m ON m.id = a.message_id WHERE m.tenant_id = :tenant
"""

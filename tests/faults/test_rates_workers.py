"""Do the rates hold where it counts: real Celery workers, eight children of them, and one slow sender?

POSTHORN_TEST_RATE_SECONDS=60 makes it a minute.
"""

from __future__ import annotations

import os
from bisect import bisect_right

import pytest

from tests.faults.caller import texts
from tests.faults.rig import Rig, until
from tests.faults.verdict import compare, ledger

MOST = 10
SECONDS = float(os.environ.get("POSTHORN_TEST_RATE_SECONDS", "10"))
OTHERS = ("-b", "-c", "-d")

pytestmark = [pytest.mark.fault, pytest.mark.timeout(SECONDS + 120)]

_GRANTED = """
SELECT extract(epoch FROM l.at)::float AS at, (l.used ->> :key)::float AS used
FROM rate_log l WHERE l.used ? :key ORDER BY l.at
"""


def test_eight_workers_keep_to_one_rate(rig: Rig) -> None:
    for alias in OTHERS:
        rig.start("worker-low", alias=alias)
    try:
        caller = rig.caller(senders=1, mps=MOST)
        count = int(MOST * (SECONDS + 2))
        caller.send(texts(count, "paced", priority="LOW"))
        until(lambda: len(list(ledger(rig, caller))) == count, SECONDS + 60, "all of them are out")
    finally:
        rig.stop(*(f"worker-low{alias}" for alias in OTHERS))
    (sender,) = rig.query(
        "SELECT id FROM senders WHERE tenant_id = :tenant", tenant=caller.tenant.id
    )
    granted = [
        row.at for row in rig.query(_GRANTED, key=f"s:{sender.id}") for _ in range(round(row.used))
    ]
    since = [at - granted[0] for at in granted]
    per_second = [
        n + 1 - bisect_right(since, at - 1) for n, at in enumerate(since)
    ]  # in the second that ends with each
    whole = sum(at < SECONDS for at in since)
    after = [
        bisect_right(since, at + 1) - (n + 1)
        for n, at in enumerate(since)
        if 1 <= at <= SECONDS - 1
    ]
    figures = (
        f"{whole} in {SECONDS:g} s, {whole / SECONDS:.2f}/s; in any second at most "
        f"{max(per_second)}, at least {min(after)}; {compare(rig, caller)}"
    )
    print(figures)
    assert len(granted) == count, figures
    assert max(per_second) <= MOST, figures
    assert whole == pytest.approx(MOST * SECONDS, rel=0.05), figures
    assert min(after) >= MOST - 3, figures
    assert compare(rig, caller).is_clean, figures

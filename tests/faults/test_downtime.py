"""What happens to messages whose time comes while everything is down?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.faults.caller import texts
from tests.faults.rig import CORE, Rig, until
from tests.faults.verdict import compare, ledger, settle

pytestmark = pytest.mark.fault


def test_what_became_due_goes_out_and_what_expired_does_not(rig: Rig) -> None:
    caller = rig.caller(mps=100)
    now = rig.rt.now()
    due, end = now + timedelta(seconds=8), now + timedelta(seconds=10)
    wanted = caller.send(texts(50, "still wanted", scheduled_for=due.isoformat()))
    expired = caller.send(
        texts(50, "too late", scheduled_for=due.isoformat(), expires_at=end.isoformat())
    )
    rig.stop(*CORE)
    assert not ledger(rig, caller), "they were sent before anything was stopped"
    assert rig.rt.now() < due, "stopping took so long that they were due before"
    until(lambda: rig.rt.now() > end, 10, "the last of them has expired")
    rig.start(*CORE)
    settled = settle(rig, caller, 30)
    verdict = compare(rig, caller)
    figures = f"at rest {settled:.1f} s after everything was back; {verdict}"
    print(figures)
    reasons = rig.query(
        """SELECT DISTINCT status::text, status_reason FROM messages
           WHERE id = ANY(CAST(:ids AS uuid[]))""",
        ids=expired,
    )
    assert [tuple(row) for row in reasons] == [("failed", "expired")], figures
    assert {row["m"] for row in ledger(rig, caller)} == {str(i) for i in wanted}, figures
    assert verdict.is_clean, figures

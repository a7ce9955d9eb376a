"""Do scheduled messages go out without a beat, and once with two?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.faults.caller import texts
from tests.faults.rig import Rig, until
from tests.faults.verdict import compare, settle

pytestmark = pytest.mark.fault

RINGS = "Sending due task"
LATEST = 5.0
"""Seconds after its time by which a message is at the carrier, sweeps being a second apart."""


def delays(rig: Rig, sids: list[str], due: datetime) -> list[float]:
    """Seconds from the scheduled time to the carrier."""
    return [row["at"] - due.timestamp() for row in rig.ledger() if row["account"] in sids]


@pytest.fixture
def without_beat(rig: Rig) -> Iterator[Rig]:
    rig.stop("beat")
    yield rig
    rig.start("beat")


def test_the_workers_promote_when_there_is_no_beat(without_beat: Rig) -> None:
    rig = without_beat
    caller = rig.caller(mps=100)
    due = rig.rt.now() + timedelta(seconds=2)
    caller.send(texts(100, scheduled_for=due.isoformat()))
    settle(rig, caller, 20)
    verdict = compare(rig, caller)
    late = delays(rig, caller.accounts, due)
    figures = f"{min(late):.2f} to {max(late):.2f} s after their time; {verdict}"
    print(figures)
    assert min(late) >= 0, figures
    assert max(late) < LATEST, figures
    assert verdict.is_clean, figures
    assert verdict.statuses == {"delivered": 100}, figures


@pytest.fixture
def two_beats(rig: Rig) -> Iterator[Rig]:
    rig.start("beat", alias="-2")
    until(lambda: all(RINGS in rig.log(name) for name in ("beat", "beat-2")), 30, "both ring")
    yield rig
    rig.stop("beat-2")


def test_two_beats_promote_each_message_once(two_beats: Rig) -> None:
    rig = two_beats
    caller = rig.caller(mps=100)
    due = rig.rt.now() + timedelta(seconds=3)
    for n in range(10):
        at = due + timedelta(seconds=n / 5)
        caller.send(texts(20, f"at {n}", scheduled_for=at.isoformat()))
    settle(rig, caller, 20)
    verdict = compare(rig, caller)
    promotions = rig.query(
        """SELECT e.message_id, count(*) AS times FROM message_events e
           JOIN messages m ON m.id = e.message_id
           WHERE m.tenant_id = :tenant AND e.event = 'promoted' GROUP BY 1""",
        tenant=caller.tenant.id,
    )
    late = delays(rig, caller.accounts, due)
    figures = f"{min(late):.2f} to {max(late):.2f} s after the first's time; {verdict}"
    print(figures)
    assert min(late) >= 0, figures
    assert [row.times for row in promotions] == [1] * 200, figures
    assert verdict.is_clean, figures
    assert verdict.statuses == {"delivered": 200}, figures

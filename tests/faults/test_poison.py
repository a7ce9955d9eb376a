"""What becomes of a message that kills every worker that looks at it?

The killer is a module put into the workers' import path, so that the product needs no hook for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from messaging.maintenance import MAX_CLAIMS
from tests.faults.caller import texts
from tests.faults.rig import SHORT, Rig
from tests.faults.verdict import compare, settle

pytestmark = pytest.mark.fault

LANES = ("worker-normal", "worker-low")
"""Who sees it first, and who takes what a crash left behind."""
MARKER = "this one kills"
KILLER = f"""
import os
from messaging.domain import compliance

judge = compliance.judge

def deadly(message, facts, now):
    if message.body == {MARKER!r}:
        os._exit(9)
    return judge(message, facts, now)

compliance.judge = deadly
"""
QUICK = {**SHORT, "provider_timeout_seconds": 1, "lease_seconds": 2.5}


@pytest.fixture
def deadly(rig: Rig, tmp_path: Path) -> Iterator[Rig]:
    """Workers that die over one body, with leases that end soon."""
    (tmp_path / "sitecustomize.py").write_text(KILLER)
    rig.restart(
        *LANES,
        env={"PYTHONPATH": str(tmp_path)},
        settings=rig.settings.model_copy(update=QUICK),
    )
    yield rig
    rig.restart(*LANES)


def deaths(rig: Rig) -> int:
    """How often the workers have reported a child that died over a task."""
    return sum(rig.log(name).count("Worker exited prematurely") for name in LANES)


def test_a_poisonous_message_is_set_aside_and_its_neighbours_are_delivered(deadly: Rig) -> None:
    caller = deadly.caller(mps=200)
    deaths_before = deaths(deadly)
    messages = texts(60)
    messages[30]["body"] = MARKER
    poison = caller.send(messages)[30]
    settled = settle(deadly, caller, 60)
    verdict = compare(deadly, caller)
    (row,) = deadly.query(
        "SELECT status::text, status_reason, attempts FROM messages WHERE id = :id", id=poison
    )
    died = deaths(deadly) - deaths_before
    figures = f"after {settled:.1f} s; {row}; {died} reports of a lost child; {verdict}"
    print(figures)
    assert (row.status, row.status_reason, row.attempts) == ("failed", "poison", 0), figures
    assert died >= MAX_CLAIMS, figures
    assert verdict.statuses == {"delivered": 59, "failed": 1}, figures
    assert verdict.is_clean, figures

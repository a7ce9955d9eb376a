"""Do the rates hold where it counts: real Celery workers, eight children of them, and one slow sender?

POSTHORN_TEST_RATE_SECONDS=60 makes it a minute.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from tests.faults.caller import Caller, texts
from tests.faults.rig import Rig, until
from tests.faults.verdict import compare, ledger

MOST = 10
SECONDS = float(os.environ.get("POSTHORN_TEST_RATE_SECONDS", "8"))
OTHERS = ("-b", "-c", "-d")

pytestmark = [pytest.mark.fault, pytest.mark.timeout(SECONDS + 120)]

_GRANTED = """
SELECT extract(epoch FROM l.at)::float AS at, (l.used ->> :key)::float AS used
FROM rate_log l WHERE l.used ? :key ORDER BY l.at
"""


@dataclass(frozen=True)
class Paces:
    """Grants in the seconds that end, or begin, with one."""

    whole: int
    most: int
    least: int

    @classmethod
    def of(cls, granted: Sequence[float]) -> Paces:
        since = [at - granted[0] for at in granted]
        up_to = [n + 1 - bisect_right(since, at - 1) for n, at in enumerate(since)]
        after = [
            bisect_right(since, at + 1) - (n + 1)
            for n, at in enumerate(since)
            if 1 <= at <= SECONDS - 1
        ]
        return cls(sum(at < SECONDS for at in since), max(up_to), min(after))


@pytest.fixture
def many(rig: Rig) -> Iterator[Rig]:
    """Four workers of two children each for the low lane."""
    for alias in OTHERS:
        rig.start("worker-low", alias=alias)
    yield rig
    rig.stop(*(f"worker-low{alias}" for alias in OTHERS))


def send(rig: Rig, caller: Caller, flushes: int) -> None:
    """More than fits into the time, with Redis emptied now and then."""
    count = int(MOST * (SECONDS + 2))
    caller.send(texts(count, "paced", priority="LOW"))
    begun = time.monotonic()
    for n in range(1, flushes + 1):
        at = begun + SECONDS * n / (flushes + 1)
        until(lambda at=at: time.monotonic() >= at, SECONDS, "time passes")  # type: ignore[misc]
        rig.bell().flushall()
    until(lambda: len(list(ledger(rig, caller))) == count, SECONDS + 60, "all of them are out")


@pytest.mark.parametrize("flushes", [0, 2], ids=["kept", "flushed"])
def test_eight_workers_keep_to_one_rate(many: Rig, flushes: int) -> None:
    caller = many.caller(senders=1, mps=MOST)
    send(many, caller, flushes)
    query = "SELECT id FROM senders WHERE tenant_id = :tenant"
    (sender,) = many.query(query, tenant=caller.tenant.id)
    granted = [
        row.at for row in many.query(_GRANTED, key=f"s:{sender.id}") for _ in range(round(row.used))
    ]
    paces, verdict = Paces.of(granted), compare(many, caller)
    figures = (
        f"{flushes} flushes: {paces.whole} in {SECONDS:g} s, {paces.whole / SECONDS:.2f}/s; in any "
        f"second at most {paces.most}, after the first at least {paces.least}; {verdict}"
    )
    print(figures)
    assert len(granted) == len(caller.ids), figures
    assert paces.most <= MOST, figures
    assert paces.whole >= MOST * SECONDS * (0.95 if flushes == 0 else 0.8), figures
    assert verdict.is_clean, figures

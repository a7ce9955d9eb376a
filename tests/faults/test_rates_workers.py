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
import sqlalchemy as sa

from tests.faults.caller import Caller, texts
from tests.faults.rig import Rig, until
from tests.faults.verdict import compare, ledger

MOST = 10
SECONDS = float(os.environ.get("POSTHORN_TEST_RATE_SECONDS", "6"))
FLUSHES = (0, 2) if SECONDS >= 60 else (2,)
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


def granted(rig: Rig, key: str) -> list[float]:
    """When segments were granted by a limit, by Redis' clock."""
    rows = rig.query(_GRANTED, key=key)
    return [row.at for row in rows for _ in range(round(row.used))]


def ids(rig: Rig, caller: Caller, table: str) -> list[object]:
    query = f"SELECT id FROM {table} WHERE tenant_id = :tenant"
    return [row.id for row in rig.query(query, tenant=caller.tenant.id)]


@pytest.mark.parametrize("flushes", FLUSHES)
def test_eight_workers_keep_to_one_rate(many: Rig, flushes: int) -> None:
    caller = many.caller(senders=1, mps=MOST)
    send(many, caller, flushes)
    (sender,) = ids(many, caller, "senders")
    grants = granted(many, f"s:{sender}")
    paces, verdict = Paces.of(grants), compare(many, caller)
    figures = (
        f"{flushes} flushes: {paces.whole} in {SECONDS:g} s, {paces.whole / SECONDS:.2f}/s; in any "
        f"second at most {paces.most}, after the first at least {paces.least}; {verdict}"
    )
    print(figures)
    assert len(grants) == len(caller.ids), figures
    assert paces.most <= MOST, figures
    assert paces.whole >= MOST * SECONDS * (0.95 if flushes == 0 else 0.8), figures
    assert verdict.is_clean, figures


# By the beginning of their keys: how much, in how many seconds. Each is what stops something here.
_FIVE = {"s": (3, 1), "a": (9, 1), "t": (7, 1), "p": (8, 1), "c": (40, 60)}


def test_five_limits_at_once_hold_each_by_itself(many: Rig) -> None:
    """Two Redis that forget, and at the end the campaign's minute stops what the others would not."""
    caller = many.caller(senders=4, mps=_FIVE["s"][0])
    with many.engine.begin() as db:
        for table, column, most in (
            ("provider_accounts", "segments_per_second", _FIVE["a"][0]),
            ("sender_pools", "segments_per_second", _FIVE["p"][0]),
            ("tendlc_campaigns", "segments_per_minute", _FIVE["c"][0]),
        ):
            change = f"UPDATE {table} SET {column} = {most} WHERE tenant_id = :tenant"
            db.execute(sa.text(change), {"tenant": caller.tenant.id})
    policy = {"rates": {"segments_per_second": _FIVE["t"][0]}}
    caller.http.patch("/v1/policy", json=policy).raise_for_status()
    most = _FIVE["c"][0]
    caller.send(texts(most + 20, "bounded", priority="LOW"))
    for part in (most // 3, 2 * most // 3):
        until(lambda part=part: len(list(ledger(many, caller))) >= part, 60, "some are out")  # type: ignore[misc]
        many.bell().flushall()
    until(lambda: len(list(ledger(many, caller))) == most, 60, "the minute is full")
    keys = [f"s:{n}" for n in ids(many, caller, "senders")]
    keys += [f"a:{n}" for n in ids(many, caller, "provider_accounts")]
    keys += [f"p:{n}" for n in ids(many, caller, "sender_pools")]
    keys += [f"c:{n}" for n in ids(many, caller, "tendlc_campaigns")]
    for key in [*keys, f"t:{caller.tenant.id}"]:
        grants, (limit, seconds) = granted(many, key), _FIVE[key[0]]
        up_to = [n + 1 - bisect_right(grants, at - seconds) for n, at in enumerate(grants)]
        assert max(up_to) <= limit, (key, up_to)
    for message_id in caller.ids:
        caller.http.post(f"/v1/messages/{message_id}/cancel")

"""Does STOP win? Ten thousand people, each with a message, who say so just before or after it is due.

Nothing may begin after a STOP is committed. Whatever the carrier has of somebody must have been
written down as an attempt before the STOP took hold, and whatever is canceled never reached it.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import phonenumbers
import pytest
import sqlalchemy as sa

from messaging import suppression
from messaging.domain import addresses
from messaging.domain.lifecycle import Status
from messaging.domain.message import Channel
from messaging.domain.new_message import NewMessage
from messaging.store import messages
from messaging.store.messages import NewRow
from messaging.store.suppressions import NewSuppression
from messaging.suppression import Suppressed
from tests.faults.caller import Caller, recipient
from tests.faults.rig import Rig, until
from tests.faults.verdict import ledger, settle

SEED = 21610
TRIALS = 10_000
SECONDS = 25.0
"""Over how long the messages fall due."""
EARLIEST, LIKELIEST, LATEST = -0.05, 0.01, 0.15
"""When a STOP comes, in seconds after its message is due."""
TOGETHER = 5
"""STOPs to a transaction, as inbound messages are applied in batches."""
THREADS = 4

pytestmark = pytest.mark.fault


@dataclass(frozen=True)
class Trial:
    id: UUID
    number: str
    key: bytes
    due: float
    stop: float


def people(count: int) -> Iterator[str]:
    """Fictional numbers in the United States; none by which the carrier is told to misbehave."""
    areas = (
        area
        for area in range(201, 990)
        if phonenumbers.region_code_for_number(phonenumbers.parse(f"+1{area}5550100")) == "US"
        and addresses.normalise(f"+1{area}5550100", None) == f"+1{area}5550100"
    )
    numbers = (f"+1{area}5550{100 + n}" for area in areas for n in range(90))
    for _, number in zip(range(count), numbers, strict=False):
        yield number


def plan(rig: Rig, start: float) -> list[Trial]:
    dice = random.Random(SEED)
    trials = []
    for number in people(TRIALS):
        key = addresses.key(rig.settings.pepper, "sms", number)
        due = start + dice.uniform(0, SECONDS)
        stop = due + dice.triangular(EARLIEST, LATEST, LIKELIEST)
        trials.append(Trial(rig.rt.new_id(), number, key, due, stop))
    return trials


def put(rig: Rig, caller: Caller, trials: Sequence[Trial]) -> None:
    """Queue each message, due at its own moment."""
    now = rig.rt.now()
    rows = [
        NewRow(t.id, caller.tenant.id, t.key, Status.QUEUED, NewMessage(t.number, f"Hello {n}", 1), now)
        for n, t in enumerate(trials)
    ]  # fmt: skip
    due = sa.text("""
    UPDATE ready r SET due_at = v.due_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:dues AS timestamptz[])) AS v(id, due_at)
    WHERE r.message_id = v.id
    """)
    with rig.engine.begin() as db:
        messages.insert(db, rows)
        dues = [datetime.fromtimestamp(t.due, UTC) for t in trials]
        db.execute(due, {"ids": [t.id for t in trials], "dues": dues})


def stop(rig: Rig, caller: Caller, some: Sequence[Trial]) -> tuple[Suppressed, float]:
    """Suppress these people when the first of them says so; how late that was committed."""
    rows = [
        NewSuppression(caller.tenant.id, Channel.SMS, t.key, "inbound", f"trial {t.id}")
        for t in some
    ]
    time.sleep(max(0.0, some[0].stop - time.time()))
    with rig.engine.begin() as db:
        done = suppression.suppress(db, rows)
    return done, time.time() - some[0].stop


@dataclass(frozen=True)
class Fate:
    """What became of one trial, by our own records."""

    id: UUID
    status: str
    reason: str | None
    began: float | None
    """When its attempt was written down."""
    stopped: float
    """When the STOP held its recipient."""


_FATES = """
SELECT m.id, m.status::text, m.status_reason, extract(epoch FROM a.started_at)::float,
       extract(epoch FROM e.at)::float
FROM messages m
JOIN suppression_events e ON e.tenant_id = m.tenant_id AND e.recipient_key = m.recipient_key
LEFT JOIN (SELECT message_id, started_at FROM attempts
           UNION ALL SELECT message_id, started_at FROM open_attempts) a ON a.message_id = m.id
WHERE m.tenant_id = :tenant
"""


def fates(rig: Rig, caller: Caller) -> list[Fate]:
    return [Fate(*tuple(row)) for row in rig.query(_FATES, tenant=caller.tenant.id)]


def is_violation(fate: Fate, reached: Counter[str]) -> bool:
    """Whether somebody was written to after their STOP, or twice, or a cancel was none."""
    times = reached[str(fate.id)]
    if fate.status == "canceled":
        return bool(times) or fate.began is not None or fate.reason != "opted_out"
    return times != 1 or fate.began is None or fate.began >= fate.stopped


def test_no_dispatch_begins_after_a_stop_is_committed(rig: Rig) -> None:
    caller = rig.caller(accounts=2, senders=10, mps=200)
    start = time.time() + 6
    trials = plan(rig, start)
    assert len({t.key for t in trials}) == TRIALS
    for first in range(0, TRIALS, 1000):
        put(rig, caller, trials[first : first + 1000])
    assert time.time() < start, "too slow to put them in before the first is due"
    order = sorted(trials, key=lambda t: t.stop)
    batches = [order[first : first + TOGETHER] for first in range(0, TRIALS, TOGETHER)]
    with ThreadPoolExecutor(THREADS) as pool:
        done = list(pool.map(lambda some: stop(rig, caller, some), batches))
    settle(rig, caller, 60)

    found = fates(rig, caller)
    rows = ledger(rig, caller)
    reached = Counter(row["m"] for row in rows)
    violations = [fate for fate in found if is_violation(fate, reached)]
    statuses = Counter(fate.status for fate in found)
    close = sum(1 for f in found if f.began and 0 < f.stopped - f.began < 0.02)
    late = sorted(lateness for _, lateness in done)
    figures = (
        f"seed {SEED}: {len(found)} trials, {dict(statuses)}, {len(violations)} violations "
        f"{violations[:3]}, {close} dispatched within 20 ms before their STOP, half of the STOPs "
        f"committed within {late[len(late) // 2] * 1000:.0f} ms and all within {late[-1]:.2f} s"
    )
    print(figures)
    assert not violations, figures
    assert len(found) == TRIALS, figures
    assert set(statuses) == {"canceled", "delivered"}, figures
    assert statuses["canceled"] == sum(suppressed.canceled for suppressed, _ in done), figures
    assert min(statuses.values()) > TRIALS / 50, f"the two hardly raced: {figures}"
    assert close > 5, f"the two hardly raced: {figures}"


def test_of_a_hundred_to_one_person_the_rest_is_canceled(rig: Rig) -> None:
    caller = rig.caller(senders=1, mps=25)
    to = recipient(7)
    caller.send([{"to": to, "body": f"{n} of a hundred"} for n in range(100)])
    until(lambda: len(ledger(rig, caller)) >= 30, 30, "the carrier has thirty")
    answer = caller.http.post("/v1/suppressions", json={"to": to})
    assert answer.status_code == 201, answer.text
    settle(rig, caller, 30)

    found = fates(rig, caller)
    reached = Counter(row["m"] for row in ledger(rig, caller))
    statuses = Counter((fate.status, fate.reason) for fate in found)
    figures = f"{statuses}"
    print(figures)
    assert not [fate for fate in found if is_violation(fate, reached)], figures
    assert set(statuses) == {("canceled", "opted_out"), ("delivered", None)}, figures
    assert 30 <= sum(reached.values()) < 100, figures

"""Who speaks for a message that failed for good: its stand-in on another channel.

    take what is due | still open: look again later | over and well: drop | failed: submit the stand-in

One transaction takes a row, keeps the stand-in as a message of its own and deletes the row, so it goes
out once, whatever dies when. It is judged like any other message; what a rule refuses is kept in its
blocked status, where its tenant can see it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.engine import Connection

from messaging import intake
from messaging.domain import fallbacks as deciding
from messaging.domain import request
from messaging.domain.errors import PosthornError
from messaging.domain.fallbacks import Step
from messaging.runtime import Runtime
from messaging.store import fallbacks as store
from messaging.store.fallbacks import Due
from messaging.submission import Prepared, Receipt, Submission, Taken, prepare
from messaging.telemetry import log, tally

_BATCH = 100


@dataclass
class _Batch:
    """What one transaction does with the rows it took."""

    steps: Counter[str] = field(default_factory=Counter)
    prepared: list[Prepared] = field(default_factory=list)
    answers: list[Receipt | PosthornError] = field(default_factory=list)


def run(rt: Runtime, *, seconds: float = 10.0) -> str:
    """Work off what is due until nothing is, or time is over; returns a one-line summary."""
    ends = rt.now() + timedelta(seconds=seconds)
    found: Counter[str] = Counter()
    while rt.now() < ends:
        with rt.engine.begin() as db:
            batch = _work_off(rt, db)
        intake.announce(rt, batch.prepared, batch.answers)
        found += batch.steps
        if batch.steps.total() < _BATCH:
            break
    rt.counters.add(tally("posthorn_fallbacks_total", step=list(found.elements())) if found else {})
    return ", ".join(f"{n} {word}" for word, n in sorted(found.items())) or "nothing due"


def _work_off(rt: Runtime, db: Connection) -> _Batch:
    batch, now = _Batch(), rt.now()
    due = [(one, deciding.step(one.message, now)) for one in store.take(db, _BATCH)]
    batch.steps.update(step.value for _, step in due)
    store.put_off(db, [one.message_id for one, step in due if step is Step.WAIT])
    store.drop(db, [one.message_id for one, step in due if step is not Step.WAIT])
    failed = [one for one, step in due if step is Step.SEND]
    batch.prepared = [_prepare(rt, one) for one in failed]
    batch.answers = intake.keep(db, batch.prepared)
    for one, answer in zip(failed, batch.answers, strict=True):
        entry = answer.entries[0] if isinstance(answer, Receipt) else None
        if isinstance(entry, Taken):
            store.note(db, entry.id, one.message_id)
        else:  # its sender is gone, say; nobody waits for an answer any more
            log().warning("fallback.refused", message_id=str(one.message_id))
    return batch


def _prepare(rt: Runtime, one: Due) -> Prepared:
    asked = request.parse(one.request)
    return prepare(rt, Submission(one.tenant, [asked], None, b"", "fallback", bulk=True))

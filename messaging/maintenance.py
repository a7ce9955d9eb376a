"""What the clock does: promote what is due, and clean up after crashes.

Every function is one bounded batch, or a loop of them, and safe to run twice at once: each takes its
rows with SKIP LOCKED or finds nothing to do. Beat calls them; so does every worker on its own, since
a beat can wedge without anybody noticing.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging import accounts, billing, fragments, registration
from messaging.queues import DISPATCH, Task
from messaging.runtime import Runtime
from messaging.store import attempts, backlog, idempotency, notice_turns, notices, pulse
from messaging.telemetry import label

MAX_CLAIMS = 5
"""A message that was in the hands of this many dying workers is quarantined."""
_BATCH = 1000
_ROUNDS = 50
# Any number, as long as every Posthorn on one database agrees on it.
_SWEEP_LOCK = 0x73776565


def promote_due(rt: Runtime) -> str:
    """Queue every scheduled message whose time has come; returns a one-line summary."""
    promoted = 0
    for _ in range(_ROUNDS):
        with rt.engine.begin() as db:
            took = backlog.promote_due(db, _BATCH)
        promoted += took
        if took:
            hint_due(rt)
        if took < _BATCH:
            break
    with rt.engine.begin() as db:
        pulse.beat(db, "promote_due")
    return f"promoted {promoted}"


def hint_due(rt: Runtime) -> list[str]:
    """Ring for every queue in which something is due: the net under every lost hint."""
    with rt.reading() as db:
        queues = backlog.queues_due(db)
        receipts, doubts = backlog.others_due(db)
        told = notice_turns.due(db)
    tasks = [DISPATCH[queue] for queue in queues]
    tasks += [Task.RECEIPTS_APPLY] if receipts else []
    tasks += [Task.RECONCILE] if doubts else []
    tasks += [Task.NOTICES] if told else []
    for task in tasks:
        rt.hints.ring(task)
    return [task.value for task in tasks]


def sweep(rt: Runtime) -> str:
    """Put right what a crash left behind; one process at a time, the others return at once."""
    with rt.engine.begin() as db:
        if not _alone(db):
            return "another sweep is running"
        returned, quarantined = backlog.rescue_claims(db, 20, MAX_CLAIMS)
        first = timedelta(seconds=rt.settings.doubt_check_seconds)
        doubtful = attempts.expire_leases(db, _BATCH, first)
        pulse.beat(db, "sweep")
    promoted = promote_due(rt)
    released = registration.release(rt) + billing.release(rt)
    fragments.give_up(rt)
    hinted = hint_due(rt)
    if quarantined:
        rt.counters.add({label("posthorn_messages_quarantined_total"): quarantined})
    return (
        f"returned {returned}, quarantined {quarantined}, put in doubt {doubtful}, {promoted}, "
        f"released {released}, "
        f"hinted {', '.join(hinted) or 'nothing'}"
    )


def _alone(db: Connection) -> bool:
    lock = sa.text("SELECT pg_try_advisory_xact_lock(:id)")
    return bool(db.execute(lock, {"id": _SWEEP_LOCK}).scalar())


def prune(rt: Runtime) -> str:
    """Forget what is too old to matter: idempotency keys, notices, pieces of texts, replaced secrets."""
    pruned = 0
    for _ in range(_ROUNDS):
        with rt.engine.begin() as db:
            took = idempotency.prune(db, rt.settings.idempotency_hours, _BATCH)
        pruned += took
        if took < _BATCH:
            break
    for _ in range(_ROUNDS):
        with rt.engine.begin() as db:
            if notices.prune(db, _BATCH) < _BATCH:
                break
    fragments.prune(rt)
    accounts.drop_expired(rt)
    return f"pruned {pruned} idempotency keys"

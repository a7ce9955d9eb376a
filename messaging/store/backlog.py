"""The backlog: what is ready, what is scheduled, and what comes back from those that had it claimed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import Queue
from messaging.store.messages import Move, move

_NEXT = sa.text("""
SELECT extract(epoch FROM due_at - clock_timestamp()) FROM ready
WHERE queue = CAST(:queue AS ready_queue) ORDER BY due_at LIMIT 1
""")


def next_due(db: Connection, queue: Queue) -> float | None:
    """In how many seconds the next message of a queue is due; below 0 for one that is; None of none."""
    found = db.execute(_NEXT, {"queue": queue.value}).scalar()
    return None if found is None else float(found)


def finish(db: Connection, claim_id: UUID) -> bool:
    """Give the claim up; False if its lease ran out and the sweep took it back."""
    done = db.execute(sa.text("DELETE FROM claims WHERE id = :id"), {"id": claim_id})
    return done.rowcount == 1


_GIVE_BACK = sa.text("""
WITH gone AS (DELETE FROM claims WHERE id = :id RETURNING queue, message_ids, epochs, claims)
INSERT INTO ready (queue, due_at, message_id, epoch, claims, tenant_id)
SELECT gone.queue, now() + make_interval(secs => :wait), v.*, m.tenant_id
FROM gone, unnest(gone.message_ids, gone.epochs, gone.claims) AS v(message_id, epoch, claims)
JOIN messages m ON m.id = v.message_id
""")


def give_back(db: Connection, claim_id: UUID, wait: timedelta) -> None:
    """Return a whole claim as it was taken, due after `wait`; nobody looked at its messages."""
    db.execute(_GIVE_BACK, {"id": claim_id, "wait": wait.total_seconds()})


_PUT_BACK = sa.text("""
INSERT INTO ready (queue, due_at, message_id, epoch, placed, tenant_id)
SELECT lower(m.priority::text)::ready_queue, v.due_at, m.id, m.epoch, v.placed, m.tenant_id
FROM unnest(CAST(:ids AS uuid[]), CAST(:dues AS timestamptz[]), CAST(:placed AS boolean[]))
  AS v(id, due_at, placed)
JOIN messages m ON m.id = v.id WHERE m.status = 'queued'
""")


def put_back(db: Connection, dues: dict[UUID, datetime], placed: Collection[UUID] = ()) -> None:
    """Return claimed messages to the backlog, each due at its own time. Waiting is no attempt.

    `placed` are those to whom a rate gave that time.
    """
    if dues:
        marks = [message_id in placed for message_id in dues]
        values = {"ids": list(dues), "dues": list(dues.values()), "placed": marks}
        db.execute(_PUT_BACK, values)


_DUE = sa.text("""
DELETE FROM scheduled WHERE ctid = ANY(ARRAY(
  SELECT ctid FROM scheduled WHERE due_at <= now()
  ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED))
RETURNING message_id
""")
# Locked in the order in which a STOP locks them: which order a `move` takes is its plan's business.
_STILL_SCHEDULED = sa.text("""
SELECT id, epoch FROM messages WHERE id = ANY(CAST(:ids AS uuid[])) AND status = 'scheduled'
ORDER BY id FOR NO KEY UPDATE
""")


def promote_due(db: Connection, limit: int) -> int:
    """Queue up to `limit` scheduled messages whose time has come; returns how many rows it took.

    Rows of messages that are scheduled no longer are taken too, and counted.
    """
    ids = list(db.execute(_DUE, {"limit": limit}).scalars())
    rows = db.execute(_STILL_SCHEDULED, {"ids": ids}).all() if ids else []
    moves = [
        Move(row.id, row.epoch, Status.SCHEDULED, Event.PROMOTED, Status.QUEUED) for row in rows
    ]
    move(db, moves)
    return len(ids)


_EXPIRED_CLAIMS = sa.text("""
WITH dead AS (
  DELETE FROM claims WHERE id IN (
    SELECT id FROM claims WHERE lease_until < clock_timestamp()
    ORDER BY lease_until LIMIT :limit FOR UPDATE SKIP LOCKED)
  RETURNING message_ids, epochs, claims
)
SELECT m.id, m.epoch, v.claims + 1 AS claims, m.tenant_id
FROM dead, unnest(dead.message_ids, dead.epochs, dead.claims) AS v(id, epoch, claims)
JOIN messages m ON m.id = v.id AND m.epoch = v.epoch WHERE m.status = 'queued'
""")

_SUSPECT = sa.text("""
INSERT INTO ready (queue, message_id, epoch, claims, tenant_id)
SELECT 'suspect', * FROM unnest(
  CAST(:ids AS uuid[]), CAST(:epochs AS int[]), CAST(:claims AS int[]), CAST(:tenants AS uuid[]))
""")


def rescue_claims(db: Connection, limit: int, max_claims: int) -> tuple[int, int]:
    """Take back batches whose worker is gone; returns (messages returned, messages quarantined).

    They come back as suspects, claimed one at a time, so that the one message that kills its worker
    stops at `max_claims` without taking its neighbours along.
    """
    rows = db.execute(_EXPIRED_CLAIMS, {"limit": limit}).all()
    again = [row for row in rows if row.claims < max_claims]
    if again:
        columns = {"ids": "id", "epochs": "epoch", "claims": "claims", "tenants": "tenant_id"}
        db.execute(_SUSPECT, {k: [getattr(r, c) for r in again] for k, c in columns.items()})
    poison = [
        Move(r.id, r.epoch, Status.QUEUED, Event.QUARANTINED, Status.FAILED, reason="poison")
        for r in rows
        if r.claims >= max_claims
    ]
    move(db, poison)
    return len(again), len(poison)


# The earliest is asked for, since that is at an end of the index.
_QUEUES_DUE = sa.text("""
SELECT q.queue FROM unnest(enum_range(NULL::ready_queue)) AS q(queue)
CROSS JOIN LATERAL (
  SELECT 1 FROM ready r WHERE r.queue = q.queue AND r.due_at <= now()
  ORDER BY r.due_at LIMIT 1) AS due
ORDER BY q.queue
""")


def queues_due(db: Connection) -> list[Queue]:
    """The queues in which something is due now, the most urgent first."""
    return [Queue(name) for name in db.execute(_QUEUES_DUE).scalars()]


_OTHERS_DUE = sa.text("""
SELECT EXISTS (SELECT 1 FROM pending_receipts WHERE due_at <= now()),
       EXISTS (SELECT 1 FROM open_attempts
               WHERE check_at < clock_timestamp() AND doubt_since IS NOT NULL)
""")


def others_due(db: Connection) -> tuple[bool, bool]:
    """Whether (receipts, attempts in doubt) are due now."""
    row = db.execute(_OTHERS_DUE).one()
    return row[0], row[1]

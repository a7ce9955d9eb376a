"""The claim: which of the messages that are due one worker judges next.

A claim deletes `ready` rows and writes one `claims` row for the whole batch in the same statement, so
a worker that dies before it opened its attempts leaves a list behind that the sweep returns.

A tenant that has a lane to itself is served by one statement, oldest first. Where others wait too, a
look goes from tenant to tenant by the index, never through their messages; `domain.fairness` shares
the claim out between those found, and each gets its oldest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.fairness import Due, Turns, reach
from messaging.domain.message import Queue

LOOKED_AT = 200
"""At most so many tenants share one claim; the next look goes on from there."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch of messages that one worker may judge until its lease runs out."""

    id: UUID
    epochs: dict[UUID, int]
    placed: frozenset[UUID] = frozenset()
    """Those whose time was given to them by a rate that had put them off."""


_KEPT = """
kept AS (
  INSERT INTO claims (id, queue, message_ids, epochs, claims, placed, lease_until)
  SELECT :id, CAST(:queue AS ready_queue), array_agg(message_id), array_agg(epoch), array_agg(claims),
         coalesce(array_agg(message_id) FILTER (WHERE placed), '{}'),
         clock_timestamp() + make_interval(secs => :lease)
  FROM taken HAVING count(*) > 0
  -- Nobody waits for the disk here: should the server fall, the claim never was, and its rows are ready.
  RETURNING message_ids, epochs, placed, set_config('synchronous_commit', 'off', true)
)
"""
# Backwards, here and below: a tenant's latest rows are there, its earliest may be gone and in the way.
_ALONE = sa.text(
    """
WITH last_ AS MATERIALIZED (
  SELECT tenant_id FROM ready WHERE queue = CAST(:queue AS ready_queue)
  ORDER BY tenant_id DESC LIMIT 1
), look AS MATERIALIZED (
  SELECT (SELECT r.tenant_id FROM ready r
          WHERE r.queue = CAST(:queue AS ready_queue) AND r.tenant_id < l.tenant_id
          ORDER BY r.tenant_id DESC LIMIT 1) IS NOT NULL AS others
  FROM last_ l
), taken AS (
  DELETE FROM ready WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM ready
    WHERE queue = CAST(:queue AS ready_queue) AND due_at <= now() AND (SELECT NOT others FROM look)
    ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED))
  RETURNING message_id, epoch, claims, placed
),"""  # noqa: S608 - constants of this module
    + _KEPT
    + """
SELECT kept.*, look.others FROM look LEFT JOIN kept ON true
"""
)
# Round from where the last look ended. Every LIMIT keeps the planner from reading the lane instead.
_LOOK = sa.text("""
WITH RECURSIVE oldest AS MATERIALIZED (
  SELECT tenant_id FROM ready WHERE queue = CAST(:queue AS ready_queue) AND due_at <= now()
  ORDER BY due_at LIMIT 1
), walk(n, round, tenant_id) AS (
  SELECT 1, first.round, first.tenant_id FROM oldest CROSS JOIN LATERAL (
    (SELECT 0 AS round, r.tenant_id FROM ready r
     WHERE r.queue = CAST(:queue AS ready_queue) AND r.tenant_id < CAST(:before AS uuid)
     ORDER BY r.tenant_id DESC LIMIT 1)
    UNION ALL
    (SELECT 1, r.tenant_id FROM ready r
     WHERE r.queue = CAST(:queue AS ready_queue) AND r.tenant_id >= CAST(:before AS uuid)
     ORDER BY r.tenant_id DESC LIMIT 1)
    LIMIT 1) AS first
  UNION ALL
  SELECT n + 1, next.round, next.tenant_id FROM walk w CROSS JOIN LATERAL (
    (SELECT w.round, r.tenant_id FROM ready r
     WHERE r.queue = CAST(:queue AS ready_queue) AND r.tenant_id < w.tenant_id
     ORDER BY r.tenant_id DESC LIMIT 1)
    UNION ALL
    (SELECT 1, r.tenant_id FROM ready r
     WHERE w.round = 0 AND r.queue = CAST(:queue AS ready_queue)
       AND r.tenant_id >= CAST(:before AS uuid)
     ORDER BY r.tenant_id DESC LIMIT 1)
    LIMIT 1) AS next
  WHERE n < :most AND (next.round = 0 OR next.tenant_id >= CAST(:before AS uuid))
)
SELECT one.tenant_id, one.n, due.due_at IS NOT NULL AS due,
       coalesce((SELECT t.weight FROM tenants t WHERE t.id = one.tenant_id), 1) AS weight
FROM (
  SELECT tenant_id, max(n) AS n
  FROM (SELECT tenant_id, n FROM walk UNION ALL SELECT tenant_id, 0 FROM oldest) AS found
  GROUP BY tenant_id) AS one
LEFT JOIN LATERAL (
  SELECT r.due_at FROM ready r WHERE r.queue = CAST(:queue AS ready_queue)
    AND r.tenant_id = one.tenant_id AND r.due_at <= now()
  ORDER BY r.due_at LIMIT 1) AS due ON true
ORDER BY due.due_at, one.tenant_id
""")
_DEPTHS = sa.text("""
SELECT (SELECT count(*) FROM (
          SELECT 1 FROM ready r WHERE r.queue = CAST(:queue AS ready_queue)
            AND r.tenant_id = one.tenant_id AND r.due_at <= now()
          ORDER BY r.due_at LIMIT one.reach) AS counted)
FROM unnest(CAST(:tenants AS uuid[]), CAST(:reaches AS int[]))
  WITH ORDINALITY AS one(tenant_id, reach, n) ORDER BY one.n
""")
_SHARED = sa.text(
    """
WITH taken AS (
  DELETE FROM ready WHERE ctid = ANY(ARRAY(
    SELECT mine.ctid
    FROM unnest(CAST(:tenants AS uuid[]), CAST(:quotas AS int[])) AS share(tenant_id, quota)
    CROSS JOIN LATERAL (
      SELECT r.ctid FROM ready r WHERE r.queue = CAST(:queue AS ready_queue)
        AND r.tenant_id = share.tenant_id AND r.due_at <= now()
      ORDER BY r.due_at LIMIT share.quota FOR UPDATE SKIP LOCKED) AS mine))
  RETURNING message_id, epoch, claims, placed
),"""  # noqa: S608 - constants of this module
    + _KEPT
    + """
SELECT * FROM kept
"""
)


def claim(
    db: Connection,
    queue: Queue,
    limit: int,
    lease: timedelta,
    claim_id: UUID,
    turns: Turns | None = None,
) -> Claim | None:
    """Take up to `limit` due messages; None when there are none. Commit before judging them.

    `turns` is what the process remembers of this lane between its claims.
    """
    turns = turns or Turns()
    values = {"queue": queue.value, "lease": lease.total_seconds(), "id": claim_id}
    row: Any = None
    others = not turns.alone
    if turns.alone:
        row = db.execute(_ALONE, values | {"limit": limit}).one_or_none()
        others = row is not None and row.others
    if others and (quotas := _share(db, queue, limit, turns)):
        share = {"tenants": list(quotas), "quotas": list(quotas.values())}
        row = db.execute(_SHARED, values | share).one_or_none()
    if row is None or row.message_ids is None:
        return None
    epochs = dict(zip(row.message_ids, row.epochs, strict=True))
    return Claim(claim_id, epochs, frozenset(row.placed))


def _share(db: Connection, queue: Queue, limit: int, turns: Turns) -> dict[UUID, int]:
    """How many messages of each tenant are to be taken; nobody is left out for ever."""
    values = {"queue": queue.value, "before": turns.before, "most": LOOKED_AT}
    found = db.execute(_LOOK, values).all()
    last = next((row.tenant_id for row in found if row.n == LOOKED_AT), None)
    turns.looked(len(found), last)
    due = [row for row in found if row.due]
    weights = [row.weight for row in due]
    if len(due) <= 1:
        depths = [limit] * len(due)
    else:
        reaches = reach(weights, limit)
        asked = {
            "queue": queue.value,
            "tenants": [row.tenant_id for row in due],
            "reaches": reaches,
        }
        depths = list(db.execute(_DEPTHS, asked).scalars())
    parts = zip(due, weights, depths, strict=True)
    return turns.share([Due(row.tenant_id, weight, depth) for row, weight, depth in parts], limit)

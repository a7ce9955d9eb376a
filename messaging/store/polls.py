"""Which messages should have had their receipt by now, and when is their provider asked?

The send writes nothing for this: attempts are found by the time they ended, which a few bytes per
megabyte of history are enough for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

_CURSOR = "polls"

_BEGIN = sa.text("""
INSERT INTO cursors (name, at) VALUES (:name, CAST(:at AS timestamptz)) ON CONFLICT DO NOTHING
""")
_READ = sa.text("SELECT at FROM cursors WHERE name = :name FOR UPDATE SKIP LOCKED")
_ADVANCE = sa.text("UPDATE cursors SET at = CAST(:at AS timestamptz) WHERE name = :name")

_SCAN = sa.text("""
INSERT INTO polls (message_id, epoch, account_id, provider_message_id, accepted_at, due_at)
SELECT a.message_id, a.epoch, a.account_id, a.provider_message_id, a.finished_at, now()
FROM attempts a
JOIN provider_accounts p ON p.id = a.account_id AND p.provider = ANY(CAST(:providers AS text[]))
JOIN messages m ON m.id = a.message_id AND m.epoch = a.epoch AND m.status = 'sent'
WHERE a.finished_at >= CAST(:after AS timestamptz) AND a.finished_at < CAST(:until AS timestamptz)
  AND a.outcome = 'accepted' AND a.provider_message_id IS NOT NULL
ON CONFLICT (message_id) DO UPDATE SET epoch = excluded.epoch, account_id = excluded.account_id,
  provider_message_id = excluded.provider_message_id, accepted_at = excluded.accepted_at,
  due_at = excluded.due_at, asked = 0
  WHERE polls.epoch < excluded.epoch
""")


@dataclass(frozen=True, slots=True)
class Scanned:
    """One stretch of time that was gone through."""

    found: int
    until: datetime


def scan(
    db: Connection, providers: Sequence[str], begin: datetime, end: datetime, stretch: timedelta
) -> Scanned | None:
    """Go through the attempts of the next stretch of time, not beyond `end`.

    Puts down those that are still only `sent`. The very first scan begins at `begin`. None if there is
    nothing to go through, or another process is at it.
    """
    db.execute(_BEGIN, {"name": _CURSOR, "at": begin})
    after = db.execute(_READ, {"name": _CURSOR}).scalar()
    if after is None or after >= end:
        return None
    until = min(after + stretch, end)
    values = {"providers": list(providers), "after": after, "until": until}
    found = db.execute(_SCAN, values).rowcount
    db.execute(_ADVANCE, {"name": _CURSOR, "at": until})
    return Scanned(found, until)


@dataclass(frozen=True, slots=True)
class Poll:
    """A message whose provider is to be asked now."""

    message_id: UUID
    epoch: int
    tenant_id: UUID
    account_id: UUID
    provider_message_id: str
    accepted_at: datetime
    asked: int
    """How often it has been."""


# What has moved on meanwhile is no longer asked about, and goes.
_TAKE = sa.text("""
WITH due AS (
  SELECT message_id FROM polls WHERE due_at <= now()
  ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
), alive AS (
  SELECT due.message_id, m.tenant_id FROM due
  JOIN polls p ON p.message_id = due.message_id
  JOIN messages m ON m.id = p.message_id AND m.epoch = p.epoch AND m.status = 'sent'
), gone AS (
  DELETE FROM polls WHERE message_id IN (SELECT message_id FROM due)
    AND message_id NOT IN (SELECT message_id FROM alive)
  RETURNING message_id
), held AS (
  UPDATE polls p SET due_at = now() + make_interval(secs => :hold)
  FROM alive WHERE p.message_id = alive.message_id
  RETURNING p.message_id, p.epoch, alive.tenant_id, p.account_id, p.provider_message_id,
            p.accepted_at, p.asked
)
SELECT (SELECT count(*) FROM gone), held.* FROM (SELECT 1) AS one LEFT JOIN held ON true
""")


def take(db: Connection, limit: int, hold: timedelta) -> tuple[int, list[Poll]]:
    """How many of the next `limit` were due, and those to ask about, held for `hold`. Commit first."""
    rows = db.execute(_TAKE, {"limit": limit, "hold": hold.total_seconds()}).all()
    found = [Poll(*row[1:]) for row in rows if row[1] is not None]
    return rows[0][0] + len(found), found


_PUT_OFF = sa.text("""
UPDATE polls p SET asked = p.asked + 1, due_at = now() + make_interval(secs => v.wait)
FROM json_to_recordset(CAST(:waits AS json)) AS v(message_id uuid, epoch int, wait float)
WHERE p.message_id = v.message_id AND p.epoch = v.epoch
""")
_DROP = sa.text("""
DELETE FROM polls p USING json_to_recordset(CAST(:polls AS json)) AS v(message_id uuid, epoch int)
WHERE p.message_id = v.message_id AND p.epoch = v.epoch
""")


def put_off(db: Connection, waits: Sequence[tuple[Poll, timedelta]]) -> None:
    """Ask about these again after so long."""
    if waits:
        rows = [
            {"message_id": p.message_id, "epoch": p.epoch, "wait": wait.total_seconds()}
            for p, wait in waits
        ]
        db.execute(_PUT_OFF, {"waits": orjson.dumps(rows).decode()})


def drop(db: Connection, polls: Sequence[Poll]) -> None:
    """Ask about these no more."""
    if polls:
        rows = [{"message_id": p.message_id, "epoch": p.epoch} for p in polls]
        db.execute(_DROP, {"polls": orjson.dumps(rows).decode()})

"""Attempts: open while their outcome is unknown, then one row of history each.

An open attempt is its message's lease. Whoever deletes it (the pump with the reply, a receipt, a
look-up) settles it; everybody else finds nothing and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection


class SettledBy(StrEnum):
    """Whose word ended the attempt."""

    REPLY = "reply"
    RECEIPT = "receipt"
    LOOKUP = "lookup"
    OPERATOR = "operator"


@dataclass(slots=True)  # not frozen: made for every message, and freezing doubles its price
class Settlement:
    """How one open attempt ended."""

    message_id: UUID
    epoch: int
    outcome: str
    """`accepted`, `unsent`, or the failure's kind."""
    settled_by: SettledBy
    provider_message_id: str | None = None
    provider_code: str | None = None
    detail: str | None = None


_SETTLE = sa.text("""
WITH v AS (
  SELECT * FROM json_to_recordset(CAST(:settlements AS json)) AS t(
    message_id uuid, epoch int, outcome text, settled_by text, provider_message_id text,
    provider_code text, detail text)
), closed AS (
  DELETE FROM open_attempts o USING v WHERE o.message_id = v.message_id AND o.epoch = v.epoch
  RETURNING o.*
), history AS (
  INSERT INTO attempts (message_id, epoch, account_id, sender_id, selection_reason, started_at,
                        outcome, settled_by, provider_message_id, provider_code, detail)
  SELECT c.message_id, c.epoch, c.account_id, c.sender_id, c.selection_reason, c.started_at,
         v.outcome, v.settled_by, v.provider_message_id, v.provider_code, v.detail
  FROM closed c JOIN v USING (message_id)
)
SELECT message_id FROM closed
""")


def settle(db: Connection, settlements: Sequence[Settlement]) -> set[UUID]:
    """Close open attempts; returns the message ids whose attempt this call closed."""
    if not settlements:
        return set()
    rows = db.execute(_SETTLE, {"settlements": orjson.dumps(settlements).decode()})
    return set(rows.scalars())


_LEARN = sa.text("""
UPDATE attempts a SET outcome = v.outcome, settled_by = v.settled_by,
  provider_message_id = v.provider_message_id
FROM json_to_recordset(CAST(:settlements AS json)) AS v(
  message_id uuid, epoch int, outcome text, settled_by text, provider_message_id text)
WHERE a.message_id = v.message_id AND a.epoch = v.epoch AND a.outcome = 'unknown'
""")


def learn(db: Connection, settlements: Sequence[Settlement]) -> None:
    """Put right how attempts ended that had been given up on."""
    if settlements:
        db.execute(_LEARN, {"settlements": orjson.dumps(settlements).decode()})


_DOUBT = sa.text("""
UPDATE open_attempts o
SET doubt_since = coalesce(doubt_since, clock_timestamp()), doubt_code = v.code,
    check_at = clock_timestamp() + make_interval(secs => :wait)
FROM unnest(CAST(:ids AS uuid[]), CAST(:epochs AS int[]), CAST(:codes AS text[]))
  AS v(message_id, epoch, code)
WHERE o.message_id = v.message_id AND o.epoch = v.epoch
""")


def doubt(
    db: Connection, attempts: Sequence[tuple[UUID, int, str]], first_check: timedelta
) -> None:
    """Mark (message id, epoch, code) as in doubt: only evidence may settle them now."""
    if attempts:
        ids, epochs, codes = (list(column) for column in zip(*attempts, strict=True))
        db.execute(
            _DOUBT,
            {"ids": ids, "epochs": epochs, "codes": codes, "wait": first_check.total_seconds()},
        )


_LEASES = sa.text("""
UPDATE open_attempts SET doubt_since = clock_timestamp(), doubt_code = 'lease_expired',
  check_at = clock_timestamp() + make_interval(secs => :wait)
WHERE message_id IN (
  SELECT message_id FROM open_attempts WHERE check_at < clock_timestamp() AND doubt_since IS NULL
  ORDER BY check_at LIMIT :limit FOR UPDATE SKIP LOCKED)
""")


def expire_leases(db: Connection, limit: int, first_check: timedelta) -> int:
    """Put attempts whose worker is gone in doubt; returns how many."""
    result = db.execute(_LEASES, {"limit": limit, "wait": first_check.total_seconds()})
    return result.rowcount


@dataclass(frozen=True, slots=True)
class DoubtfulAttempt:
    """An attempt in doubt whose next look-up is due, and everything a look-up needs."""

    message_id: UUID
    epoch: int
    tenant_id: UUID
    account_id: UUID
    sender_id: UUID
    channel: str
    category: str
    recipient: str
    body: str
    started_at: datetime
    doubt_since: datetime
    absent_since: datetime | None
    absences: int
    expires_at: datetime | None
    attempts: int


_DOUBTFUL = sa.text("""
WITH taken AS (
  UPDATE open_attempts o SET check_at = clock_timestamp() + make_interval(secs => :hold)
  WHERE message_id IN (
    SELECT message_id FROM open_attempts WHERE check_at < clock_timestamp()
      AND doubt_since IS NOT NULL
    ORDER BY check_at LIMIT :limit FOR UPDATE SKIP LOCKED)
  RETURNING o.*
)
SELECT t.message_id, t.epoch, m.tenant_id, t.account_id, t.sender_id, m.channel, m.category,
       m.recipient, m.body, t.started_at, t.doubt_since, t.absent_since, t.absences, m.expires_at, m.attempts
FROM taken t JOIN messages m ON m.id = t.message_id
""")


def take_doubtful(db: Connection, limit: int, hold: timedelta) -> list[DoubtfulAttempt]:
    """Attempts whose next look-up is due, held from other reconcilers for `hold`. Commit first."""
    rows = db.execute(_DOUBTFUL, {"limit": limit, "hold": hold.total_seconds()})
    return [DoubtfulAttempt(*row) for row in rows]


_ABSENT = sa.text("""
UPDATE open_attempts SET
  absences = absences + CAST(:absent AS int),
  absent_since = CASE WHEN :absent = 1 THEN coalesce(absent_since, clock_timestamp())
                      ELSE absent_since END,
  check_at = clock_timestamp() + make_interval(secs => :wait)
WHERE message_id = :id AND epoch = :epoch
""")


def look_again(
    db: Connection, message_id: UUID, epoch: int, *, absent: bool, wait: timedelta
) -> None:
    """Note what a look-up found (nothing, or no usable answer) and when to look again."""
    db.execute(
        _ABSENT,
        {"id": message_id, "epoch": epoch, "absent": int(absent), "wait": wait.total_seconds()},
    )


_KNOWN = sa.text("""
SELECT provider_message_id FROM attempts WHERE provider_message_id = ANY(CAST(:ids AS text[]))
""")


def known(db: Connection, provider_message_ids: Sequence[str]) -> set[str]:
    """Which of these provider ids already belong to an attempt of ours."""
    return set(db.execute(_KNOWN, {"ids": list(provider_message_ids)}).scalars())


_ALIKE = sa.text("""
SELECT count(*) FROM open_attempts mine
JOIN messages m ON m.id = mine.message_id
JOIN messages n ON n.recipient_key = m.recipient_key AND n.tenant_id = m.tenant_id
  AND n.body = m.body
JOIN open_attempts other ON other.message_id = n.id AND other.sender_id = mine.sender_id
  AND other.started_at BETWEEN mine.started_at - make_interval(secs => :within)
                           AND mine.started_at + make_interval(secs => :within)
WHERE mine.message_id = :id
""")


def alike(db: Connection, message_id: UUID, within: timedelta) -> int:
    """Open attempts a look-up could not tell from this one, itself included."""
    values = {"id": message_id, "within": within.total_seconds()}
    found: int = db.execute(_ALIKE, values).scalar_one()
    return found

"""The states of senders: the one statement that changes them, and what led there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.sender_health import SenderState

OPERATOR = "operator"
"""The reason of a state that somebody decided; no measurement lifts a cordon of theirs."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A sender's way into a state."""

    sender_id: UUID
    before: SenderState | None
    """Changed only if it still is in this one; None: whatever it is in, if it is not retired."""
    state: SenderState
    reason: str | None
    cordoned_until: datetime | None = None
    measured_since: datetime | None = None
    """None leaves it as it is."""


_ENTER = sa.text("""
WITH v AS (
  SELECT * FROM json_to_recordset(CAST(:entries AS json)) AS t(
    sender_id uuid, before text, state text, reason text, cordoned_until timestamptz,
    measured_since timestamptz)
), changed AS (
  UPDATE senders s SET
    state = v.state, state_reason = v.reason, state_since = clock_timestamp(),
    cordoned_until = v.cordoned_until, measured_since = coalesce(v.measured_since, s.measured_since),
    retired_at = CASE WHEN v.state = 'retired' THEN coalesce(s.retired_at, now()) END
  FROM v
  WHERE s.id = v.sender_id AND s.retired_at IS NULL AND s.state = coalesce(v.before, s.state)
    AND (s.state, s.state_reason) IS DISTINCT FROM (v.state, v.reason)
  RETURNING s.id, s.tenant_id, v.state, v.reason
), told AS (
  INSERT INTO sender_events (sender_id, state, reason) SELECT id, state, reason FROM changed
)
SELECT id, tenant_id FROM changed
""")


def enter(db: Connection, entries: Sequence[Entry]) -> dict[UUID, UUID]:
    """Change states that are still what they were; the senders that changed, each with its tenant."""
    if not entries:
        return {}
    rows = db.execute(_ENTER, {"entries": orjson.dumps(entries).decode()})
    return {row.id: row.tenant_id for row in rows}


_HISTORY = sa.text("""
SELECT state, reason, at FROM sender_events WHERE sender_id = :id ORDER BY id DESC LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class Entered:
    """A state a sender entered, and when."""

    state: SenderState
    reason: str | None
    at: datetime


def history(db: Connection, sender_id: UUID, limit: int = 20) -> list[Entered]:
    """The latest states of a sender, newest first."""
    rows = db.execute(_HISTORY, {"id": sender_id, "limit": limit})
    return [Entered(SenderState(row.state), row.reason, row.at) for row in rows]

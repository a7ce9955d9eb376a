"""All senders in use as the health tick sees them, and what it writes back about their ramps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.sender_health import SenderState

# Any number, as long as every Posthorn on one database agrees on it.
_LOCK = 0x68656C74


def alone(db: Connection) -> bool:
    """Whether no other tick is at work; none will be until this transaction ends."""
    lock = sa.text("SELECT pg_try_advisory_xact_lock(:id)")
    return bool(db.execute(lock, {"id": _LOCK}).scalar())


@dataclass(frozen=True, slots=True)
class Member:
    """One sender in use, and what its tenant decided about health."""

    id: UUID
    tenant_id: UUID
    state: SenderState
    state_since: datetime
    state_reason: str | None
    cordoned_until: datetime | None
    measured_since: datetime | None
    ramp: tuple[int, ...] | None
    ramp_level: int
    ramp_since: date | None
    last_used_on: date | None
    policy: Mapping[str, Any] | None
    """The tenant's `sender_health`, as it is kept."""


_FLEET = sa.text("""
SELECT s.id, s.tenant_id, s.state, s.state_since, s.state_reason, s.cordoned_until, s.measured_since,
       s.ramp, s.ramp_level, s.ramp_since, s.last_used_on, t.policy -> 'sender_health' AS policy
FROM senders s JOIN tenants t ON t.id = s.tenant_id
WHERE s.retired_at IS NULL ORDER BY s.id
""")


def fleet(db: Connection) -> list[Member]:
    """Every sender in use, of every tenant."""
    return [_member(row) for row in db.execute(_FLEET)]


def _member(row: sa.Row[Any]) -> Member:
    return Member(
        row.id,
        row.tenant_id,
        SenderState(row.state),
        row.state_since,
        row.state_reason,
        row.cordoned_until,
        row.measured_since,
        None if row.ramp is None else tuple(row.ramp),
        row.ramp_level,
        row.ramp_since,
        row.last_used_on,
        row.policy,
    )


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Where a sender's ramp is now, and when it was last used."""

    sender_id: UUID
    ramp_level: int
    ramp_since: date | None
    last_used_on: date | None


_KEEP = sa.text("""
UPDATE senders s SET ramp_level = v.ramp_level, ramp_since = v.ramp_since,
                     last_used_on = v.last_used_on
FROM json_to_recordset(CAST(:rows AS json)) AS v(
  sender_id uuid, ramp_level smallint, ramp_since date, last_used_on date)
WHERE s.id = v.sender_id
""")


def keep(db: Connection, rows: Sequence[Upkeep]) -> None:
    """Write down where ramps are and when senders were used."""
    if rows:
        db.execute(_KEEP, {"rows": orjson.dumps(rows).decode()})


_CORDONED = sa.text("""
SELECT DISTINCT sender_id FROM sender_events
WHERE sender_id = ANY(CAST(:ids AS uuid[])) AND at >= :since AND at < :until
  AND state = 'cordoned' AND reason IS DISTINCT FROM 'operator'
""")


def cordoned_between(
    db: Connection, sender_ids: Sequence[UUID], since: datetime, until: datetime
) -> set[UUID]:
    """Which of these were cordoned for their results within that time, whatever they are by now."""
    if not sender_ids:
        return set()
    values = {"ids": list(sender_ids), "since": since, "until": until}
    return set(db.execute(_CORDONED, values).scalars())

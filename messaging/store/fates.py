"""What has become of all of a tenant's messages: for audits and reports, not for the hot path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.compliance.verdicts import Reason
from messaging.domain.lifecycle import FINAL, Status


@dataclass(frozen=True, slots=True)
class Fate:
    """Where one message is, and its id at the provider if it has one."""

    id: UUID
    status: Status
    provider_message_id: str | None
    deferred: bool = False
    """Whether a rule of compliance asked it to wait for another hour or day."""


# What a rule deferred says so in its reason; what its sender scheduled says "requested".
_DEFERRED = "status = 'scheduled' AND split_part(scheduled_reason, ':', 1) = ANY(:rules)"
_RULES = [reason.value for reason in Reason]

_FATES = sa.text(f"""
SELECT id, status, provider_message_id, {_DEFERRED} FROM messages WHERE tenant_id = :tenant
""")  # noqa: S608 - a constant of this module


def fates(db: Connection, tenant_id: UUID) -> list[Fate]:
    """Every message of a tenant. Reads them all."""
    rows = db.execute(_FATES, {"tenant": tenant_id, "rules": _RULES})
    return [Fate(row[0], Status(row[1]), row[2], bool(row[3])) for row in rows]


_MOVING = sa.text(f"""
SELECT count(*) FROM messages
WHERE tenant_id = :tenant AND status <> ALL(CAST(:final AS message_status[])) AND NOT ({_DEFERRED})
""")  # noqa: S608 - as above


def moving(db: Connection, tenant_id: UUID) -> int:
    """How many messages of a tenant are neither final nor deferred by a rule."""
    final = [status.value for status in FINAL]
    found = db.execute(_MOVING, {"tenant": tenant_id, "rules": _RULES, "final": final})
    return int(found.scalar_one())


_HELD_BACK = sa.text("""
SELECT coalesce(v.reason, 'none'), count(*) FROM messages m
CROSS JOIN LATERAL (SELECT reason, outcome FROM verdicts WHERE message_id = m.id
                    ORDER BY id DESC LIMIT 1) v
WHERE m.tenant_id = :tenant AND v.outcome <> 'allow' GROUP BY 1 ORDER BY 2 DESC
""")


def held_back(db: Connection, tenant_id: UUID) -> dict[str, int]:
    """How many messages of a tenant the rules refused or deferred last, by reason."""
    return {row[0]: row[1] for row in db.execute(_HELD_BACK, {"tenant": tenant_id})}


_STATUSES = sa.text("SELECT status, count(*) FROM messages WHERE tenant_id = :tenant GROUP BY 1")


def statuses(db: Connection, tenant_id: UUID) -> dict[Status, int]:
    """How many messages of a tenant are where."""
    return {Status(row[0]): row[1] for row in db.execute(_STATUSES, {"tenant": tenant_id})}


_REASONS = sa.text("""
SELECT selection_reason::text, count(*) FROM messages
WHERE tenant_id = :tenant AND selection_reason IS NOT NULL GROUP BY 1 ORDER BY 2 DESC
""")


def reasons(db: Connection, tenant_id: UUID) -> dict[str, int]:
    """Why the senders of a tenant's messages were chosen, and how often."""
    return {row[0]: row[1] for row in db.execute(_REASONS, {"tenant": tenant_id})}


_OUTCOMES = sa.text("""
SELECT a.outcome, a.settled_by, count(*) FROM attempts a JOIN messages m ON m.id = a.message_id
WHERE m.tenant_id = :tenant GROUP BY 1, 2 ORDER BY 3 DESC
""")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How many attempts ended in one way, known from one kind of evidence."""

    outcome: str
    settled_by: str
    attempts: int


def outcomes(db: Connection, tenant_id: UUID) -> list[Outcomes]:
    """How the attempts of a tenant's messages ended, most frequent first."""
    return [Outcomes(*row) for row in db.execute(_OUTCOMES, {"tenant": tenant_id})]


_ATTEMPTED = sa.text("""
SELECT count(DISTINCT a.message_id) FROM attempts a JOIN messages m ON m.id = a.message_id
WHERE m.tenant_id = :tenant
""")


def attempted(db: Connection, tenant_id: UUID) -> int:
    """How many of a tenant's messages have had an attempt that ended."""
    return int(db.execute(_ATTEMPTED, {"tenant": tenant_id}).scalar_one())


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast messages that were to go at once were handed over; seconds, None without any."""

    messages: int
    p50: float | None
    p95: float | None
    p99: float | None
    per_second: float | None
    """Over the time from the first message kept until 95 % had been handed over."""


_PACE = sa.text("""
WITH gone AS (
  SELECT created_at, coalesce(sent_at, delivered_at, undeliverable_at) AS sent_at FROM messages
  WHERE tenant_id = :tenant AND scheduled_for IS NULL AND provider_message_id IS NOT NULL
), seconds AS (
  SELECT extract(epoch FROM sent_at - created_at) AS waited,
         extract(epoch FROM sent_at - min(created_at) OVER ()) AS since_first
  FROM gone WHERE sent_at IS NOT NULL
)
SELECT count(*),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY waited),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY waited),
       percentile_cont(0.99) WITHIN GROUP (ORDER BY waited),
       0.95 * count(*) / nullif(percentile_cont(0.95) WITHIN GROUP (ORDER BY since_first), 0)
FROM seconds
""")


def pace(db: Connection, tenant_id: UUID) -> Pace:
    """How fast a tenant's messages were handed over, from being kept to being accepted."""
    row: Any = db.execute(_PACE, {"tenant": tenant_id}).one()
    return Pace(row[0], *(None if value is None else float(value) for value in row[1:]))

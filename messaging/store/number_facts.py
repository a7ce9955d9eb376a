"""What is known of numbers beyond their digits, and which of them somebody has to be asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.compliance.facts import Line, LineType
from messaging.domain.message import Channel


@dataclass(frozen=True, slots=True)
class Learned:
    """Somebody's word about one number."""

    tenant_id: UUID
    recipient_key: bytes
    line_type: LineType
    source: str
    """`provider` (an error said so), `lookup` or `import`."""
    at: datetime | None = None
    """When that was known, if not just now."""


_LEARN = sa.text("""
INSERT INTO number_facts (tenant_id, recipient_key, line_type, source, checked_at)
SELECT DISTINCT ON (tenant_id, recipient_key)
       tenant_id, recipient_key, line_type, source, coalesce(at, now())
FROM unnest(CAST(:tenants AS uuid[]), CAST(:keys AS bytea[]), CAST(:types AS text[]),
            CAST(:sources AS text[]), CAST(:times AS timestamptz[]))
  WITH ORDINALITY AS v(tenant_id, recipient_key, line_type, source, at, n)
ORDER BY tenant_id, recipient_key, coalesce(at, now()) DESC, n DESC
ON CONFLICT (tenant_id, recipient_key) DO UPDATE SET
  line_type = CASE excluded.line_type WHEN 'unknown' THEN number_facts.line_type
              ELSE excluded.line_type END,
  source = CASE excluded.line_type WHEN 'unknown' THEN number_facts.source
           ELSE excluded.source END,
  checked_at = excluded.checked_at
WHERE number_facts.checked_at <= excluded.checked_at
""")
_ANSWERED = sa.text("""
DELETE FROM pending_lookups p
USING unnest(CAST(:tenants AS uuid[]), CAST(:keys AS bytea[])) AS v(tenant_id, recipient_key)
WHERE p.tenant_id = v.tenant_id AND p.recipient_key = v.recipient_key
""")


def learn(db: Connection, rows: Sequence[Learned]) -> None:
    """Keep what was learned, the newest word of each number; nobody needs to be asked about them now.

    That nothing could be found out (`unknown`) renews what was known before, and takes nothing back.
    """
    if not rows:
        return
    whose = {
        "tenants": [row.tenant_id for row in rows],
        "keys": [row.recipient_key for row in rows],
    }
    values = {
        "types": [row.line_type.value for row in rows],
        "sources": [row.source for row in rows],
        "times": [row.at for row in rows],
    }
    db.execute(_LEARN, whose | values)
    db.execute(_ANSWERED, whose)


_AMONG = sa.text("""
SELECT recipient_key, line_type, source, checked_at FROM number_facts
WHERE tenant_id = :tenant AND recipient_key = ANY(CAST(:keys AS bytea[]))
""")


def among(db: Connection, tenant_id: UUID, keys: Sequence[bytes]) -> dict[bytes, Line]:
    """What is known of these numbers."""
    rows = db.execute(_AMONG, {"tenant": tenant_id, "keys": list(keys)})
    return {bytes(key): Line(LineType(kind), source, at) for key, kind, source, at in rows}


_WANT = sa.text("""
INSERT INTO pending_lookups (tenant_id, recipient_key, message_id)
SELECT DISTINCT ON (tenant_id, recipient_key) tenant_id, recipient_key, message_id
FROM unnest(CAST(:tenants AS uuid[]), CAST(:keys AS bytea[]), CAST(:messages AS uuid[]))
  AS v(tenant_id, recipient_key, message_id)
ORDER BY tenant_id, recipient_key
ON CONFLICT DO NOTHING
""")


def want(db: Connection, rows: Sequence[tuple[UUID, bytes, UUID]]) -> None:
    """Have these numbers looked up: (tenant, recipient key, a message that holds the address).

    A number that is being asked about already is asked about once.
    """
    if rows:
        tenants, keys, messages = (list(column) for column in zip(*rows, strict=True))
        db.execute(_WANT, {"tenants": tenants, "keys": keys, "messages": messages})


@dataclass(frozen=True, slots=True)
class Pending:
    """A number somebody has to be asked about."""

    tenant_id: UUID
    recipient_key: bytes
    failures: int
    channel: Channel | None
    address: str | None
    """None if the message that held it is gone, or the person was erased."""


_TAKE = sa.text("""
WITH due AS (
  SELECT tenant_id, recipient_key FROM pending_lookups WHERE due_at <= now()
  ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
), taken AS (
  UPDATE pending_lookups p SET due_at = now() + make_interval(secs => :hold) FROM due
  WHERE p.tenant_id = due.tenant_id AND p.recipient_key = due.recipient_key
  RETURNING p.tenant_id, p.recipient_key, p.failures, p.message_id
)
SELECT taken.tenant_id, taken.recipient_key, taken.failures, m.channel,
       CASE WHEN m.erased_at IS NULL THEN m.recipient END
FROM taken LEFT JOIN messages m ON m.id = taken.message_id AND m.tenant_id = taken.tenant_id
""")


def take(db: Connection, limit: int, hold: timedelta) -> list[Pending]:
    """Up to `limit` numbers whose look-up is due; nobody else gets them before `hold` is over."""
    rows = db.execute(_TAKE, {"limit": limit, "hold": hold.total_seconds()})
    return [
        Pending(tenant_id, bytes(key), failures, Channel(channel) if channel else None, address)
        for tenant_id, key, failures, channel, address in rows
    ]


_PUT_OFF = sa.text("""
UPDATE pending_lookups SET failures = failures + 1, due_at = now() + make_interval(secs => :wait)
WHERE tenant_id = :tenant AND recipient_key = :key
""")


def put_off(db: Connection, pending: Pending, wait: timedelta) -> None:
    """Count a failed look-up and let it be tried again after `wait`."""
    values = {"tenant": pending.tenant_id, "key": pending.recipient_key}
    db.execute(_PUT_OFF, values | {"wait": wait.total_seconds()})


_DROP = sa.text("DELETE FROM pending_lookups WHERE tenant_id = :tenant AND recipient_key = :key")


def drop(db: Connection, pending: Pending) -> None:
    """Ask nobody about this number."""
    db.execute(_DROP, {"tenant": pending.tenant_id, "key": pending.recipient_key})

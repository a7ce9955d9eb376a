"""Who must not be written to. Keyed by tenant, channel and a hash of the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.message import Channel


@dataclass(frozen=True, slots=True)
class NewSuppression:
    """Somebody who must not be written to from now on, and how we know."""

    tenant_id: UUID
    channel: Channel
    recipient_key: bytes
    source: str
    """`provider`, `api`, `import` or `inbound`."""
    evidence: str | None = None


_ADD = sa.text("""
INSERT INTO suppressions (tenant_id, channel, recipient_key, source, evidence)
SELECT v.* FROM unnest(CAST(:tenants AS uuid[]), CAST(:channels AS channel[]),
  CAST(:keys AS bytea[]), CAST(:sources AS text[]), CAST(:evidence AS text[]))
  AS v(tenant_id, channel, recipient_key, source, evidence)
WHERE NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.tenant_id = v.tenant_id
  AND s.channel = v.channel AND s.recipient_key = v.recipient_key AND s.lifted_at IS NULL)
""")


def add(db: Connection, suppressions: Sequence[NewSuppression]) -> int:
    """Suppress each of these unless it already is; returns how many were new."""
    if not suppressions:
        return 0
    done = db.execute(
        _ADD,
        {
            "tenants": [s.tenant_id for s in suppressions],
            "channels": [s.channel.value for s in suppressions],
            "keys": [s.recipient_key for s in suppressions],
            "sources": [s.source for s in suppressions],
            "evidence": [s.evidence for s in suppressions],
        },
    )
    return done.rowcount


_LIFT = sa.text("""
UPDATE suppressions SET lifted_at = now()
WHERE tenant_id = :tenant AND channel = CAST(:channel AS channel) AND recipient_key = :key
  AND lifted_at IS NULL
""")


def lift(db: Connection, tenant_id: UUID, channel: Channel, recipient_key: bytes) -> bool:
    """End a suppression; False if there was none."""
    done = db.execute(_LIFT, {"tenant": tenant_id, "channel": channel.value, "key": recipient_key})
    return done.rowcount > 0


_SUPPRESSED = sa.text("""
SELECT DISTINCT recipient_key FROM suppressions
WHERE tenant_id = :tenant AND channel = CAST(:channel AS channel)
  AND recipient_key = ANY(CAST(:keys AS bytea[])) AND lifted_at IS NULL
""")


def among(
    db: Connection, tenant_id: UUID, channel: Channel, recipient_keys: Sequence[bytes]
) -> set[bytes]:
    """Which of these recipients are suppressed."""
    rows = db.execute(
        _SUPPRESSED,
        {"tenant": tenant_id, "channel": channel.value, "keys": list(recipient_keys)},
    )
    return {bytes(key) for key in rows.scalars()}

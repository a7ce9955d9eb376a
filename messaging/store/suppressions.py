"""Who must not be written to. Keyed by tenant, channel and a hash of the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.compliance.facts import SuppressionKind
from messaging.domain.message import Channel

ALL = "all"
"""The scope that covers every category."""


@dataclass(frozen=True, slots=True)
class NewSuppression:
    """Somebody who must not be written to from now on, and how we know."""

    tenant_id: UUID
    channel: Channel
    recipient_key: bytes
    source: str
    """`inbound`, `provider`, `api`, `import` or `complaint`."""
    evidence: str | None = None
    kind: SuppressionKind = SuppressionKind.OPT_OUT
    scope: str = ALL
    """A category, or `all`."""
    at: datetime | None = None
    """When the person said so, if that was not just now."""


_ADD = sa.text("""
WITH v AS (
  SELECT * FROM unnest(CAST(:tenants AS uuid[]), CAST(:channels AS channel[]),
    CAST(:keys AS bytea[]), CAST(:sources AS text[]), CAST(:evidence AS text[]),
    CAST(:kinds AS text[]), CAST(:scopes AS text[]), CAST(:times AS timestamptz[]))
    AS v(tenant_id, channel, recipient_key, source, evidence, kind, scope, at)
), told AS (
  INSERT INTO suppression_events
    (tenant_id, channel, recipient_key, action, kind, scope, source, evidence, at)
  SELECT tenant_id, channel, recipient_key, 'suppress', kind, scope, source, evidence,
         coalesce(at, now()) FROM v
)
INSERT INTO suppressions (tenant_id, channel, recipient_key, kind, scope, source, since)
SELECT DISTINCT ON (tenant_id, channel, recipient_key, kind, scope)
       tenant_id, channel, recipient_key, kind, scope, source, coalesce(at, now()) FROM v
ORDER BY tenant_id, channel, recipient_key, kind, scope, at
ON CONFLICT DO NOTHING
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
            "kinds": [s.kind.value for s in suppressions],
            "scopes": [s.scope for s in suppressions],
            "times": [s.at for s in suppressions],
        },
    )
    return done.rowcount


_LIFT = sa.text("""
WITH gone AS (
  DELETE FROM suppressions
  WHERE tenant_id = :tenant AND channel = CAST(:channel AS channel) AND recipient_key = :key
  RETURNING kind, scope
), told AS (
  INSERT INTO suppression_events
    (tenant_id, channel, recipient_key, action, kind, scope, source, at)
  SELECT :tenant, CAST(:channel AS channel), :key, 'lift', kind, scope, 'api', now() FROM gone
)
SELECT count(*) FROM gone
""")


def lift(db: Connection, tenant_id: UUID, channel: Channel, recipient_key: bytes) -> bool:
    """End a suppression; False if there was none."""
    done = db.execute(_LIFT, {"tenant": tenant_id, "channel": channel.value, "key": recipient_key})
    return bool(done.scalar_one())


_SUPPRESSED = sa.text("""
SELECT DISTINCT recipient_key FROM suppressions
WHERE tenant_id = :tenant AND channel = CAST(:channel AS channel)
  AND recipient_key = ANY(CAST(:keys AS bytea[]))
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

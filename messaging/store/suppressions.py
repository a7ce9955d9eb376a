"""Who must not be written to: the ledger, the state it comes to, and the locks that make STOP win.

Everything is keyed by tenant, channel and a keyed hash of the address, so it outlives the address.
`suppression_events` is appended to and never changed; `suppressions` is written in the same statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.compliance.facts import SuppressionKind
from messaging.domain.lifecycle import Status
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
    """For an auditor; holds no address and no body."""
    kind: SuppressionKind = SuppressionKind.OPT_OUT
    scope: str = ALL
    """A category, or `all`."""
    at: datetime | None = None
    """When the person said so, if that was not just now; what lies ahead counts as now."""


# A dispatch holds its recipients' locks from before it reads the facts until its requests are on the
# wire; whoever writes a suppression takes them exclusively first. Everybody takes them in ascending
# order, so that nobody waits in a circle.
_LOCK_KEY = "('x' || encode(substring({key} for 8), 'hex'))::bit(64)::bigint"
_HOLD = sa.text(f"""
SELECT CASE WHEN alone THEN pg_advisory_lock(k) ELSE pg_advisory_lock_shared(k) END
FROM (SELECT {_LOCK_KEY.format(key="recipient_key")} AS k, bool_or(category <> 'TRANSACTIONAL') AS alone
      FROM messages WHERE id = ANY(CAST(:ids AS uuid[])) GROUP BY 1 ORDER BY 1) AS v
""")  # noqa: S608 - a constant of this module
_LOCK = sa.text("""
SELECT pg_advisory_xact_lock(k) FROM unnest(CAST(:keys AS bigint[])) AS v(k)
""")


def hold(db: Connection, message_ids: Sequence[UUID]) -> None:
    """Keep everybody from suppressing the recipients of these messages until `release`.

    The locks are the session's and outlive its transactions, also failed ones: release them in a
    `finally`, on the same connection. They are shared, but exclusive for a recipient to whom one of
    the messages is not transactional, since frequency caps are counted under them.
    """
    if message_ids:
        db.execute(_HOLD, {"ids": list(message_ids)}).all()


def release(db: Connection) -> None:
    """Give back what this session holds."""
    db.execute(sa.text("SELECT pg_advisory_unlock_all()"))


def lock(db: Connection, recipient_keys: Sequence[bytes], *, patience: float = 12.0) -> None:
    """Wait until no dispatch holds these recipients, and keep others out until the transaction ends.

    Each lock is a place in the server's lock table: a few hundred at a time. `patience` is in seconds
    and longer than elsewhere: whoever says STOP should not have to say it twice.
    """
    if recipient_keys:
        longest = f"{patience * 1000:.0f}ms"
        db.execute(
            sa.text("SELECT set_config('lock_timeout', :longest, true)"), {"longest": longest}
        )
        db.execute(_LOCK, {"keys": sorted({_lock_key(key) for key in recipient_keys})}).all()


def _lock_key(recipient_key: bytes) -> int:
    return int.from_bytes(recipient_key[:8].ljust(8, b"\0"), "big", signed=True)


@dataclass(frozen=True, slots=True)
class Added:
    """What the ledger made of some rows."""

    new: int
    """How many changed the state."""
    holding: list[NewSuppression]
    """Those that hold now: all but what came after a later lift."""


# `told` repeats nothing, so a file imported twice or a receipt that comes again is in the ledger once:
# what was said at the same time is the same statement, and so is what has the same evidence while it
# still holds.
_ADD = sa.text("""
WITH v AS (
  SELECT n, tenant_id, channel, recipient_key, source, evidence, kind, scope, at AS told_at,
         least(coalesce(at, clock_timestamp()), clock_timestamp()) AS at
  FROM unnest(CAST(:tenants AS uuid[]), CAST(:channels AS channel[]),
    CAST(:keys AS bytea[]), CAST(:sources AS text[]), CAST(:evidence AS text[]),
    CAST(:kinds AS text[]), CAST(:scopes AS text[]), CAST(:times AS timestamptz[]))
    WITH ORDINALITY
    AS t(tenant_id, channel, recipient_key, source, evidence, kind, scope, at, n)
), judged AS MATERIALIZED (
  SELECT v.*, EXISTS (SELECT 1 FROM suppression_events e
    WHERE e.tenant_id = v.tenant_id AND e.channel = v.channel
      AND e.recipient_key = v.recipient_key AND e.action = 'lift' AND e.kind = v.kind
      AND e.scope IN ('all', v.scope) AND e.at > v.at) AS late
  FROM v
), told AS (
  INSERT INTO suppression_events
    (tenant_id, channel, recipient_key, action, kind, scope, source, evidence, at)
  SELECT tenant_id, channel, recipient_key, 'suppress', kind, scope, source, evidence, at
  FROM judged j
  WHERE NOT EXISTS (SELECT 1 FROM suppression_events e
    WHERE e.tenant_id = j.tenant_id AND e.channel = j.channel
      AND e.recipient_key = j.recipient_key AND e.action = 'suppress' AND e.kind = j.kind
      AND e.scope = j.scope AND e.source = j.source
      AND (e.at = j.told_at AND e.evidence IS NOT DISTINCT FROM j.evidence
        OR j.told_at IS NULL AND e.evidence = j.evidence AND EXISTS (SELECT 1 FROM suppressions s
          WHERE s.tenant_id = j.tenant_id AND s.channel = j.channel
            AND s.recipient_key = j.recipient_key AND s.kind = j.kind AND s.scope = j.scope)))
  ORDER BY n
), held AS (
  INSERT INTO suppressions (tenant_id, channel, recipient_key, kind, scope, source, since)
  SELECT DISTINCT ON (tenant_id, channel, recipient_key, kind, scope)
         tenant_id, channel, recipient_key, kind, scope, source, at FROM judged WHERE NOT late
  ORDER BY tenant_id, channel, recipient_key, kind, scope, at
  ON CONFLICT DO NOTHING RETURNING 1
)
SELECT n, (SELECT count(*) FROM held) AS new FROM judged WHERE NOT late ORDER BY n
""")


def add(db: Connection, suppressions: Sequence[NewSuppression]) -> Added:
    """Tell the ledger each of these, and suppress whoever is not yet; under `lock`.

    What the person has taken back since is told and suppresses nothing.
    """
    if not suppressions:
        return Added(0, [])
    rows = db.execute(
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
    ).all()
    return Added(rows[0].new if rows else 0, [suppressions[row.n - 1] for row in rows])


_LIFT = sa.text("""
WITH said AS (SELECT coalesce(CAST(:at AS timestamptz), clock_timestamp()) AS at),
gone AS (
  DELETE FROM suppressions s USING said
  WHERE tenant_id = :tenant AND channel = CAST(:channel AS channel) AND recipient_key = :key
    AND kind = :kind AND since <= said.at
    AND NOT EXISTS (SELECT 1 FROM suppression_events e
      WHERE e.tenant_id = s.tenant_id AND e.channel = s.channel
        AND e.recipient_key = s.recipient_key AND e.action = 'suppress' AND e.kind = s.kind
        AND e.scope = s.scope AND e.at > said.at)
  RETURNING scope
), told AS (
  INSERT INTO suppression_events
    (tenant_id, channel, recipient_key, action, kind, scope, source, evidence, at)
  SELECT :tenant, CAST(:channel AS channel), :key, 'lift', :kind, scope, :source, :evidence, said.at
  FROM said, (SELECT scope FROM gone UNION SELECT 'all' WHERE CAST(:at AS timestamptz) IS NOT NULL)
    AS t(scope)
)
SELECT count(*) FROM gone
""")


def lift(
    db: Connection,
    tenant_id: UUID,
    channel: Channel,
    recipient_key: bytes,
    *,
    kind: SuppressionKind,
    source: str,
    evidence: str | None = None,
    at: datetime | None = None,
) -> int:
    """End what was said not later than `at` (now, if not given), in every scope; returns how many.

    With `at` it is told to the ledger even if it ended nothing, so that what was said before it and
    arrives after it is known to be late.
    """
    values = {
        "tenant": tenant_id,
        "channel": channel.value,
        "key": recipient_key,
        "kind": kind.value,
        "source": source,
        "evidence": evidence,
        "at": at,
    }
    ended: int = db.execute(_LIFT, values).scalar_one()
    return ended


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that has not left yet, to somebody who must not be written to."""

    id: UUID
    epoch: int
    status: Status
    kind: SuppressionKind


# Answers to STOP and HELP go out all the same. Rows are locked in id order, as everybody does.
_WAITING = sa.text("""
SELECT m.id, m.epoch, m.status, v.kind
FROM unnest(CAST(:tenants AS uuid[]), CAST(:channels AS channel[]), CAST(:keys AS bytea[]),
  CAST(:kinds AS text[]), CAST(:scopes AS text[]))
  AS v(tenant_id, channel, recipient_key, kind, scope)
JOIN messages m ON m.recipient_key = v.recipient_key AND m.tenant_id = v.tenant_id
  AND m.channel = v.channel AND v.scope IN ('all', m.category::text)
WHERE m.status = ANY(CAST(:statuses AS message_status[]))
  AND (m.purpose IS NULL OR m.purpose = 'opt_in_confirmation')
ORDER BY m.id FOR UPDATE OF m
""")


def waiting(
    db: Connection, suppressions: Sequence[NewSuppression], statuses: Sequence[Status]
) -> list[Waiting]:
    """The messages in these states that the suppressions cover, locked, each once; under `lock`."""
    if not suppressions:
        return []
    rows = db.execute(
        _WAITING,
        {
            "tenants": [s.tenant_id for s in suppressions],
            "channels": [s.channel.value for s in suppressions],
            "keys": [s.recipient_key for s in suppressions],
            "kinds": [s.kind.value for s in suppressions],
            "scopes": [s.scope for s in suppressions],
            "statuses": [status.value for status in statuses],
        },
    )
    found: dict[UUID, Waiting] = {}
    for row in rows:
        message = Waiting(row.id, row.epoch, Status(row.status), SuppressionKind(row.kind))
        if row.id not in found or message.kind is not SuppressionKind.UNREACHABLE:
            found[row.id] = message
    return list(found.values())


_SUPPRESSED = sa.text("""
SELECT DISTINCT recipient_key FROM suppressions
WHERE tenant_id = :tenant AND channel = CAST(:channel AS channel)
  AND recipient_key = ANY(CAST(:keys AS bytea[]))
""")


def among(
    db: Connection, tenant_id: UUID, channel: Channel, recipient_keys: Sequence[bytes]
) -> set[bytes]:
    """Which of these recipients are suppressed, in whatever scope."""
    rows = db.execute(
        _SUPPRESSED,
        {"tenant": tenant_id, "channel": channel.value, "keys": list(recipient_keys)},
    )
    return {bytes(key) for key in rows.scalars()}

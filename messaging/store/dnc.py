"""Which numbers do-not-call registries list, as each tenant last checked them.

A scrub replaces the one before as a whole; numbers are kept as hashes only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_CHUNK = 20_000
"""Rows to a statement: small enough for the statement's time limit."""

# The row stays locked until the end, so that of two scrubs at once the newer one wins whole.
_SCRUBBED = sa.text("""
INSERT INTO dnc_scrubs AS s (tenant_id, registry, scrubbed_at)
VALUES (:tenant, :registry, :at)
ON CONFLICT (tenant_id, registry) DO UPDATE SET scrubbed_at = excluded.scrubbed_at
WHERE s.scrubbed_at <= excluded.scrubbed_at
""")
_NEW = sa.text("CREATE TEMPORARY TABLE dnc_new (key bytea PRIMARY KEY) ON COMMIT DROP")
_FILL = sa.text("""
WITH v AS MATERIALIZED (SELECT unnest(CAST(:keys AS bytea[])) AS key),
     noted AS (INSERT INTO dnc_new SELECT key FROM v)
INSERT INTO dnc_numbers (tenant_id, recipient_key, registry)
SELECT :tenant, key, :registry FROM v
ON CONFLICT DO NOTHING
""")
_GONE = sa.text("""
DELETE FROM dnc_numbers d WHERE d.tenant_id = :tenant AND d.registry = :registry
  AND NOT EXISTS (SELECT 1 FROM dnc_new n WHERE n.key = d.recipient_key)
""")


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry as it was last scrubbed against."""

    name: str
    numbers: int
    scrubbed_at: datetime


def replace(
    db: Connection, tenant_id: UUID, registry: str, keys: Sequence[bytes], scrubbed_at: datetime
) -> bool:
    """Make `keys` the whole of what a registry lists, as of `scrubbed_at`.

    False, and nothing is changed, if a newer scrub is known. Needs a transaction of its own: it uses
    a temporary table that lives as long.
    """
    whose = {"tenant": tenant_id, "registry": registry}
    if db.execute(_SCRUBBED, {**whose, "at": scrubbed_at}).rowcount == 0:
        return False
    db.execute(_NEW)
    ordered = sorted(set(keys))  # neighbours in the index are written together
    for start in range(0, len(ordered), _CHUNK):
        db.execute(_FILL, {**whose, "keys": ordered[start : start + _CHUNK]})
    db.execute(sa.text("ANALYZE dnc_new"))
    db.execute(_GONE, whose)
    return True


def scrubs(db: Connection, tenant_id: UUID) -> dict[str, datetime]:
    """When each registry was last scrubbed against."""
    rows = db.execute(
        sa.text("SELECT registry, scrubbed_at FROM dnc_scrubs WHERE tenant_id = :tenant"),
        {"tenant": tenant_id},
    )
    return {row.registry: row.scrubbed_at for row in rows}


def registries(db: Connection, tenant_id: UUID) -> list[Registry]:
    """Every registry that was scrubbed against, by name, with how many numbers it lists."""
    rows = db.execute(
        sa.text("""
        SELECT s.registry, count(d.recipient_key), s.scrubbed_at
        FROM dnc_scrubs s LEFT JOIN dnc_numbers d USING (tenant_id, registry)
        WHERE s.tenant_id = :tenant GROUP BY s.registry, s.scrubbed_at ORDER BY s.registry
        """),
        {"tenant": tenant_id},
    )
    return [Registry(*row) for row in rows]


def listed(db: Connection, tenant_id: UUID, keys: Sequence[bytes]) -> dict[bytes, str]:
    """A registry that lists each of these, the first by name; who is in none is not in it."""
    rows = db.execute(
        sa.text("""
        SELECT recipient_key, min(registry) FROM dnc_numbers
        WHERE tenant_id = :tenant AND recipient_key = ANY(CAST(:keys AS bytea[]))
        GROUP BY recipient_key
        """),
        {"tenant": tenant_id, "keys": list(keys)},
    )
    return {bytes(key): registry for key, registry in rows}

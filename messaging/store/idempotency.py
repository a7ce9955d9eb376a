"""Idempotency keys: one row per (tenant, key), in the same transaction as what it promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True)
class Kept:
    """What a key was first used for."""

    fingerprint: bytes
    results: list[dict[str, Any]]


_LOCK = sa.text("""
SELECT i, pg_try_advisory_xact_lock(hashtextextended(tenant::text || key, 0))
FROM unnest(CAST(:indexes AS int[]), CAST(:tenants AS uuid[]), CAST(:keys AS text[]))
  AS v(i, tenant, key)
""")


def lock(db: Connection, keys: Sequence[tuple[UUID, str]]) -> list[bool]:
    """Per key, whether this transaction may use it; False while a twin is running elsewhere."""
    rows = db.execute(
        _LOCK,
        {
            "indexes": list(range(len(keys))),
            "tenants": [tenant for tenant, _ in keys],
            "keys": [key for _, key in keys],
        },
    )
    free: dict[int, bool] = {row[0]: row[1] for row in rows}
    return [free[i] for i in range(len(keys))]


_FIND = sa.text("""
SELECT k.tenant_id, k.key, k.fingerprint, k.results FROM idempotency_keys k
JOIN unnest(CAST(:tenants AS uuid[]), CAST(:keys AS text[])) AS v(tenant_id, key)
  ON v.tenant_id = k.tenant_id AND v.key = k.key
""")


def find(db: Connection, keys: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], Kept]:
    """What these keys were used for before."""
    rows = db.execute(_FIND, {"tenants": [t for t, _ in keys], "keys": [k for _, k in keys]})
    return {(row[0], row[1]): Kept(row[2], row[3]) for row in rows}


_KEEP = sa.text("""
INSERT INTO idempotency_keys (tenant_id, key, fingerprint, results)
SELECT * FROM unnest(CAST(:tenants AS uuid[]), CAST(:keys AS text[]),
                     CAST(:fingerprints AS bytea[]), CAST(:results AS jsonb[]))
""")


def keep(db: Connection, used: Sequence[tuple[UUID, str, Kept]]) -> None:
    """Remember what each (tenant, key) was used for."""
    if used:
        db.execute(
            _KEEP,
            {
                "tenants": [tenant for tenant, _, _ in used],
                "keys": [key for _, key, _ in used],
                "fingerprints": [kept.fingerprint for _, _, kept in used],
                "results": [orjson.dumps(kept.results).decode() for _, _, kept in used],
            },
        )


def prune(db: Connection, hours: float, limit: int) -> int:
    """Forget up to `limit` keys older than `hours`; returns how many."""
    old = sa.text("""
    DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(
      SELECT ctid FROM idempotency_keys WHERE created_at < now() - make_interval(secs => :age)
      LIMIT :limit))
    """)
    return db.execute(old, {"age": hours * 3600, "limit": limit}).rowcount

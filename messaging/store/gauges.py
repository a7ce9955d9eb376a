"""What the exporter measures in Postgres at each scrape; every count is bounded."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.store import tables as t

COUNT_LIMIT = 100_000
"""Where counting stops: a gauge at the limit says "at least"."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Attempts of unknown outcome at one provider."""

    provider: str
    count: int
    oldest_seconds: float


_SCHEDULED = sa.text("SELECT count(*) FROM (SELECT 1 FROM scheduled LIMIT :limit) AS counted")

_PENDING_RECEIPTS = sa.text(
    "SELECT count(*) FROM (SELECT 1 FROM pending_receipts "
    "WHERE provider_message_id IS NULL LIMIT :limit) AS counted"
)

_IN_DOUBT = sa.text("""
SELECT a.provider, count(o.doubt_since),
       coalesce(extract(epoch FROM now() - min(o.doubt_since)), 0)::float
FROM (SELECT DISTINCT provider FROM provider_accounts) AS a
LEFT JOIN (
  SELECT p.provider, d.doubt_since
  FROM (SELECT account_id, doubt_since FROM open_attempts
        WHERE doubt_since IS NOT NULL LIMIT :limit) AS d
  JOIN provider_accounts p ON p.id = d.account_id
) AS o ON o.provider = a.provider
GROUP BY a.provider
""")

_HEARTBEATS = sa.text("SELECT name, extract(epoch FROM at)::float FROM heartbeats")


def scheduled(db: Connection) -> int:
    """How many messages wait for a time."""
    return int(db.execute(_SCHEDULED, {"limit": COUNT_LIMIT}).scalar_one())


def pending_receipts(db: Connection) -> int:
    """How many receipts wait to be applied; parked ones are not counted."""
    return int(db.execute(_PENDING_RECEIPTS, {"limit": COUNT_LIMIT}).scalar_one())


def in_doubt(db: Connection) -> list[Doubtful]:
    """Attempts in doubt per provider; a provider without any says so."""
    return [Doubtful(*row) for row in db.execute(_IN_DOUBT, {"limit": COUNT_LIMIT})]


def heartbeats(db: Connection) -> dict[str, float]:
    """When each periodic job last ran, in seconds since 1970."""
    return {row[0]: row[1] for row in db.execute(_HEARTBEATS)}


def providers(db: Connection) -> dict[str, str]:
    """Every provider account's provider, by the account's id."""
    a = t.provider_accounts.c
    return {str(row.id): row.provider for row in db.execute(sa.select(a.id, a.provider))}

"""How is the database itself, and what waits in it? What `doctor` and `top` ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection


def clock(db: Connection) -> datetime:
    """What time the database has."""
    found: datetime = db.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    return found


def version(db: Connection) -> str:
    """Which PostgreSQL it is."""
    found: str = db.execute(sa.text("SHOW server_version")).scalar_one()
    return found.split(maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class Doubts:
    """Calls to providers that are open, and those whose end nobody knows yet."""

    open: int
    in_doubt: int
    oldest_seconds: float
    """How long the oldest has been in doubt."""


_DOUBTS = sa.text("""
SELECT count(*) FILTER (WHERE doubt_since IS NULL), count(doubt_since),
       coalesce(extract(epoch FROM clock_timestamp() - min(doubt_since)), 0)::float
FROM (SELECT doubt_since FROM open_attempts LIMIT 100000) AS bounded
""")


def doubts(db: Connection) -> Doubts:
    """Open attempts, counted up to 100,000."""
    return Doubts(*db.execute(_DOUBTS).one())


def accounts(db: Connection) -> dict[str, int]:
    """How many accounts there are at each provider, of all tenants."""
    rows = db.execute(sa.text("SELECT provider, count(*) FROM provider_accounts GROUP BY 1"))
    return {row[0]: row[1] for row in rows}

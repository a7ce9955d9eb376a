"""Signs of life: when each recurring piece of work last ran."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_BEAT = sa.text("""
INSERT INTO heartbeats (name, at) VALUES (:name, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET at = excluded.at
""")


def beat(db: Connection, name: str) -> None:
    """Note that `name` ran just now."""
    db.execute(_BEAT, {"name": name})


def beats(db: Connection) -> dict[str, datetime]:
    """When each name last ran."""
    rows = db.execute(sa.text("SELECT name, at FROM heartbeats"))
    return {row.name: row.at for row in rows}

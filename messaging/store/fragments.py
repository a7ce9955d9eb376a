"""Pieces of longer inbound texts: each is kept once, found with the others of its text, and emptied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from messaging.domain.message import Channel
from messaging.store import tables as t


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a text, as it is kept."""

    account_id: UUID
    provider_message_id: str
    number: int
    """From 1."""
    total: int
    tenant_id: UUID
    recipient_key: bytes
    reference: bytes
    """What all pieces of its text have in common, and no others at the same time."""
    channel: Channel
    from_address: str
    to_address: str
    body: str
    provider_keyword: str | None
    at: datetime | None
    received_at: datetime


_NAMES = tuple(Piece.__dataclass_fields__)
_LOCK = sa.text("SELECT pg_advisory_xact_lock(:key)")


def lock(db: Connection, reference: bytes) -> None:
    """Let one transaction at a time put this text together: before `add`, and before locking a person."""
    key = int.from_bytes(reference[:8], "big", signed=True)
    db.execute(_LOCK, {"key": key})


def add(db: Connection, piece: Piece) -> bool:
    """Keep a piece; False if it was kept before."""
    values = {name: getattr(piece, name) for name in _NAMES}
    statement = postgresql.insert(t.inbound_fragments).values(values).on_conflict_do_nothing()
    return db.execute(statement.returning(t.inbound_fragments.c.number)).first() is not None


def waiting(db: Connection, reference: bytes) -> list[Piece]:
    """The pieces of a text that are in no message yet, in the order in which they came."""
    f = t.inbound_fragments.c
    query = sa.select(*(f[name] for name in _NAMES)).where(f.reference == reference, ~f.joined)
    rows = db.execute(query.order_by(f.received_at, f.number)).mappings()
    return [
        Piece(
            **dict(row)
            | {
                "channel": Channel(row["channel"]),
                "recipient_key": bytes(row["recipient_key"]),
                "reference": bytes(row["reference"]),
            }
        )
        for row in rows
    ]


def close(db: Connection, pieces: Sequence[Piece]) -> None:
    """Note that pieces are part of a message now; only what tells a repeated one stays."""
    f = t.inbound_fragments.c
    which = [(p.account_id, p.provider_message_id, p.number) for p in pieces]
    db.execute(
        sa.update(t.inbound_fragments)
        .where(sa.tuple_(f.account_id, f.provider_message_id, f.number).in_(which))
        .values(joined=True, from_address="", to_address="", body="")
    )


def overdue(db: Connection, before: datetime, limit: int) -> list[tuple[UUID, bytes]]:
    """(Account, reference) of texts whose first piece came before then, and that are not whole yet."""
    f = t.inbound_fragments.c
    first = sa.func.min(f.received_at)
    found = db.execute(
        sa.select(f.account_id, f.reference)
        .where(~f.joined)
        .group_by(f.account_id, f.reference)
        .having(first < before)
        .order_by(first)
        .limit(limit)
    )
    return [(row.account_id, bytes(row.reference)) for row in found]


_PRUNE = sa.text("""
DELETE FROM inbound_fragments WHERE (account_id, provider_message_id, number) IN (
  SELECT account_id, provider_message_id, number FROM inbound_fragments
  WHERE joined AND received_at < :before ORDER BY received_at LIMIT :limit FOR UPDATE SKIP LOCKED)
""")


def prune(db: Connection, before: datetime, limit: int) -> int:
    """Forget up to `limit` pieces from before then that are part of messages; returns how many."""
    return db.execute(_PRUNE, {"before": before, "limit": limit}).rowcount

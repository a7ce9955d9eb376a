"""What people wrote to us: kept once, found again for a reply's limits, and listed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from messaging.domain.compliance.keywords import Keyword
from messaging.domain.message import Channel
from messaging.store import tables as t


@dataclass(frozen=True, slots=True)
class NewInbound:
    """An inbound message about to be kept, and what was read in it."""

    id: UUID
    tenant_id: UUID
    account_id: UUID
    channel: Channel
    provider_message_id: str
    recipient_key: bytes
    """Of the person who wrote it: the same key as for messages to them."""
    from_address: str
    to_address: str
    body: str
    keyword: Keyword
    inferred: bool
    language: str | None
    provider_keyword: str | None
    at: datetime
    received_at: datetime
    media: list[str] | None = None
    """Where its pictures and files are."""


_NAMES = tuple(NewInbound.__dataclass_fields__)


def add(db: Connection, row: NewInbound) -> bool:
    """Keep a message; False if the account told us of it before, and nothing was changed."""
    values = {name: getattr(row, name) for name in _NAMES}
    statement = postgresql.insert(t.inbound_messages).values(values)
    keys = ["account_id", "provider_message_id"]
    kept = statement.on_conflict_do_nothing(index_elements=keys).returning(t.inbound_messages.c.id)
    return db.execute(kept).first() is not None


def note(db: Connection, inbound_id: UUID, conversation_id: UUID, reply_id: UUID | None) -> None:
    """Write down which conversation a message is part of, and which message answers it."""
    table = t.inbound_messages
    known = {"conversation_id": conversation_id, "reply_id": reply_id}
    db.execute(sa.update(table).where(table.c.id == inbound_id).values(**known))


def answered(
    db: Connection, tenant_id: UUID, recipient_key: bytes, keyword: Keyword, limit: int
) -> list[datetime]:
    """When this person asked this and got an answer, the latest `limit` times, newest first."""
    i = t.inbound_messages.c
    query = sa.select(i.received_at).where(
        i.recipient_key == recipient_key,
        i.tenant_id == tenant_id,
        i.keyword == keyword,
        i.reply_id.is_not(None),
    )
    return list(db.execute(query.order_by(i.received_at.desc()).limit(limit)).scalars())


@dataclass(frozen=True, slots=True)
class InboundView:
    """An inbound message as its tenant may see it."""

    id: UUID
    channel: Channel
    from_address: str
    to_address: str
    body: str
    media: list[str]
    keyword: Keyword
    inferred: bool
    language: str | None
    provider_keyword: str | None
    conversation_id: UUID | None
    reply_id: UUID | None
    account_id: UUID
    provider_message_id: str
    at: datetime
    received_at: datetime


_SEARCHED = 100_000


def page(
    db: Connection,
    tenant_id: UUID,
    *,
    keyword: Keyword | None,
    inferred: bool | None,
    before: UUID | None,
    limit: int,
) -> list[InboundView]:
    """Up to `limit` messages, newest first, older than the id `before`.

    A rare keyword is looked for in the newest 100,000 only, so that no listing reads a whole table.
    """
    i = t.inbound_messages.c
    recent = sa.select(t.inbound_messages).where(i.tenant_id == tenant_id)
    if before is not None:
        recent = recent.where(i.id < before)
    rows = recent.order_by(i.id.desc()).limit(_SEARCHED).subquery()
    query = sa.select(*(rows.c[name] for name in InboundView.__dataclass_fields__))
    if keyword is not None:
        query = query.where(rows.c.keyword == keyword)
    if inferred is not None:
        query = query.where(rows.c.inferred == inferred)
    found = db.execute(query.order_by(rows.c.id.desc()).limit(limit)).mappings()
    return [_view(row) for row in found]


def _view(row: sa.RowMapping) -> InboundView:
    typed = {
        "channel": Channel(row["channel"]),
        "keyword": Keyword(row["keyword"]),
        "media": row["media"] or [],
    }
    return InboundView(**dict(row) | typed)

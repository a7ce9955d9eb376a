"""To whom did an e-mail go? All that its unsubscribe link has to know."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.message import Category


@dataclass(frozen=True, slots=True)
class Mailed:
    """The reader of an e-mail, without their address."""

    message_id: UUID
    tenant_id: UUID
    recipient_key: bytes
    category: Category
    sender_id: UUID | None
    """What it left from."""


_MAILED = sa.text("""
SELECT id, tenant_id, recipient_key, category, sender_id FROM messages
WHERE id = :id AND channel = 'email'
""")


def mailed(db: Connection, message_id: UUID) -> Mailed | None:
    """The reader of a message; None if there is no such e-mail."""
    row = db.execute(_MAILED, {"id": message_id}).one_or_none()
    if row is None:
        return None
    id_, tenant_id, key, category, sender_id = row
    return Mailed(id_, tenant_id, bytes(key), Category(category), sender_id)

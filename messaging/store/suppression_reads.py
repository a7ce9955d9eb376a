"""What do the ledger and its state say of somebody, and of whom does a message speak? Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.message import Channel

Place = tuple[str, bytes, str, str]
"""Where a page ends: channel, recipient key, kind and scope of its last row."""


@dataclass(frozen=True, slots=True)
class Held:
    """A suppression that holds."""

    channel: Channel
    recipient_key: bytes
    kind: str
    scope: str
    source: str
    since: datetime

    @property
    def place(self) -> Place:
        """Where a page that ends with it ends."""
        return (self.channel.value, self.recipient_key, self.kind, self.scope)


_OF_PERSON = sa.text("""
SELECT channel, recipient_key, kind, scope, source, since FROM suppressions
WHERE tenant_id = :tenant AND channel = CAST(:channel AS channel) AND recipient_key = :key
ORDER BY since, kind, scope
""")


def of_person(
    db: Connection, tenant_id: UUID, channel: Channel, recipient_key: bytes
) -> list[Held]:
    """What holds for one person on one channel, oldest first."""
    values = {"tenant": tenant_id, "channel": channel.value, "key": recipient_key}
    return [_held(row) for row in db.execute(_OF_PERSON, values)]


_PAGE = """
SELECT channel, recipient_key, kind, scope, source, since FROM suppressions
WHERE tenant_id = :tenant /* after */ ORDER BY channel, recipient_key, kind, scope LIMIT :limit
"""
_FIRST_PAGE = sa.text(_PAGE.replace("/* after */", ""))
_NEXT_PAGE = sa.text(
    _PAGE.replace(
        "/* after */",
        "AND (channel, recipient_key, kind, scope) > (CAST(:channel AS channel), :key, :kind, :scope)",
    )
)


def page(db: Connection, tenant_id: UUID, after: Place | None, limit: int) -> list[Held]:
    """Up to `limit` of what holds for a tenant, in the order of channel and key."""
    values: dict[str, object] = {"tenant": tenant_id, "limit": limit}
    if after is None:
        return [_held(row) for row in db.execute(_FIRST_PAGE, values)]
    values |= dict(zip(("channel", "key", "kind", "scope"), after, strict=True))
    return [_held(row) for row in db.execute(_NEXT_PAGE, values)]


def _held(row: sa.Row[Any]) -> Held:
    return Held(
        Channel(row.channel), bytes(row.recipient_key), row.kind, row.scope, row.source, row.since
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    action: str
    """`suppress` or `lift`."""
    kind: str
    scope: str
    source: str
    evidence: str | None
    at: datetime
    """When it was said."""
    recorded_at: datetime


_HISTORY = sa.text("""
SELECT action, kind, scope, source, evidence, at, recorded_at FROM suppression_events
WHERE tenant_id = :tenant AND channel = CAST(:channel AS channel) AND recipient_key = :key
ORDER BY id DESC LIMIT :limit
""")


def history(
    db: Connection, tenant_id: UUID, channel: Channel, recipient_key: bytes, limit: int
) -> list[Entry]:
    """The newest lines of the ledger about one person on one channel, oldest first."""
    values = {"tenant": tenant_id, "channel": channel.value, "key": recipient_key, "limit": limit}
    return [Entry(*row) for row in db.execute(_HISTORY, values)][::-1]


@dataclass(frozen=True, slots=True)
class Recipient:
    """To whom a message went, and which others to the same number could not be delivered either."""

    message_id: UUID
    tenant_id: UUID
    channel: Channel
    key: bytes
    address: str | None
    """None once the person was erased."""
    dead_ends: frozenset[UUID]


_RECIPIENTS = sa.text("""
SELECT m.id, m.tenant_id, m.channel, m.recipient_key, CASE WHEN m.erased_at IS NULL THEN m.recipient END,
  ARRAY(SELECT o.id FROM messages o
        WHERE o.recipient_key = m.recipient_key AND o.tenant_id = m.tenant_id
          AND o.status = 'undeliverable' AND o.provider_code = ANY(CAST(:codes AS text[])) LIMIT 2)
FROM messages m WHERE m.id = ANY(CAST(:ids AS uuid[]))
""")


def recipients(
    db: Connection, message_ids: Sequence[UUID], dead_codes: Sequence[str]
) -> dict[UUID, Recipient]:
    """The recipients of these messages; `dead_codes` say of an undeliverable one why it was."""
    rows = db.execute(_RECIPIENTS, {"ids": list(message_ids), "codes": list(dead_codes)})
    return {
        id_: Recipient(id_, tenant, Channel(channel), bytes(key), address, frozenset(others))
        for id_, tenant, channel, key, address, others in rows
    }

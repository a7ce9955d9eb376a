"""Threads: one per tenant, channel and person, found or made race-free, and read in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.message import Channel

# Whoever comes second waits here for the first to commit, and finds its row in the next statement.
_FIND = sa.text("""
SELECT id, sender_id FROM conversations
WHERE tenant_id = :tenant AND channel = CAST(:channel AS channel) AND recipient_key = :key
""")
_MAKE = sa.text("""
INSERT INTO conversations (id, tenant_id, channel, recipient_key, sender_id)
VALUES (:id, :tenant, CAST(:channel AS channel), :key, :sender)
ON CONFLICT (tenant_id, channel, recipient_key)
DO UPDATE SET sender_id = coalesce(conversations.sender_id, excluded.sender_id)
RETURNING id
""")


def join(
    db: Connection,
    new_id: UUID,
    tenant_id: UUID,
    channel: Channel,
    recipient_key: bytes,
    sender_id: UUID | None,
) -> UUID:
    """The id of a person's conversation, made with `new_id` if there is none.

    It keeps the sender it has; without one, `sender_id` is who goes on with it.
    """
    values = {"id": new_id, "tenant": tenant_id, "channel": channel.value, "key": recipient_key}
    found = db.execute(_FIND, values).one_or_none()
    if found is not None and (found.sender_id is not None or sender_id is None):
        known: UUID = found.id
        return known
    made: UUID = db.execute(_MAKE, values | {"sender": sender_id}).scalar_one()
    return made


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread with one person."""

    id: UUID
    channel: Channel
    recipient_key: bytes
    sender_id: UUID | None
    """Who goes on with it."""
    created_at: datetime


_GET = sa.text("""
SELECT id, channel, recipient_key, sender_id, created_at FROM conversations
WHERE id = :id AND tenant_id = :tenant
""")


def find(db: Connection, tenant_id: UUID, conversation_id: UUID) -> Conversation | None:
    """A conversation; None if there is none, or it is another tenant's."""
    row = db.execute(_GET, {"id": conversation_id, "tenant": tenant_id}).one_or_none()
    if row is None:
        return None
    key = bytes(row.recipient_key)
    return Conversation(row.id, Channel(row.channel), key, row.sender_id, row.created_at)


_SENDERS = sa.text("""
SELECT recipient_key, sender_id FROM conversations
WHERE tenant_id = :tenant AND channel = CAST(:channel AS channel) AND sender_id IS NOT NULL
  AND recipient_key = ANY(CAST(:keys AS bytea[]))
""")


def senders(
    db: Connection, tenant_id: UUID, channel: Channel, recipient_keys: Sequence[bytes]
) -> dict[bytes, UUID]:
    """Who goes on with the conversations of some people, by their keys."""
    values = {"tenant": tenant_id, "channel": channel.value, "keys": list(recipient_keys)}
    return {bytes(key): sender_id for key, sender_id in db.execute(_SENDERS, values)}


_ADDRESS = sa.text("""
SELECT address FROM (
  (SELECT id, from_address AS address FROM inbound_messages
   WHERE recipient_key = :key AND tenant_id = :tenant AND from_address <> '' LIMIT 1)
  UNION ALL
  (SELECT id, recipient FROM messages
   WHERE recipient_key = :key AND tenant_id = :tenant AND recipient <> '' LIMIT 1)
  UNION ALL
  (SELECT contact_id, address FROM contact_addresses
   WHERE recipient_key = :key AND tenant_id = :tenant LIMIT 1)
) AS known LIMIT 1
""")


def address(db: Connection, tenant_id: UUID, recipient_key: bytes) -> str | None:
    """The address behind a key, as far as any message or contact of the tenant still has it."""
    found: str | None = db.execute(_ADDRESS, {"key": recipient_key, "tenant": tenant_id}).scalar()
    return found


_CONTACT = sa.text("""
SELECT contact_id FROM contact_addresses WHERE recipient_key = :key AND tenant_id = :tenant
ORDER BY contact_id LIMIT 1
""")


def contact_of(db: Connection, tenant_id: UUID, recipient_key: bytes) -> UUID | None:
    """The contact with this address; of several the one that was there first."""
    found: UUID | None = db.execute(_CONTACT, {"key": recipient_key, "tenant": tenant_id}).scalar()
    return found


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a conversation, of either direction."""

    id: UUID
    direction: str
    """`in` or `out`."""
    channel: Channel
    from_address: str | None
    to_address: str
    body: str
    media: list[str]
    status: str
    keyword: str | None
    """What was read in it, if it is inbound."""
    at: datetime
    """When it was handed in, or came in."""


# Everything with one person is found by the indexes of persons, and only then put in order (ids are
# UUIDv7): the planner might else walk through a tenant's messages from the newest on.
_PAGE = sa.text("""
WITH everything AS MATERIALIZED (
  SELECT m.id, 'out' AS direction FROM messages m
  WHERE m.recipient_key = ANY(CAST(:keys AS bytea[])) AND m.tenant_id = :tenant
  UNION ALL
  SELECT i.id, 'in' FROM inbound_messages i
  WHERE i.recipient_key = ANY(CAST(:keys AS bytea[])) AND i.tenant_id = :tenant
), page AS MATERIALIZED (
  SELECT * FROM everything WHERE CAST(:before AS uuid) IS NULL OR id < :before
  ORDER BY id DESC LIMIT :limit
)
SELECT m.id, 'out' AS direction, m.channel, s.address AS from_address, m.recipient AS to_address,
       m.body, m.parts -> 'media' AS media, m.status::text AS status, NULL AS keyword,
       m.created_at AS at
FROM page p JOIN messages m ON m.id = p.id AND p.direction = 'out'
LEFT JOIN senders s ON s.id = m.sender_id
UNION ALL
SELECT i.id, 'in', i.channel, i.from_address, i.to_address, i.body, to_jsonb(i.media), 'received',
       i.keyword, i.received_at
FROM page p JOIN inbound_messages i ON i.id = p.id AND p.direction = 'in'
ORDER BY id DESC
""")


def page(
    db: Connection,
    tenant_id: UUID,
    recipient_keys: Sequence[bytes],
    before: UUID | None,
    limit: int,
) -> list[Line]:
    """Up to `limit` messages with one person, newest first, older than the id `before`."""
    values = {"keys": list(recipient_keys), "tenant": tenant_id, "before": before, "limit": limit}
    return [
        Line(**dict(row) | {"channel": Channel(row["channel"]), "media": row["media"] or []})
        for row in db.execute(_PAGE, values).mappings()
    ]

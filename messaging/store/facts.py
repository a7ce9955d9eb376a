"""Everything compliance and selection ask about a batch of messages, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.compliance.facts import Facts, Suppression, SuppressionKind
from messaging.domain.lifecycle import Status
from messaging.domain.message import Category, Channel, Message, Priority

_GATHER = sa.text("""
SELECT m.id, m.tenant_id, m.channel, m.recipient, m.recipient_key, m.body, m.segments, m.category,
       m.priority, m.status, m.epoch, m.attempts, m.created_at, m.queued_at, m.expires_at,
       m.requested_sender_id, m.pool_id, m.conversation_id, m.tried_sender_ids,
       c.sender_id AS sticky_sender_id,
       (SELECT json_build_array(s.kind, s.source, s.since) FROM suppressions s
        WHERE s.tenant_id = m.tenant_id AND s.channel = m.channel
          AND s.recipient_key = m.recipient_key AND s.scope IN ('all', m.category::text)
        ORDER BY s.since LIMIT 1) AS suppression
FROM messages m
LEFT JOIN conversations c ON c.tenant_id = m.tenant_id AND c.channel = m.channel
  AND c.recipient_key = m.recipient_key
WHERE m.id = ANY(CAST(:ids AS uuid[])) AND m.status = 'queued'
""")

_CHANNELS = {c.value: c for c in Channel}
_CATEGORIES = {c.value: c for c in Category}
_PRIORITIES = {p.value: p for p in Priority}


@dataclass(slots=True)  # not frozen: made for every message, and freezing doubles its price
class Case:
    """One message with what is known about it."""

    message: Message
    facts: Facts
    sticky_sender_id: UUID | None


def gather(db: Connection, message_ids: Sequence[UUID]) -> list[Case]:
    """The cases of those messages that are still queued, in no particular order."""
    return [_case(row) for row in db.execute(_GATHER, {"ids": list(message_ids)}).all()]


def _case(row: Any) -> Case:
    (
        id_,
        tenant_id,
        channel,
        recipient,
        recipient_key,
        body,
        segments,
        category,
        priority,
        _status,
        epoch,
        attempts,
        created_at,
        queued_at,
        expires_at,
        sender_id,
        pool_id,
        conversation_id,
        tried,
        sticky,
        suppression,
    ) = row
    message = Message(
        id=id_,
        tenant_id=tenant_id,
        channel=_CHANNELS[channel],
        recipient=recipient,
        recipient_key=recipient_key,
        body=body,
        segments=segments,
        category=_CATEGORIES[category],
        priority=_PRIORITIES[priority],
        status=Status.QUEUED,
        epoch=epoch,
        attempts=attempts,
        created_at=created_at,
        queued_at=queued_at,
        expires_at=expires_at,
        sender_id=sender_id,
        pool_id=pool_id,
        conversation_id=conversation_id,
        tried_sender_ids=tuple(tried) if tried else (),
    )
    return Case(message, Facts(suppression=_suppression(suppression)), sticky)


def _suppression(found: list[Any] | None) -> Suppression | None:
    if found is None:
        return None
    kind, source, since = found
    return Suppression(SuppressionKind(kind), source, datetime.fromisoformat(since))


_STICK = sa.text("""
INSERT INTO conversations (id, tenant_id, channel, recipient_key, sender_id)
SELECT DISTINCT ON (m.tenant_id, m.channel, m.recipient_key)
       v.conversation_id, m.tenant_id, m.channel, m.recipient_key, v.sender_id
FROM unnest(CAST(:ids AS uuid[]), CAST(:conversations AS uuid[]), CAST(:senders AS uuid[]))
  AS v(message_id, conversation_id, sender_id)
JOIN messages m ON m.id = v.message_id
ORDER BY m.tenant_id, m.channel, m.recipient_key
ON CONFLICT (tenant_id, channel, recipient_key) DO UPDATE SET sender_id = excluded.sender_id
WHERE conversations.sender_id IS DISTINCT FROM excluded.sender_id
""")


def stick(db: Connection, sent: Sequence[tuple[UUID, UUID, UUID]]) -> None:
    """Remember, per (message id, new conversation id, sender id), who spoke to the recipient last.

    Rows are taken in key order, so that two workers never wait for each other in a circle.
    """
    if sent:
        ids, conversations, senders = (list(column) for column in zip(*sent, strict=True))
        db.execute(_STICK, {"ids": ids, "conversations": conversations, "senders": senders})

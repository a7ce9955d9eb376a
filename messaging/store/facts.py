"""Everything compliance and selection ask about a batch of messages, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.compliance.facts import (
    Basis,
    Consent,
    ConsentAction,
    Facts,
    Line,
    LineType,
    Suppression,
    SuppressionKind,
)
from messaging.domain.lifecycle import Status
from messaging.domain.message import Category, Channel, Message, Parts, Priority, Purpose

# What is known of the person behind a row `m`. Marketing asks for more than the rest, and what is no
# answer to the person asks how much they have had. What was
# handed over counts against a cap from the moment its attempt was opened, however it ended.
_PERSON = """
       (SELECT json_build_array(s.kind, s.source, s.since) FROM suppressions s
        WHERE s.tenant_id = m.tenant_id AND s.channel = m.channel
          AND s.recipient_key = m.recipient_key AND s.scope IN ('all', m.category::text)
        ORDER BY s.since LIMIT 1) AS suppression,
       (SELECT json_build_array(n.line_type, n.source, n.checked_at) FROM number_facts n
        WHERE n.tenant_id = m.tenant_id AND n.recipient_key = m.recipient_key) AS line,
       CASE WHEN m.category = 'MARKETING' THEN json_build_array(
         (SELECT json_build_array(c.action, c.basis, c.source, c.at) FROM consent_events c
          WHERE c.tenant_id = m.tenant_id AND c.channel = m.channel
            AND c.recipient_key = m.recipient_key AND c.category = m.category
          ORDER BY c.at DESC, c.id DESC LIMIT 1),
         (SELECT min(d.registry) FROM dnc_numbers d
          WHERE d.tenant_id = m.tenant_id AND d.recipient_key = m.recipient_key),
         (SELECT json_object_agg(d.registry, d.scrubbed_at) FROM dnc_scrubs d
          WHERE d.tenant_id = m.tenant_id)
       ) END AS marketing,
       CASE WHEN m.category <> 'TRANSACTIONAL' THEN ARRAY(
         SELECT o.sending_started_at FROM messages o
         WHERE o.recipient_key = m.recipient_key AND o.tenant_id = m.tenant_id
           AND o.category = m.category AND o.id <> m.id
           AND o.status IN ('sending', 'sent', 'delivered', 'undeliverable')
           AND o.sending_started_at > now() - interval '31 days'
         ORDER BY o.sending_started_at DESC LIMIT 1000) END AS recent,
       CASE WHEN m.channel = 'instagram_dm' THEN
         (SELECT max(i.at) FROM inbound_messages i
          WHERE i.recipient_key = m.recipient_key AND i.tenant_id = m.tenant_id
            AND i.channel = m.channel) END AS last_inbound
"""

_GATHER = sa.text(f"""
SELECT m.id, m.tenant_id, m.channel, m.recipient, m.recipient_key, m.body, m.segments, m.category,
       m.priority, m.epoch, m.attempts, m.created_at, m.queued_at, m.expires_at,
       m.requested_sender_id, m.pool_id, m.conversation_id, m.tried_sender_ids, m.flash, m.content,
       m.time_zone, m.postal_code, m.purpose, m.failed_account_ids, m.parts, m.sandboxed, m.campaign, m.source,
       m.agent, m.template, c.sender_id AS sticky_sender_id,
       CASE WHEN m.lead IS NOT NULL THEN
         (SELECT b.sender_id FROM bindings b WHERE b.tenant_id = m.tenant_id AND b.kind = 'lead'
            AND b.ref = m.lead AND b.sender_id IS NOT NULL ORDER BY b.id DESC LIMIT 1)
       END AS lead_sender_id, {_PERSON}
FROM messages m
LEFT JOIN conversations c ON c.tenant_id = m.tenant_id AND c.channel = m.channel
  AND c.recipient_key = m.recipient_key
WHERE m.id = ANY(CAST(:ids AS uuid[])) AND m.status = 'queued'
""")  # noqa: S608 - a constant of this module

_CHANNELS = {c.value: c for c in Channel}
_CATEGORIES = {c.value: c for c in Category}
_PRIORITIES = {p.value: p for p in Priority}


@dataclass(slots=True)  # not frozen: made for every message, and freezing doubles its price
class Case:
    """One message with what is known about it."""

    message: Message
    facts: Facts
    sticky_sender_id: UUID | None
    lead_sender_id: UUID | None = None


def gather(db: Connection, message_ids: Sequence[UUID]) -> list[Case]:
    """The cases of those messages that are still queued, in no particular order."""
    return [_case(row) for row in db.execute(_GATHER, {"ids": list(message_ids)}).all()]


def _case(row: Any) -> Case:
    *of_message, sticky, lead_sender_id, suppression, line, marketing, recent, last_inbound = row
    belongs_to: _BelongsTo = tuple(of_message[-4:])
    facts = _facts(suppression, line, marketing, recent, last_inbound)
    return Case(_message(*of_message[:-4], belongs_to=belongs_to), facts, sticky, lead_sender_id)


_BelongsTo = tuple[str | None, str | None, str | None, str | None]
"""Campaign, source, agent and template, as the tenant names them."""


def _message(
    id_: UUID,
    tenant_id: UUID,
    channel: str,
    recipient: str,
    recipient_key: bytes,
    body: str,
    segments: int,
    category: str,
    priority: str,
    epoch: int,
    attempts: int,
    created_at: datetime,
    queued_at: datetime | None,
    expires_at: datetime | None,
    sender_id: UUID | None,
    pool_id: UUID | None,
    conversation_id: UUID | None,
    tried: list[UUID] | None,
    flash: bool,
    content: str | None,
    time_zone: str | None,
    postal_code: str | None,
    purpose: str | None,
    failed: list[UUID] | None,
    parts: dict[str, Any] | None,
    sandboxed: bool,
    *,
    belongs_to: _BelongsTo,
) -> Message:
    return Message(
        id_,
        tenant_id,
        _CHANNELS[channel],
        recipient,
        recipient_key,
        body,
        segments,
        _CATEGORIES[category],
        _PRIORITIES[priority],
        Status.QUEUED,
        epoch,
        attempts,
        created_at,
        queued_at,
        expires_at,
        sender_id,
        pool_id,
        conversation_id,
        tuple(tried) if tried else (),
        tuple(failed) if failed else (),
        flash,
        content,
        time_zone,
        postal_code,
        Purpose(purpose) if purpose else None,
        *belongs_to,
        parts_of(parts) if parts else None,
        sandboxed,
    )


def parts_of(kept: dict[str, Any]) -> Parts:
    """What a message has beside its text, as it was kept."""
    return Parts(**(kept | {"media": tuple(kept.get("media", ()))}))


def _facts(
    suppression: Any, line: Any, marketing: Any, recent: Any, last_inbound: datetime | None
) -> Facts:
    facts = Facts()
    facts.last_inbound = last_inbound
    if suppression is not None:
        kind, source, since = suppression
        facts.suppression = Suppression(
            SuppressionKind(kind), source, datetime.fromisoformat(since)
        )
    if line is not None:
        kind, source, checked_at = line
        facts.line = Line(LineType(kind), source, datetime.fromisoformat(checked_at))
    if recent:
        facts.recent = tuple(reversed(recent))
    if marketing is not None:
        consent, facts.dnc_listed, scrubs = marketing
        if consent is not None:
            action, basis, source, at = consent
            facts.consent = Consent(
                ConsentAction(action),
                Basis(basis) if basis else None,
                source,
                datetime.fromisoformat(at),
            )
        for registry, at in (scrubs or {}).items():
            facts.dnc_scrubbed_at[registry] = datetime.fromisoformat(at)
    return facts


class Person(NamedTuple):  # made and looked up for every message handed in
    """A recipient as the intake asks about one, before there is a message."""

    tenant_id: UUID
    channel: Channel
    recipient_key: bytes
    category: Category
    notice_days: int
    """After how many days a marketing message counts as a first one again."""
    at: datetime
    """When the message would go out."""


# At intake there is no message yet that could count itself. Whoever was only going to be written to,
# or was refused, has not been told who writes and how to stop it.
_PEOPLE = sa.text(
    f"""
SELECT {_PERSON.replace("o.id <> m.id", "true")}, m.category = 'MARKETING' AND NOT EXISTS (
         SELECT 1 FROM messages o
         WHERE o.recipient_key = m.recipient_key AND o.tenant_id = m.tenant_id
           AND o.category = 'MARKETING' AND o.channel = m.channel
           AND o.status IN ('scheduled', 'queued', 'sending', 'sent', 'delivered')
           AND coalesce(o.scheduled_for, o.created_at)
             BETWEEN m.at - make_interval(days => m.notice_days) AND m.at) AS first
FROM unnest(CAST(:tenants AS uuid[]), CAST(:channels AS channel[]), CAST(:keys AS bytea[]),
            CAST(:categories AS category[]), CAST(:days AS int[]), CAST(:times AS timestamptz[]))
  WITH ORDINALITY AS m(tenant_id, channel, recipient_key, category, notice_days, at, n)
ORDER BY m.n
"""  # noqa: S608 - a constant of this module
)


def of_people(db: Connection, people: Sequence[Person]) -> list[tuple[Facts, bool]]:
    """Per person, in order: the facts, and whether marketing would be the first in a while."""
    if not people:
        return []
    each = list(dict.fromkeys(people))  # a list may write to one person a thousand times
    rows = db.execute(
        _PEOPLE,
        {
            "tenants": [p.tenant_id for p in each],
            "channels": [p.channel.value for p in each],
            "keys": [p.recipient_key for p in each],
            "categories": [p.category.value for p in each],
            "days": [p.notice_days for p in each],
            "times": [p.at for p in each],
        },
    )
    found = dict(zip(each, rows, strict=True))
    return [(_facts(*known), first) for *known, first in map(found.__getitem__, people)]


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

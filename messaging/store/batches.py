"""Lists of people that were written to at once: the campaign they are, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.audience import Audience
from messaging.domain.campaign_states import CampaignState
from messaging.domain.lifecycle import Status
from messaging.domain.message import Channel
from messaging.store import audience as audience_store
from messaging.store import tables as t


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody on the list, and the message to them; without one, why there is none."""

    recipient_key: bytes
    address: str
    message_id: UUID | None
    reason: str | None = None
    contact_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A list as it is kept: a campaign whose every recipient has been seen to."""

    id: UUID
    name: str
    request: Mapping[str, Any]
    """A `CampaignRequest` as JSON."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Fate:
    """What has become of one recipient; without a status no message was made, for the reason given."""

    address: str
    message_id: UUID | None
    status: Status | None
    reason: str | None


def keep(db: Connection, tenant_id: UUID, batch: Batch, recipients: Sequence[Recipient]) -> None:
    """Keep a list beside its messages, in their transaction; each recipient key stands in it once."""
    c, now = t.campaigns, batch.created_at
    db.execute(
        sa.insert(c).values(
            id=batch.id,
            tenant_id=tenant_id,
            name=batch.name,
            state=CampaignState.RUNNING.value,
            request=dict(batch.request),
            targets=len(recipients),
            expanded_to=len(recipients),
            created_at=now,
            snapshot_at=now,
            started_at=now,
            state_since=now,
        )
    )
    rows = [
        {
            "campaign_id": batch.id,
            "recipient_key": one.recipient_key,
            "n": n,
            "contact_id": one.contact_id,
            "address": one.address,
            "message_id": one.message_id,
            "state": "skipped" if one.message_id is None else "expanded",
            "reason": one.reason,
        }
        for n, one in enumerate(recipients, 1)
    ]
    db.execute(sa.insert(t.campaign_recipients), rows)


_BATCH = (t.campaigns.c.id, t.campaigns.c.name, t.campaigns.c.request, t.campaigns.c.created_at)


def find(db: Connection, tenant_id: UUID, batch_id: UUID) -> Batch | None:
    """A list by its id; None if there is none, or it is another tenant's."""
    c = t.campaigns.c
    row = db.execute(sa.select(*_BATCH).where(c.id == batch_id, c.tenant_id == tenant_id))
    found = row.one_or_none()
    return Batch(*found) if found else None


def of_message(db: Connection, tenant_id: UUID, message_id: UUID) -> Batch | None:
    """The list a message was on."""
    m, c = t.messages.c, t.campaigns.c
    row = db.execute(
        sa.select(*_BATCH)
        .join(t.messages, (m.tenant_id == c.tenant_id) & (m.campaign == c.name))
        .where(m.id == message_id, m.tenant_id == tenant_id)
    )
    found = row.one_or_none()
    return Batch(*found) if found else None


def fates(db: Connection, batch_id: UUID) -> list[Fate]:
    """What has become of everybody on a list, in its order, as the ledger stands now."""
    r, m = t.campaign_recipients.c, t.messages.c
    rows = db.execute(
        sa.select(r.address, r.message_id, m.status, sa.func.coalesce(m.status_reason, r.reason))
        .outerjoin_from(t.campaign_recipients, t.messages, m.id == r.message_id)
        .where(r.campaign_id == batch_id)
        .order_by(r.n)
    )
    return [Fate(a, id_, Status(s) if s else None, reason) for a, id_, s, reason in rows]


@dataclass(frozen=True, slots=True)
class Person:
    """A contact of an audience; without an address they cannot be reached on the channel."""

    id: UUID
    ref: str | None
    address: str | None
    agent: str | None
    source: str | None
    time_zone: str | None
    postal_code: str | None


def people(
    db: Connection, tenant_id: UUID, audience: Audience, channel: Channel, most: int
) -> list[Person]:
    """Everybody in an audience, at most `most`, each address once, also those who have none."""
    condition, values = audience_store.where(tenant_id, audience)
    query = sa.text(f"""
    SELECT DISTINCT ON (coalesce(a.recipient_key, uuid_send(c.id)))
           c.id, c.ref, a.address, c.agent, c.source, c.time_zone, c.postal_code
    FROM contacts c LEFT JOIN contact_addresses a ON a.contact_id = c.id
      AND a.channel = CAST(:batch_channel AS channel) AND a.position = 0
    WHERE {condition}
    ORDER BY coalesce(a.recipient_key, uuid_send(c.id)), c.id
    LIMIT :batch_most
    """)  # noqa: S608 - the condition is made of constants and names of parameters
    bound = {**values, "batch_channel": channel.value, "batch_most": most}
    return [Person(*row) for row in db.execute(query, bound)]


def strangers(db: Connection, tenant_id: UUID, lead_ids: tuple[str, ...]) -> list[str]:
    """Those of some lead ids that no contact of the tenant's has, each once."""
    return list(dict.fromkeys(audience_store.unknown(db, tenant_id, lead_ids)))

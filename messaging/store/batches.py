"""Lists of people that were written to at once: the campaign they are, and what became of each.

A long list is a campaign that has begun: it says for whom there can be no message, and to whom else it is.
"""

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


def begin(db: Connection, tenant_id: UUID, batch: Batch) -> None:
    """Keep a long list as a campaign that is about to write down whom it is to."""
    c, now = t.campaigns, batch.created_at
    db.execute(sa.text("SET LOCAL statement_timeout = '60s'"))  # a million rows are counted
    db.execute(
        sa.insert(c).values(
            id=batch.id,
            tenant_id=tenant_id,
            name=batch.name,
            state=CampaignState.SNAPSHOT.value,
            request=dict(batch.request),
            created_at=now,
            state_since=now,
            next_at=now,
        )
    )


_MISSED = """
INSERT INTO campaign_recipients
  (campaign_id, recipient_key, n, contact_id, address, state, reason)
SELECT :batch_id, who.key, row_number() OVER (ORDER BY who.id), who.id, who.address, 'skipped',
       who.reason
FROM (
  SELECT DISTINCT ON (coalesce(a.recipient_key, uuid_send(c.id)))
         coalesce(a.recipient_key, uuid_send(c.id)) AS key, c.id,
         coalesce(a.address, c.id::text) AS address,
         CASE WHEN a.address IS NULL THEN 'no_address' ELSE 'placeholder' END AS reason
  FROM contacts c LEFT JOIN contact_addresses a ON a.contact_id = c.id
    AND a.channel = CAST(:batch_channel AS channel) AND a.position = 0
  WHERE {where} AND (a.recipient_key IS NULL OR a.recipient_key = CAST(:batch_spared AS bytea))
  ORDER BY coalesce(a.recipient_key, uuid_send(c.id)), c.id
) AS who
"""
_REACHED = """
SELECT count(*) FROM (
  SELECT DISTINCT a.recipient_key
  FROM contacts c JOIN contact_addresses a ON a.contact_id = c.id
    AND a.channel = CAST(:batch_channel AS channel) AND a.position = 0
  WHERE {where} AND a.recipient_key IS DISTINCT FROM CAST(:batch_spared AS bytea)
) AS who
"""
_LOST = sa.text("""
INSERT INTO campaign_recipients (campaign_id, recipient_key, n, address, state, reason)
SELECT :id, v.key, :base + v.n, v.address, 'skipped', 'unknown_lead'
FROM unnest(CAST(:keys AS bytea[]), CAST(:addresses AS text[])) WITH ORDINALITY AS v(key, address, n)
""")


def sort_out(
    db: Connection,
    tenant_id: UUID,
    batch_id: UUID,
    audience: Audience,
    channel: Channel,
    spared: bytes | None,
    lost: Sequence[Recipient],
) -> tuple[int, int]:
    """Write down whom a long list cannot reach, as its first places; how many it can, and cannot.

    Those are contacts of the audience without an address on the channel, whoever has the key `spared`, and
    the `lost`, whom nobody knows. The campaign writes down the others behind them, and nobody twice.
    """
    condition, values = audience_store.where(tenant_id, audience)
    bound = {**values, "batch_channel": channel.value, "batch_spared": spared, "batch_id": batch_id}
    missed = db.execute(sa.text(_MISSED.format(where=condition)), bound).rowcount
    if lost:
        keys, names = [one.recipient_key for one in lost], [one.address for one in lost]
        db.execute(_LOST, {"id": batch_id, "base": missed, "keys": keys, "addresses": names})
    failed = missed + len(lost)
    db.execute(sa.update(t.campaigns).where(t.campaigns.c.id == batch_id).values(targets=failed))
    del bound["batch_id"]
    reached: int = db.execute(sa.text(_REACHED.format(where=condition)), bound).scalar_one()
    return reached, failed


_BATCH = (t.campaigns.c.id, t.campaigns.c.name, t.campaigns.c.request, t.campaigns.c.created_at)


def find(db: Connection, tenant_id: UUID, batch_id: UUID, most: int) -> Batch | None:
    """A list of at most `most` by its id; None if there is none, or it is another tenant's."""
    c = t.campaigns.c
    mine = (c.id == batch_id) & (c.tenant_id == tenant_id) & (c.targets <= most)
    found = db.execute(sa.select(*_BATCH).where(mine)).one_or_none()
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


def exceeds(db: Connection, tenant_id: UUID, audience: Audience, count: int) -> bool:
    """Whether an audience is more than `count` contacts; looks at no more than it takes to know."""
    condition, values = audience_store.where(tenant_id, audience)
    query = sa.text(f"""
    SELECT EXISTS (SELECT 1 FROM contacts c WHERE {condition} OFFSET :batch_count)
    """)  # noqa: S608 - as above
    return bool(db.execute(query, {**values, "batch_count": count}).scalar())


def strangers(db: Connection, tenant_id: UUID, lead_ids: tuple[str, ...]) -> list[str]:
    """Those of some lead ids that no contact of the tenant's has, each once."""
    return list(dict.fromkeys(audience_store.unknown(db, tenant_id, lead_ids)))

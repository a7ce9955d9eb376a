"""What operators change of senders, their pools and what is bound to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.message import Channel
from messaging.domain.registration import SenderKind
from messaging.store import tables as t


@dataclass(frozen=True, slots=True)
class Known:
    """What of a sender never changes, and its ramp."""

    channel: Channel
    kind: SenderKind
    address: str
    ramp: list[int] | None


def lock(db: Connection, tenant_id: UUID, sender_id: UUID) -> Known | None:
    """One of a tenant's senders that are in use, held until the transaction ends; None if it is none."""
    s = t.senders.c
    row = db.execute(
        sa.select(s.channel, s.kind, s.address, s.ramp)
        .where(s.tenant_id == tenant_id, s.id == sender_id, s.retired_at.is_(None))
        .with_for_update()
    ).one_or_none()
    if row is None:
        return None
    return Known(Channel(row.channel), SenderKind(row.kind), row.address, row.ramp)


def taken(
    db: Connection, tenant_id: UUID, identities: Sequence[tuple[Channel, str]]
) -> set[tuple[Channel, str]]:
    """Those of some addresses that are a tenant's senders already, or were."""
    s = t.senders.c
    addresses = [address for _, address in identities]
    found = db.execute(
        sa.select(s.channel, s.address).where(s.tenant_id == tenant_id, s.address.in_(addresses))
    )
    return {(Channel(channel), address) for channel, address in found} & set(identities)


@dataclass(frozen=True, slots=True)
class DayLimit:
    """How many people a new sender may write to a day, in the end and while it warms up."""

    sender_id: UUID
    daily_recipients: int | None
    ramp: list[int] | None
    since: date


def limit_days(db: Connection, limits: Sequence[DayLimit]) -> None:
    """Begin the daily limits of new senders."""
    if limits:
        db.execute(
            sa.update(t.senders)
            .where(t.senders.c.id == sa.bindparam("sender"))
            .values(
                daily_recipients=sa.bindparam("most"),
                ramp=sa.bindparam("steps"),
                ramp_since=sa.bindparam("since"),
            ),
            [
                {
                    "sender": limit.sender_id,
                    "most": limit.daily_recipients,
                    "steps": limit.ramp,
                    "since": limit.since if limit.ramp is not None else None,
                }
                for limit in limits
            ],
        )


def find(db: Connection, tenant_id: UUID, name: str) -> UUID | None:
    """The id of one of a tenant's senders that are in use, by its address or its id."""
    s = t.senders.c
    found: UUID | None = db.execute(
        sa.select(s.id)
        .where(s.tenant_id == tenant_id, s.retired_at.is_(None))
        .where((s.address == name) | (sa.cast(s.id, sa.Text) == name))
        .order_by(s.id)
        .limit(1)
    ).scalar()
    return found


def account_of(db: Connection, sender_id: UUID) -> tuple[UUID, str]:
    """The provider account a sender belongs to, and its name."""
    a, s = t.provider_accounts, t.senders
    row = db.execute(
        sa.select(a.c.id, a.c.name).join(s, s.c.account_id == a.c.id).where(s.c.id == sender_id)
    ).one()
    return row.id, row.name


def account_ids(db: Connection, tenant_id: UUID) -> dict[str, UUID]:
    """A tenant's provider accounts by name."""
    a = t.provider_accounts.c
    found = db.execute(sa.select(a.name, a.id).where(a.tenant_id == tenant_id))
    return {row.name: row.id for row in found}


def campaign_ids(db: Connection, tenant_id: UUID) -> dict[str, UUID]:
    """A tenant's 10DLC campaigns by name."""
    c = t.tendlc_campaigns.c
    found = db.execute(sa.select(c.name, c.id).where(c.tenant_id == tenant_id).order_by(c.name))
    return {row.name: row.id for row in found}


def pool_ids(db: Connection, tenant_id: UUID) -> dict[str, UUID]:
    """A tenant's pools by name."""
    p = t.sender_pools.c
    found = db.execute(sa.select(p.name, p.id).where(p.tenant_id == tenant_id))
    return {row.name: row.id for row in found}


def change_pool(db: Connection, tenant_id: UUID, name: str, values: Mapping[str, Any]) -> bool:
    """Set columns of a tenant's pool; False if it has none of this name."""
    p = t.sender_pools.c
    changed = db.execute(
        sa.update(t.sender_pools).where(p.tenant_id == tenant_id, p.name == name).values(**values)
    )
    return changed.rowcount == 1


def sizes(db: Connection, tenant_id: UUID) -> dict[UUID, int]:
    """How many senders in use each of a tenant's pools has; one that has none is left out."""
    found = db.execute(
        sa.select(t.sender_pool_members.c.pool_id, sa.func.count().label("size"))
        .join(t.senders, t.senders.c.id == t.sender_pool_members.c.sender_id)
        .where(t.senders.c.tenant_id == tenant_id, t.senders.c.retired_at.is_(None))
        .group_by(t.sender_pool_members.c.pool_id)
    )
    return {row.pool_id: row.size for row in found}


_JOIN = sa.text("""
INSERT INTO sender_pool_members (pool_id, sender_id)
SELECT unnest(CAST(:pools AS uuid[])), :sender ON CONFLICT DO NOTHING
""")
_LEAVE = sa.text("""
DELETE FROM sender_pool_members WHERE sender_id = :sender AND pool_id = ANY(CAST(:pools AS uuid[]))
""")
_LEAVE_OTHERS = sa.text("""
DELETE FROM sender_pool_members
WHERE sender_id = :sender AND pool_id <> ALL(CAST(:pools AS uuid[]))
""")


def join(db: Connection, sender_id: UUID, pools: Sequence[UUID]) -> None:
    """Add a sender to pools; it may be in them already."""
    db.execute(_JOIN, {"pools": list(pools), "sender": sender_id})


def leave(db: Connection, sender_id: UUID, pools: Sequence[UUID]) -> bool:
    """Take a sender out of pools; False if it was in none of them."""
    return db.execute(_LEAVE, {"pools": list(pools), "sender": sender_id}).rowcount > 0


def belong(db: Connection, sender_id: UUID, pools: Sequence[UUID]) -> None:
    """Make these the pools a sender is in, and no others."""
    db.execute(_LEAVE_OTHERS, {"pools": list(pools), "sender": sender_id})
    join(db, sender_id, pools)


_IN_USE = sa.text("""
SELECT
  EXISTS (SELECT FROM bindings WHERE pool_id = :pool) AS bound,
  EXISTS (SELECT FROM sender_pool_members m JOIN senders s ON s.id = m.sender_id
          WHERE m.pool_id = :pool AND s.retired_at IS NULL) AS peopled,
  EXISTS (SELECT FROM messages m WHERE m.pool_id = :pool
          AND m.status IN ('queued', 'scheduled', 'blocked_missing_campaign') AND m.id IN (
            SELECT message_id FROM scheduled UNION ALL SELECT message_id FROM ready
            UNION ALL SELECT message_id FROM held)) AS awaited
""")


@dataclass(frozen=True, slots=True)
class Uses:
    """What stands in the way of deleting a pool."""

    bound: bool
    peopled: bool
    """It has senders."""
    awaited: bool
    """Messages that name it wait."""


def uses(db: Connection, pool_id: UUID) -> Uses:
    """What a pool is still needed for. Slow beside a large backlog: it looks at all that waits."""
    return Uses(*db.execute(_IN_USE, {"pool": pool_id}).one())


def delete_pool(db: Connection, pool_id: UUID) -> None:
    """Delete a pool that is needed for nothing."""
    db.execute(sa.delete(t.sender_pool_members).where(t.sender_pool_members.c.pool_id == pool_id))
    db.execute(sa.delete(t.sender_pools).where(t.sender_pools.c.id == pool_id))

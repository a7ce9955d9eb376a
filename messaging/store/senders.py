"""Who may send: senders, their pools and the provider accounts they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.engine import Connection

from messaging.domain import areas, registration
from messaging.domain.bindings import Binding, BindingKind, Bindings
from messaging.domain.message import Campaign, Capability, Channel, ProviderAccount, Sender
from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    ReplyOwner,
    SenderKind,
    Verification,
)
from messaging.domain.sender_health import SenderState
from messaging.store import accounts as accounts_store
from messaging.store import campaigns as campaign_rows
from messaging.store import paused_templates
from messaging.store import tables as t


@dataclass(frozen=True, slots=True)
class Pool:
    """How a group of senders is chosen from."""

    id: UUID
    name: str
    regions: frozenset[str] | None = None
    """Where it may write to (ISO 3166); None is wherever the tenant may."""
    sticky: bool = True
    """Whether a conversation keeps its sender."""
    local: bool = True
    """Whether a number near the recipient comes before any other."""
    local_km: int = 400
    """How far that may be, where none is of the same state."""
    segments_per_second: float | None = None
    """What all its senders together may send; None is no limit of its own."""


@dataclass(frozen=True, slots=True)
class Senders:
    """One tenant's senders and accounts, as of a moment ago."""

    senders: tuple[Sender, ...]
    accounts: dict[UUID, ProviderAccount]
    pools: dict[str, Pool]
    bindings: Bindings
    used: dict[UUID, float] = field(default_factory=dict)
    """What of a day's segments each sender has sent today, as a share; only those that did."""
    paused_templates: dict[str, str] = field(default_factory=dict)
    paused_campaigns: dict[str, str] = field(default_factory=dict)
    """Texts that wait, and why."""


_SENDERS = sa.text("""
SELECT s.id, s.tenant_id, s.account_id, s.channel, s.address, s.mps, s.is_default,
       s.kind, s.verification, s.provider_verification_id, s.reply_owner,
       s.capabilities, s.country, s.owner, s.state, s.state_since, s.state_reason,
       s.daily_recipients, s.ramp, s.ramp_level,
       ARRAY(SELECT p.pool_id FROM sender_pool_members p WHERE p.sender_id = s.id) AS pool_ids,
       c.id AS campaign_id, c.name AS campaign, c.status AS campaign_status,
       c.provider_campaign_id, c.has_links, c.has_phone_numbers, c.age_gated, c.segments_per_minute,
       b.id AS brand_id, b.name AS brand, b.status AS brand_status, b.segments_per_day,
       r.used
FROM senders s
LEFT JOIN tendlc_campaigns c ON c.id = s.tendlc_campaign_id
LEFT JOIN brands b ON b.id = c.brand_id
LEFT JOIN rate_totals r ON r.day = (now() AT TIME ZONE 'America/Los_Angeles')::date
  AND r.key = 's:' || s.id
WHERE s.tenant_id = :tenant AND s.retired_at IS NULL
ORDER BY s.id
""")


def read(db: Connection, tenant_id: UUID, sealer: Fernet) -> Senders:
    """Everything selection and dispatch may use for one tenant."""
    campaigns: dict[UUID, Campaign] = {}
    rows = db.execute(_SENDERS, {"tenant": tenant_id}).all()
    mine = t.provider_accounts.c.tenant_id == tenant_id
    found = db.execute(accounts_store.rows().where(mine))
    accounts = {row.id: accounts_store.account_of(row, sealer) for row in found}
    return Senders(
        tuple(_sender(row, campaigns) for row in rows),
        accounts,
        {pool.name: pool for pool in pools(db, tenant_id)},
        bindings(db, tenant_id),
        {row.id: row.used / (row.mps * _DAY_SECONDS) for row in rows if row.used},
        {row.template: row.reason for row in paused_templates.of_tenant(db, tenant_id)},
        campaign_rows.paused_names(db, tenant_id),
    )


_DAY_SECONDS = 86_400


def pools(db: Connection, tenant_id: UUID) -> list[Pool]:
    """A tenant's pools, by name."""
    p = t.sender_pools.c
    found = db.execute(
        sa.select(p.id, p.name, p.regions, p.sticky, p.local, p.local_km, p.segments_per_second)
        .where(p.tenant_id == tenant_id)
        .order_by(p.name)
    )
    return [
        Pool(id_, name, None if regions is None else frozenset(regions), *rest)
        for id_, name, regions, *rest in found
    ]


def bindings(db: Connection, tenant_id: UUID) -> Bindings:
    """A tenant's bindings but those of leads, of which there may be millions."""
    b = t.bindings.c
    kinds = [kind.value for kind in BindingKind if kind is not BindingKind.LEAD]
    found = db.execute(
        sa.select(b.kind, b.ref, b.sender_id, b.pool_id, b.account_id)
        .where(b.tenant_id == tenant_id, b.kind.in_(kinds))
        .order_by(b.id)
    )
    return Bindings.of(Binding(BindingKind(kind), *rest) for kind, *rest in found)


def _sender(row: sa.Row[Any], campaigns: dict[UUID, Campaign]) -> Sender:
    """One sender with its campaign, which is one value for all senders of the same campaign."""
    campaign = campaigns.get(row.campaign_id)
    if campaign is None and row.campaign_id is not None:
        campaign = campaigns[row.campaign_id] = Campaign(
            id=row.campaign_id,
            name=row.campaign,
            status=CampaignStatus(row.campaign_status),
            brand=row.brand,
            brand_status=BrandStatus(row.brand_status),
            provider_campaign_id=row.provider_campaign_id,
            has_links=row.has_links,
            has_phone_numbers=row.has_phone_numbers,
            age_gated=row.age_gated,
            segments_per_minute=row.segments_per_minute,
            brand_id=row.brand_id,
            brand_segments_per_day=row.segments_per_day,
        )
    kind, verification = SenderKind(row.kind), Verification(row.verification)
    return Sender(
        id=row.id,
        tenant_id=row.tenant_id,
        account_id=row.account_id,
        channel=Channel(row.channel),
        address=row.address,
        mps=row.mps,
        is_default=row.is_default,
        pool_ids=frozenset(row.pool_ids),
        kind=kind,
        campaign=campaign,
        verification=verification,
        standing=registration.standing(
            kind,
            verification,
            campaign.brand_status if campaign else None,
            campaign.status if campaign else None,
        ),
        reply_owner=ReplyOwner(row.reply_owner),
        provider_verification_id=row.provider_verification_id,
        capabilities=frozenset(map(Capability, row.capabilities)),
        country=row.country,
        area=areas.area_of(row.address),
        owner=row.owner,
        state=SenderState(row.state),
        state_since=row.state_since,
        state_reason=row.state_reason,
        allowance=allowance_of(row),
        warming=is_warming(row),
    )


def is_warming(row: sa.Row[Any]) -> bool:
    """Whether a row of `senders` is on its ramp."""
    on_ramp = row.ramp is not None and row.ramp_level < len(row.ramp)
    return on_ramp and row.state in {SenderState.FRESH, SenderState.WARMING}


def allowance_of(row: sa.Row[Any]) -> int | None:
    """What the limit of its own and that of its warming up come to."""
    if not is_warming(row):
        found: int | None = row.daily_recipients
        return found
    step: int = row.ramp[row.ramp_level]
    return step if row.daily_recipients is None else min(step, row.daily_recipients)


def owns(db: Connection, tenant_id: UUID, sender_id: UUID) -> bool:
    """Whether a sender is one of a tenant's that are in use; locks it until the transaction ends."""
    s = t.senders.c
    found = db.execute(
        sa.select(s.id)
        .where(s.tenant_id == tenant_id, s.id == sender_id, s.retired_at.is_(None))
        .with_for_update()
    )
    return found.first() is not None


def add_pool(
    db: Connection,
    tenant_id: UUID,
    pool_id: UUID,
    name: str,
    regions: Iterable[str] | None = None,
) -> None:
    """Create an empty sender pool; `regions` are where it may write to, None everywhere."""
    listed = None if regions is None else sorted(regions)
    db.execute(
        sa.insert(t.sender_pools).values(id=pool_id, tenant_id=tenant_id, name=name, regions=listed)
    )


def add_senders(db: Connection, senders: Sequence[Sender]) -> None:
    """Store senders, their pool memberships and registrations; what kind one is, its address says."""
    db.execute(
        sa.insert(t.senders),
        [
            {
                "id": s.id,
                "tenant_id": s.tenant_id,
                "account_id": s.account_id,
                "channel": s.channel,
                "address": s.address,
                "mps": s.mps,
                "is_default": s.is_default,
                "kind": registration.kind_of(s.address, s.channel),
                "capabilities": sorted(s.capabilities),
                "country": s.country,
                "owner": s.owner,
                "state": s.state,
                "tendlc_campaign_id": s.campaign.id if s.campaign else None,
                "verification": s.verification,
                "reply_owner": s.reply_owner,
                "provider_verification_id": s.provider_verification_id,
            }
            for s in senders
        ],
    )
    members = [{"pool_id": pool, "sender_id": s.id} for s in senders for pool in s.pool_ids]
    if members:
        db.execute(sa.insert(t.sender_pool_members), members)

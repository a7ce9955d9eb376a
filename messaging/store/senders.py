"""Who may send: senders, their pools and the provider accounts they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.engine import Connection

from messaging.domain import registration
from messaging.domain.message import Campaign, Channel, ProviderAccount, Sender
from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    ReplyOwner,
    SenderKind,
    Verification,
)
from messaging.store import tables as t


@dataclass(frozen=True, slots=True)
class Senders:
    """One tenant's senders and accounts, as of a moment ago."""

    senders: tuple[Sender, ...]
    accounts: dict[UUID, ProviderAccount]
    pools: dict[str, UUID]
    pool_regions: dict[UUID, frozenset[str]] = field(default_factory=dict)
    """Where a pool may write to (ISO 3166), for pools that are limited."""


_SENDERS = sa.text("""
SELECT s.id, s.tenant_id, s.account_id, s.channel, s.address, s.mps, s.healthy, s.is_default,
       s.kind, s.verification, s.provider_verification_id, s.reply_owner,
       ARRAY(SELECT p.pool_id FROM sender_pool_members p WHERE p.sender_id = s.id) AS pool_ids,
       c.id AS campaign_id, c.name AS campaign, c.status AS campaign_status,
       c.provider_campaign_id, c.has_links, c.has_phone_numbers, c.age_gated,
       b.name AS brand, b.status AS brand_status
FROM senders s
LEFT JOIN tendlc_campaigns c ON c.id = s.tendlc_campaign_id
LEFT JOIN brands b ON b.id = c.brand_id
WHERE s.tenant_id = :tenant AND s.retired_at IS NULL
ORDER BY s.id
""")


def read(db: Connection, tenant_id: UUID, sealer: Fernet) -> Senders:
    """Everything selection and dispatch may use for one tenant."""
    campaigns: dict[UUID, Campaign] = {}
    senders = tuple(_sender(row, campaigns) for row in db.execute(_SENDERS, {"tenant": tenant_id}))
    found = db.execute(
        sa.select(t.provider_accounts).where(t.provider_accounts.c.tenant_id == tenant_id)
    )
    accounts = {row.id: account_of(row, sealer) for row in found}
    pools = db.execute(
        sa.select(t.sender_pools.c.name, t.sender_pools.c.id, t.sender_pools.c.regions).where(
            t.sender_pools.c.tenant_id == tenant_id
        )
    ).all()
    return Senders(
        senders,
        accounts,
        {row.name: row.id for row in pools},
        {row.id: frozenset(row.regions) for row in pools if row.regions is not None},
    )


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
        )
    kind, verification = SenderKind(row.kind), Verification(row.verification)
    return Sender(
        id=row.id,
        tenant_id=row.tenant_id,
        account_id=row.account_id,
        channel=Channel(row.channel),
        address=row.address,
        mps=row.mps,
        healthy=row.healthy,
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
    )


def account_of(row: sa.Row[Any], sealer: Fernet) -> ProviderAccount:
    """A provider account with its secret unsealed."""
    return ProviderAccount(
        id=row.id,
        tenant_id=row.tenant_id,
        provider=row.provider,
        name=row.name,
        base_url=row.base_url,
        username=row.username,
        secret=sealer.decrypt(row.secret_sealed).decode(),
        max_in_flight=row.max_in_flight,
        absence_proof=timedelta(seconds=row.absence_proof_seconds),
    )


def find_account(db: Connection, account_id: UUID, sealer: Fernet) -> ProviderAccount | None:
    """One account by id, of whichever tenant: for webhooks, which carry no API key."""
    row = db.execute(
        sa.select(t.provider_accounts).where(t.provider_accounts.c.id == account_id)
    ).one_or_none()
    return account_of(row, sealer) if row else None


def add_account(db: Connection, account: ProviderAccount, sealer: Fernet) -> None:
    """Store an account; its secret is sealed first."""
    db.execute(
        sa.insert(t.provider_accounts).values(
            id=account.id,
            tenant_id=account.tenant_id,
            provider=account.provider,
            name=account.name,
            base_url=account.base_url,
            username=account.username,
            secret_sealed=sealer.encrypt(account.secret.encode()),
            max_in_flight=account.max_in_flight,
            absence_proof_seconds=int(account.absence_proof.total_seconds()),
        )
    )


def move_account(db: Connection, account_id: UUID, base_url: str) -> None:
    """Reach an account's provider at another address from now on."""
    db.execute(
        sa.update(t.provider_accounts)
        .where(t.provider_accounts.c.id == account_id)
        .values(base_url=base_url)
    )


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
                "healthy": s.healthy,
                "is_default": s.is_default,
                "kind": registration.kind_of(s.address),
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

"""What is registered where: brands, 10DLC campaigns, the numbers on them, and who waits for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.lifecycle import Status
from messaging.domain.registration import BrandStatus, CampaignStatus, Lapse
from messaging.store import tables as t


@dataclass(frozen=True, slots=True)
class Brand:
    """Who a tenant's campaigns speak for, as registered at a provider."""

    name: str
    status: BrandStatus = BrandStatus.PENDING
    provider_brand_id: str | None = None
    account: str | None = None
    """The account it and its campaigns are registered with, by name."""
    segments_per_day: int | None = None
    """What one carrier lets it send over all its campaigns, as the registry says it."""


@dataclass(frozen=True, slots=True)
class TendlcCampaign:
    """What a brand's messages are registered to say."""

    name: str
    brand: str
    """The brand's name."""
    status: CampaignStatus = CampaignStatus.PENDING
    use_case: str | None = None
    provider_campaign_id: str | None = None
    provider_service_id: str | None = None
    has_links: bool = True
    has_phone_numbers: bool = True
    age_gated: bool = False
    segments_per_minute: int | None = None
    """What the carriers let it send, as the registry says it."""


_PUT_BRAND = sa.text("""
WITH account AS (SELECT id FROM provider_accounts WHERE tenant_id = :tenant AND name = :account)
INSERT INTO brands (id, tenant_id, name, status, provider_brand_id, account_id, segments_per_day)
SELECT :id, :tenant, :name, :status, :provider_brand_id, (SELECT id FROM account),
       :segments_per_day
WHERE CAST(:account AS text) IS NULL OR EXISTS (SELECT FROM account)
ON CONFLICT (tenant_id, name) DO UPDATE SET
  status = excluded.status, provider_brand_id = excluded.provider_brand_id,
  account_id = excluded.account_id, segments_per_day = excluded.segments_per_day,
  modified_at = now(), refresh_due_at = now(), refresh_failures = 0
""")


def put_brand(db: Connection, tenant_id: UUID, brand_id: UUID, brand: Brand) -> bool:
    """Make a tenant's brand of this name, or change it to this; False if it has no such account."""
    values = {"id": brand_id, "tenant": tenant_id, **asdict(brand)}
    return db.execute(_PUT_BRAND, values).rowcount == 1


_PUT_CAMPAIGN = sa.text("""
INSERT INTO tendlc_campaigns (id, tenant_id, brand_id, name, status, use_case, provider_campaign_id,
                              provider_service_id, has_links, has_phone_numbers, age_gated,
                              segments_per_minute)
SELECT :id, b.tenant_id, b.id, :name, :status, :use_case, :provider_campaign_id,
       :provider_service_id, :has_links, :has_phone_numbers, :age_gated, :segments_per_minute
FROM brands b WHERE b.tenant_id = :tenant AND b.name = :brand
ON CONFLICT (tenant_id, name) DO UPDATE SET
  brand_id = excluded.brand_id, status = excluded.status, use_case = excluded.use_case,
  provider_campaign_id = excluded.provider_campaign_id,
  provider_service_id = excluded.provider_service_id, has_links = excluded.has_links,
  has_phone_numbers = excluded.has_phone_numbers, age_gated = excluded.age_gated,
  segments_per_minute = excluded.segments_per_minute,
  modified_at = now(), refresh_due_at = now(), refresh_failures = 0
""")


def put_campaign(
    db: Connection, tenant_id: UUID, campaign_id: UUID, campaign: TendlcCampaign
) -> bool:
    """Make a tenant's campaign of this name, or change it to this; False if it has no such brand."""
    values = {"id": campaign_id, "tenant": tenant_id, **asdict(campaign)}
    return db.execute(_PUT_CAMPAIGN, values).rowcount == 1


def brands(db: Connection, tenant_id: UUID) -> list[Brand]:
    """A tenant's brands, by name."""
    b, account = t.brands.c, t.provider_accounts
    found = db.execute(
        sa.select(b.name, b.status, b.provider_brand_id, account.c.name, b.segments_per_day)
        .outerjoin_from(t.brands, account, account.c.id == b.account_id)
        .where(b.tenant_id == tenant_id)
        .order_by(b.name)
    )
    return [Brand(name, BrandStatus(status), *rest) for name, status, *rest in found]


def campaigns(db: Connection, tenant_id: UUID) -> list[TendlcCampaign]:
    """A tenant's 10DLC campaigns, by name."""
    c = t.tendlc_campaigns.c
    found = db.execute(
        sa.select(
            c.name,
            t.brands.c.name,
            c.status,
            c.use_case,
            c.provider_campaign_id,
            c.provider_service_id,
            c.has_links,
            c.has_phone_numbers,
            c.age_gated,
            c.segments_per_minute,
        )
        .join(t.brands, sa.and_(t.brands.c.id == c.brand_id, t.brands.c.tenant_id == c.tenant_id))
        .where(c.tenant_id == tenant_id)
        .order_by(c.name)
    )
    return [
        TendlcCampaign(name, brand, CampaignStatus(status), *rest)
        for name, brand, status, *rest in found
    ]


def campaign_id(db: Connection, tenant_id: UUID, name: str) -> UUID | None:
    """The id of a tenant's campaign."""
    c = t.tendlc_campaigns.c
    found: UUID | None = db.execute(
        sa.select(c.id).where(c.tenant_id == tenant_id, c.name == name)
    ).scalar()
    return found


def change_senders(
    db: Connection, tenant_id: UUID, sender_ids: Sequence[UUID], values: Mapping[str, Any]
) -> int:
    """Set columns of a tenant's active senders; returns how many there were."""
    s = t.senders.c
    said: dict[str, Any] = {}
    if "verification" in values:
        said |= {"verification_at": sa.func.now()}
    if values.keys() & {"verification", "provider_verification_id"}:
        said |= {"refresh_due_at": sa.func.now(), "refresh_failures": 0}
    changed = db.execute(
        sa.update(t.senders)
        .where(s.tenant_id == tenant_id, s.id.in_(sender_ids), s.retired_at.is_(None))
        .values(**values, **said)
    )
    return changed.rowcount


def clear(db: Connection, tenant_id: UUID) -> None:
    """Note that something was registered: what was held for want of it may be judged again."""
    db.execute(
        sa.update(t.tenants)
        .where(t.tenants.c.id == tenant_id)
        .values(cleared_at=sa.func.clock_timestamp())
    )


# A process may have judged by what it read before the change, and held a message just after it.
_FREE = sa.text("""
WITH freed AS (
  DELETE FROM held WHERE message_id = ANY(ARRAY(
    SELECT h.message_id FROM tenants t CROSS JOIN LATERAL (
      SELECT message_id FROM held
      WHERE tenant_id = t.id AND status = CAST(:status AS message_status)
        AND at < t.cleared_at + make_interval(secs => :slack)
      LIMIT :limit FOR UPDATE SKIP LOCKED) h
    WHERE t.cleared_at IS NOT NULL AND (CAST(:tenant AS uuid) IS NULL OR t.id = :tenant)
    LIMIT :limit))
  RETURNING message_id, status
)
SELECT freed.message_id, freed.status, m.epoch FROM freed
LEFT JOIN messages m ON m.id = freed.message_id AND m.status = freed.status
""")


def free(
    db: Connection,
    status: Status,
    limit: int,
    *,
    slack: timedelta,
    tenant_id: UUID | None = None,
) -> tuple[int, list[tuple[UUID, int]]]:
    """Take up to `limit` messages with this status off the list of those held.

    Only what was held before its tenant's latest registration, or up to `slack` after it; without
    `tenant_id` of every tenant. Returns how many rows were taken, and the ids and epochs of those
    that are still blocked: others were canceled meanwhile.
    """
    rows = db.execute(
        _FREE,
        {
            "status": status.value,
            "limit": limit,
            "slack": slack.total_seconds(),
            "tenant": tenant_id,
        },
    ).all()
    return len(rows), [(row.message_id, row.epoch) for row in rows if row.epoch is not None]


def forgive(db: Connection, message_ids: Sequence[UUID]) -> None:
    """Let senders that were refused for these messages be tried again."""
    m = t.messages.c
    db.execute(
        sa.update(t.messages)
        .where(m.id.in_(message_ids), m.tried_sender_ids.is_not(None))
        .values(tried_sender_ids=None)
    )


# In the order of ids, so that two workers never wait for each other in a circle. Who is suspended is
# asked about soon.
_SUSPEND_SENDERS = sa.text("""
UPDATE senders SET verification = 'suspended', verification_at = now(), refresh_due_at = now()
WHERE id IN (
  SELECT id FROM senders WHERE verification <> 'suspended'
    AND id IN (SELECT sender_id FROM messages WHERE id = ANY(CAST(:ids AS uuid[])))
  ORDER BY id FOR NO KEY UPDATE)
RETURNING tenant_id
""")
_SUSPEND_CAMPAIGNS = sa.text("""
UPDATE tendlc_campaigns SET status = 'suspended', modified_at = now(), refresh_due_at = now()
WHERE id IN (
  SELECT id FROM tendlc_campaigns WHERE status <> 'suspended'
    AND id IN (SELECT s.tendlc_campaign_id FROM messages m JOIN senders s ON s.id = m.sender_id
               WHERE m.id = ANY(CAST(:ids AS uuid[])))
  ORDER BY id FOR NO KEY UPDATE)
RETURNING tenant_id
""")


def flip(db: Connection, lapses: Sequence[tuple[UUID, Lapse]]) -> set[UUID]:
    """Suspend the senders, or the campaigns, that these messages last left from.

    Returns the tenants for whom that changed anything. Who is suspended stays so until somebody says
    otherwise, or the provider changed something since.
    """
    changed: set[UUID] = set()
    for whose, statement in (
        (Lapse.SENDER, _SUSPEND_SENDERS),
        (Lapse.CAMPAIGN, _SUSPEND_CAMPAIGNS),
    ):
        ids = [message_id for message_id, lapse in lapses if lapse is whose]
        if ids:
            changed |= set(db.execute(statement, {"ids": ids}).scalars())
    return changed

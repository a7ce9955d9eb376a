"""What a tenant has to spend: enabled, topped up, capped, shown, and what waits for money."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_ENABLE = sa.text("""
INSERT INTO balances (tenant_id, currency) VALUES (:tenant, :currency) ON CONFLICT DO NOTHING
""")


def enable(db: Connection, tenant_id: UUID, currency: str) -> bool:
    """Bill a tenant from now on; False if it is billed already."""
    return db.execute(_ENABLE, {"tenant": tenant_id, "currency": currency}).rowcount == 1


# Whoever asked before has it locked until its blocks are held, so that this sets free what they are.
_TOP_UP = sa.text("""
WITH topped AS (
  UPDATE balances SET balance = balance + :amount, eased_at = clock_timestamp()
  WHERE tenant_id = :tenant RETURNING tenant_id
)
INSERT INTO charges (tenant_id, day, kind, amount)
SELECT tenant_id, :day, 'top_up', :amount FROM topped
""")


def top_up(db: Connection, tenant_id: UUID, amount: Decimal, day: date) -> bool:
    """Add to a balance, or take from it; False if the tenant is not billed."""
    values = {"tenant": tenant_id, "amount": amount, "day": day}
    return db.execute(_TOP_UP, values).rowcount == 1


_CAP = sa.text("""
UPDATE balances SET day_cap = :cap, eased_at = clock_timestamp() WHERE tenant_id = :tenant
""")


def cap_day(db: Connection, tenant_id: UUID, cap: Decimal | None) -> bool:
    """Say what a day (UTC) may cost, None for no cap; False if the tenant is not billed."""
    return db.execute(_CAP, {"tenant": tenant_id, "cap": cap}).rowcount == 1


_EASE = sa.text("UPDATE balances SET eased_at = clock_timestamp() WHERE tenant_id = :tenant")
# What it has cost before it had a cap stands in the ledger. Its tenant's balance is locked, and what
# had come back is in.
_CAP_CAMPAIGN = sa.text("""
INSERT INTO campaign_spend AS s (tenant_id, campaign, cap, spent)
SELECT :tenant, :campaign, :cap, coalesce((
  SELECT sum(CASE kind WHEN 'reserve' THEN amount WHEN 'refund' THEN -amount ELSE 0 END)
  FROM charges WHERE tenant_id = :tenant AND campaign = :campaign), 0)
ON CONFLICT (tenant_id, campaign) DO UPDATE SET cap = excluded.cap
""")
_UNCAP_CAMPAIGN = sa.text(
    "DELETE FROM campaign_spend WHERE tenant_id = :tenant AND campaign = :campaign"
)


def cap_campaign(db: Connection, tenant_id: UUID, campaign: str, cap: Decimal | None) -> None:
    """Say what a campaign may cost, None for no cap; call it with the purse locked."""
    if cap is None:
        db.execute(_UNCAP_CAMPAIGN, {"tenant": tenant_id, "campaign": campaign})
    else:
        db.execute(_CAP_CAMPAIGN, {"tenant": tenant_id, "campaign": campaign, "cap": cap})
    db.execute(_EASE, {"tenant": tenant_id})


@dataclass(frozen=True, slots=True)
class CampaignBudget:
    """What a campaign with a cap may cost, and has cost."""

    campaign: str
    cap: Decimal
    spent: Decimal


@dataclass(frozen=True, slots=True)
class Budget:
    """What a tenant may spend, and has spent."""

    currency: str
    balance: Decimal
    """What may still be reserved."""
    reserved: Decimal
    """For messages whose outcome is open."""
    spent_today: Decimal
    day_cap: Decimal | None
    enabled_at: datetime
    campaigns: tuple[CampaignBudget, ...] = ()


_SHOW = sa.text("""
SELECT b.currency, b.balance + coalesce(r.amount, 0) AS balance,
       b.reserved - coalesce(r.unreserved, 0) AS reserved,
       CASE WHEN b.day >= :day THEN b.day_spent - coalesce(r.today, 0) ELSE 0 END AS spent_today,
       b.day_cap, b.enabled_at
FROM balances b CROSS JOIN LATERAL (
  SELECT sum(amount) AS amount, sum(unreserved) AS unreserved,
         sum(amount) FILTER (WHERE day = b.day) AS today
  FROM returns WHERE tenant_id = b.tenant_id) r
WHERE b.tenant_id = :tenant
""")
_CAMPAIGNS = sa.text("""
SELECT s.campaign, s.cap, s.spent - coalesce((
  SELECT sum(r.amount) FROM returns r WHERE r.tenant_id = s.tenant_id AND r.campaign = s.campaign), 0)
FROM campaign_spend s WHERE s.tenant_id = :tenant AND s.cap IS NOT NULL ORDER BY 1
""")


def show(db: Connection, tenant_id: UUID, day: date) -> Budget | None:
    """What a tenant has on a day (UTC); None if it is not billed."""
    row = db.execute(_SHOW, {"tenant": tenant_id, "day": day}).one_or_none()
    if row is None:
        return None
    found = db.execute(_CAMPAIGNS, {"tenant": tenant_id})
    campaigns = tuple(CampaignBudget(*each) for each in found)
    return Budget(**row._mapping, campaigns=campaigns)  # noqa: SLF001 - SQLAlchemy's documented accessor


_EASED = sa.text("""
SELECT tenant_id, eased_at FROM balances
WHERE eased_at IS NOT NULL AND (CAST(:tenant AS uuid) IS NULL OR tenant_id = :tenant)
ORDER BY eased_at
""")


def eased(db: Connection, tenant_id: UUID | None = None) -> list[tuple[UUID, datetime]]:
    """Tenants of whose blocked messages some may be affordable now, and since when."""
    return [(row.tenant_id, row.eased_at) for row in db.execute(_EASED, {"tenant": tenant_id})]


_DONE = sa.text("""
UPDATE balances SET eased_at = NULL WHERE tenant_id = :tenant AND eased_at = :eased_at
""")


def done(db: Connection, tenant_id: UUID, eased_at: datetime) -> None:
    """Say that all was set free that could be; unless something changed since."""
    db.execute(_DONE, {"tenant": tenant_id, "eased_at": eased_at})


@dataclass(frozen=True, slots=True)
class Blocked:
    """A message that waits for money."""

    message_id: UUID
    at: datetime
    epoch: int | None
    """None: it waits no longer."""
    reason: str | None
    amount: Decimal | None
    campaign: str | None


_BLOCKED = sa.text("""
SELECT h.message_id, h.at, m.epoch, m.status_reason, m.billable_amount, m.campaign
FROM held h LEFT JOIN messages m ON m.id = h.message_id AND m.status = h.status
WHERE h.tenant_id = :tenant AND h.status = 'blocked_billing'
  AND (CAST(:at AS timestamptz) IS NULL OR (h.at, h.message_id) > (:at, CAST(:id AS uuid)))
ORDER BY h.at, h.message_id LIMIT :limit FOR UPDATE OF h SKIP LOCKED
""")


def blocked(db: Connection, tenant_id: UUID, after: Blocked | None, limit: int) -> list[Blocked]:
    """Up to `limit` blocked messages that nobody else is setting free, oldest first, after another."""
    at, id_ = (after.at, after.message_id) if after else (None, None)
    values = {"tenant": tenant_id, "at": at, "id": id_, "limit": limit}
    return [Blocked(*row) for row in db.execute(_BLOCKED, values)]


_UNHOLD = sa.text("DELETE FROM held WHERE message_id = ANY(CAST(:ids AS uuid[]))")


def unhold(db: Connection, message_ids: Collection[UUID]) -> None:
    """Take messages off the list of those held."""
    if message_ids:
        db.execute(_UNHOLD, {"ids": list(message_ids)})


# One look at its message for each that is due by then: never through a tenant's messages.
_WAKE = sa.text("""
UPDATE scheduled SET due_at = now() WHERE ctid = ANY(ARRAY(
  SELECT s.ctid FROM scheduled s WHERE s.due_at > now() AND s.due_at <= :until AND (
    SELECT m.tenant_id = :tenant AND m.status = 'scheduled' AND m.status_reason = :reason
    FROM messages m WHERE m.id = s.message_id)
  LIMIT :limit FOR UPDATE SKIP LOCKED))
""")


def wake(db: Connection, tenant_id: UUID, reason: str, until: datetime, limit: int) -> int:
    """Let up to `limit` messages be due now that were put off, for this reason, until then or before."""
    values = {"tenant": tenant_id, "reason": reason, "until": until, "limit": limit}
    return db.execute(_WAKE, values).rowcount

"""Senders as operators look at them: what they are, how they stand, what they did today."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain import registration, sender_load
from messaging.domain.message import Capability, Channel
from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    ReplyOwner,
    SenderKind,
    Standing,
    Verification,
)
from messaging.domain.sender_health import SenderState, Tally
from messaging.store.senders import allowance_of, is_warming


@dataclass(frozen=True, slots=True)
class SenderView:
    """One sender and its day; a day is the carriers', `day` the last 24 hours."""

    id: UUID
    address: str
    channel: Channel
    kind: SenderKind
    account: str
    pools: list[str]
    capabilities: list[Capability]
    country: str | None
    owner: str | None
    mps: float
    is_default: bool
    state: SenderState
    state_reason: str | None
    state_since: datetime
    cordoned_until: datetime | None
    daily_recipients: int | None
    ramp: list[int] | None
    ramp_level: int
    warming: bool
    allowance: int | None
    """How many different people it may write to today; None is no limit."""
    campaign: str | None
    verification: Verification
    provider_verification_id: str | None
    standing: Standing
    reply_owner: ReplyOwner
    segments_today: float
    people_today: int
    """Counted for senders with a daily limit only."""
    day: Tally

    @property
    def used(self) -> float:
        """What of the segments it may send in a day it has sent."""
        return sender_load.used_share(self.mps, self.segments_today)

    @property
    def headroom(self) -> float:
        """What is left of its day, from 0 to 1."""
        return sender_load.headroom(
            self.mps, self.allowance, self.segments_today, self.people_today
        )


_TALLIES = tuple(field.name for field in fields(Tally))
# Each of the four is aggregated once for all senders, never per sender.
_VIEWS = sa.text(f"""
WITH today AS (SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date AS day),
lately AS (
  SELECT e.key, sum(CAST(e.value AS double precision)) AS used
  FROM rate_log l, jsonb_each_text(l.used) AS e(key, value), today
  WHERE e.key LIKE 's:%' AND (l.at AT TIME ZONE 'America/Los_Angeles')::date = today.day
  GROUP BY 1
), met AS (
  SELECT r.sender_id, count(*) AS people FROM sender_recipients r, today
  WHERE r.day = today.day GROUP BY 1
), results AS (
  SELECT sender_id, {", ".join(f"sum({name}) AS {name}" for name in _TALLIES)}
  FROM sender_stats WHERE bucket > now() - interval '24 hours' GROUP BY 1
), pooled AS (
  SELECT m.sender_id, array_agg(p.name ORDER BY p.name) AS pools
  FROM sender_pool_members m JOIN sender_pools p ON p.id = m.pool_id
  WHERE CAST(:tenant AS uuid) IS NULL OR p.tenant_id = :tenant GROUP BY 1
)
SELECT s.id, s.address, s.channel, s.kind, a.name AS account, coalesce(p.pools, '{{}}') AS pools,
       s.capabilities, s.country, s.owner, s.mps, s.is_default, s.state, s.state_reason,
       s.state_since, s.cordoned_until, s.daily_recipients, s.ramp, s.ramp_level,
       c.name AS campaign, c.status AS campaign_status, b.status AS brand_status,
       s.verification, s.provider_verification_id, s.reply_owner,
       coalesce(t.used, 0) + coalesce(l.used, 0) AS segments_today,
       coalesce(met.people, 0) AS people_today,
       {", ".join(f"coalesce(r.{name}, 0) AS {name}" for name in _TALLIES)}
FROM senders s
JOIN provider_accounts a ON a.id = s.account_id
CROSS JOIN today
LEFT JOIN tendlc_campaigns c ON c.id = s.tendlc_campaign_id
LEFT JOIN brands b ON b.id = c.brand_id
LEFT JOIN pooled p ON p.sender_id = s.id
LEFT JOIN rate_totals t ON t.day = today.day AND t.key = 's:' || s.id
LEFT JOIN lately l ON l.key = 's:' || s.id
LEFT JOIN met ON met.sender_id = s.id
LEFT JOIN results r ON r.sender_id = s.id
WHERE (CAST(:tenant AS uuid) IS NULL OR s.tenant_id = :tenant)
  AND CASE WHEN CAST(:id AS uuid) IS NULL THEN s.retired_at IS NULL ELSE s.id = :id END
ORDER BY s.id
""")  # noqa: S608 - constants of this module


def read(db: Connection, tenant_id: UUID | None, sender_id: UUID | None = None) -> list[SenderView]:
    """A tenant's senders that are in use, or the one of that id, retired or not.

    Without `tenant_id` those of every tenant, for metrics.
    """
    rows = db.execute(_VIEWS, {"tenant": tenant_id, "id": sender_id})
    return [_view(row) for row in rows]


def _view(row: sa.Row[Any]) -> SenderView:
    kind, verification = SenderKind(row.kind), Verification(row.verification)
    return SenderView(
        id=row.id,
        address=row.address,
        channel=Channel(row.channel),
        kind=kind,
        account=row.account,
        pools=row.pools,
        capabilities=sorted(map(Capability, row.capabilities)),
        country=row.country,
        owner=row.owner,
        mps=row.mps,
        is_default=row.is_default,
        state=SenderState(row.state),
        state_reason=row.state_reason,
        state_since=row.state_since,
        cordoned_until=row.cordoned_until,
        daily_recipients=row.daily_recipients,
        ramp=row.ramp,
        ramp_level=row.ramp_level,
        warming=is_warming(row),
        allowance=allowance_of(row),
        campaign=row.campaign,
        verification=verification,
        provider_verification_id=row.provider_verification_id,
        standing=registration.standing(
            kind,
            verification,
            None if row.brand_status is None else BrandStatus(row.brand_status),
            None if row.campaign_status is None else CampaignStatus(row.campaign_status),
        ),
        reply_owner=ReplyOwner(row.reply_owner),
        segments_today=row.segments_today,
        people_today=row.people_today,
        day=Tally(*(int(getattr(row, name)) for name in _TALLIES)),
    )

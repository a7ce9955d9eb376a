"""Who may still spend how much? Balances, and what is reserved of them before messages are sent.

A balance is locked from when a batch asks until its attempts are committed, one row a tenant, in the
order of ids, and before any of the tenant's messages. Whoever settles locks none: that is appended to
`returns`, and added up by whoever asks next.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.message import Traffic
from messaging.domain.pricing import EXCLUDED
from messaging.domain.spending import NOTHING, Billing, Purse


class Standing(NamedTuple):
    """What is known of a message's bill so far."""

    excluded: bool
    held: Decimal
    """What is reserved for it."""


@dataclass(slots=True)
class Charge:
    """What a message is billed, or would be."""

    message_id: UUID
    tenant_id: UUID
    campaign: str | None
    amount: Decimal | None
    """Its price; None if there is none."""
    need: Decimal = NOTHING
    """How much of it was taken out of the purse just now; below 0 if it has become cheaper."""
    status: Billing | None = None
    """None: it is not paid for."""


_LOCK = sa.text("""
SELECT tenant_id, EXISTS (SELECT FROM returns r WHERE r.tenant_id = b.tenant_id) AS returns
FROM balances b WHERE tenant_id = ANY(CAST(:tenants AS uuid[]))
ORDER BY tenant_id FOR NO KEY UPDATE
""")
_FOLD = sa.text("""
WITH gone AS (
  DELETE FROM returns WHERE tenant_id = ANY(CAST(:tenants AS uuid[]))
  RETURNING tenant_id, campaign, day, amount, unreserved
), of_campaigns AS (
  UPDATE campaign_spend s SET spent = s.spent - g.amount
  FROM (SELECT tenant_id, campaign, sum(amount) AS amount FROM gone GROUP BY 1, 2) g
  WHERE s.tenant_id = g.tenant_id AND s.campaign = g.campaign
)
UPDATE balances b SET
  balance = b.balance + g.amount,
  reserved = b.reserved - g.unreserved,
  day_spent = b.day_spent
    - coalesce((SELECT sum(d.amount) FROM gone d WHERE d.tenant_id = b.tenant_id AND d.day = b.day), 0),
  eased_at = CASE WHEN g.amount > 0 THEN clock_timestamp() ELSE b.eased_at END
FROM (SELECT tenant_id, sum(amount) AS amount, sum(unreserved) AS unreserved FROM gone GROUP BY 1) g
WHERE b.tenant_id = g.tenant_id
""")
_PURSES = sa.text("""
SELECT tenant_id, balance, day_cap, CASE WHEN day >= :day THEN day_spent ELSE 0 END AS spent_today,
       (SELECT jsonb_object_agg(campaign, (cap - spent)::text) FROM campaign_spend s
        WHERE s.tenant_id = b.tenant_id AND cap IS NOT NULL) AS campaigns
FROM balances b WHERE tenant_id = ANY(CAST(:tenants AS uuid[]))
""")
_STANDING = sa.text("""
SELECT id, traffic, CASE WHEN billing_status = 'reserved' THEN billable_amount ELSE 0 END AS held
FROM messages WHERE id = ANY(CAST(:ids AS uuid[]))
""")


def purses(db: Connection, tenants: Collection[UUID], day: date) -> dict[UUID, Purse]:
    """What these tenants may still spend on a day (UTC); their balances are locked until the commit.

    What came back meanwhile is added first. A tenant that is not billed has no purse.
    """
    locked = db.execute(_LOCK, {"tenants": sorted(tenants)}).all()
    due = [row.tenant_id for row in locked if row.returns]
    if due:
        db.execute(_FOLD, {"tenants": due})
    found = db.execute(_PURSES, {"tenants": [row.tenant_id for row in locked], "day": day})
    return {
        row.tenant_id: Purse(
            row.balance,
            row.day_cap,
            row.spent_today,
            {name: Decimal(left) for name, left in (row.campaigns or {}).items()},
        )
        for row in found
    }


def standing(db: Connection, message_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """What is known of the bills of messages."""
    rows = db.execute(_STANDING, {"ids": list(message_ids)})
    return {row.id: Standing(Traffic(row.traffic) in EXCLUDED, row.held) for row in rows}


# The day of a charge never goes back, whatever the clocks of several workers say around midnight.
_KEEP = sa.text("""
WITH v AS (
  SELECT t.*, greatest(b.day, CAST(:day AS date)) AS day
  FROM json_to_recordset(CAST(:charges AS json)) AS t(
    message_id uuid, tenant_id uuid, campaign text, amount numeric, need numeric, status text)
  JOIN balances b ON b.tenant_id = t.tenant_id
), priced AS (
  UPDATE messages m SET billable_amount = v.amount,
    billing_status = coalesce(v.status, m.billing_status)
  FROM v WHERE m.id = v.message_id
), entered AS (
  INSERT INTO charges (tenant_id, message_id, campaign, day, kind, amount)
  SELECT tenant_id, message_id, campaign, day, 'reserve', need FROM v WHERE need <> 0
), of_campaigns AS (
  UPDATE campaign_spend s SET spent = s.spent + g.need
  FROM (SELECT tenant_id, campaign, sum(need) AS need FROM v GROUP BY 1, 2) g
  WHERE s.tenant_id = g.tenant_id AND s.campaign = g.campaign
)
UPDATE balances b SET
  balance = b.balance - g.need,
  reserved = b.reserved + g.need,
  day_spent = CASE WHEN b.day = g.day THEN b.day_spent ELSE 0 END + g.need,
  day = g.day
FROM (SELECT tenant_id, day, sum(need) AS need FROM v GROUP BY 1, 2) g
WHERE b.tenant_id = g.tenant_id AND g.need <> 0
""")


def keep(db: Connection, charges: Sequence[Charge], day: date) -> None:
    """Write down what was taken out of purses that are locked; of messages that have moved."""
    if charges:
        encoded = orjson.dumps(charges, default=str).decode()
        db.execute(_KEEP, {"charges": encoded, "day": day})


def asked(
    db: Connection, tenants: Collection[UUID], message_ids: Sequence[UUID], day: date
) -> tuple[dict[UUID, Purse], dict[UUID, Standing]]:
    """Both at once: `purses` of the tenants, `standing` of the messages."""
    return purses(db, tenants, day), standing(db, message_ids)

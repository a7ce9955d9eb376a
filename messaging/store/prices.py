"""What does a segment cost, of whom, and since when? Kept, listed, and read as one tenant's card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.pricing import Card, Price
from messaging.store import tables as t


@dataclass(frozen=True, slots=True)
class PriceView:
    """A price and since when it holds."""

    own: bool
    """Whether it is the tenant's own; otherwise everybody's."""
    provider: str
    channel: str
    country: str
    per_segment: Decimal
    currency: str
    since: datetime


_NOW = """
SELECT DISTINCT ON (tenant_id, provider, channel, country)
       tenant_id IS NOT NULL AS own, provider, channel, country, per_segment, currency, since
FROM prices WHERE (tenant_id = :tenant OR tenant_id IS NULL) AND since <= :at
ORDER BY tenant_id, provider, channel, country, since DESC, id DESC
"""
_CARD = sa.text(_NOW)
_CURRENCY = sa.text("SELECT currency FROM balances WHERE tenant_id = :tenant")


def card(db: Connection, tenant_id: UUID, at: datetime) -> Card | None:
    """The rate card of a tenant that is billed; None for one that is not."""
    currency = db.execute(_CURRENCY, {"tenant": tenant_id}).scalar()
    if currency is None:
        return None
    return Card.of(
        currency,
        (
            Price(
                row.per_segment, row.currency, row.provider, row.channel, row.country, own=row.own
            )
            for row in db.execute(_CARD, {"tenant": tenant_id, "at": at})
        ),
    )


_LISTED = sa.text("""
SELECT tenant_id IS NOT NULL AS own, provider, channel, country, per_segment, currency, since
FROM prices WHERE tenant_id = :tenant OR tenant_id IS NULL
ORDER BY own DESC, country, provider, channel, since, id
""")


def listed(db: Connection, tenant_id: UUID) -> list[PriceView]:
    """Every price that holds, held or will hold for a tenant: its own, then everybody's."""
    return [PriceView(*row) for row in db.execute(_LISTED, {"tenant": tenant_id})]


def add(db: Connection, tenant_id: UUID | None, prices: Sequence[Price], since: datetime) -> None:
    """Keep prices from a time on; `tenant_id` None is everybody. What was before stays written."""
    rows: list[dict[str, Any]] = [
        {
            "tenant_id": tenant_id,
            "provider": price.provider,
            "channel": price.channel,
            "country": price.country,
            "per_segment": price.per_segment,
            "currency": price.currency,
            "since": since,
        }
        for price in prices
    ]
    if rows:
        db.execute(sa.insert(t.prices), rows)

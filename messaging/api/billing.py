"""`/v1/billing` and `/v1/prices`: what a tenant may spend, has spent, and what messages cost it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field
from starlette.responses import Response

from messaging import billing
from messaging.api import schema
from messaging.api.native import Desks, Tenants
from messaging.domain.billing_request import CapRequest
from messaging.domain.errors import NotFoundError
from messaging.store.budgets import Budget
from messaging.store.prices import PriceView

router = APIRouter(prefix="/v1", tags=["billing"])


class CampaignBudgetBody(BaseModel):
    """A campaign with a cap."""

    campaign: str
    cap: str
    spent: str


class BillingBody(BaseModel):
    """What may be spent; amounts are decimal strings."""

    billed: Annotated[
        bool, Field(description="false: nobody counts what messages cost, and the rest is null")
    ]
    currency: str | None
    balance: Annotated[str | None, Field(description="what may still be reserved")]
    reserved: Annotated[str | None, Field(description="for messages whose outcome is open")]
    spent_today: Annotated[
        str | None, Field(description="since midnight UTC, what is reserved too")
    ]
    day_cap: Annotated[str | None, Field(description="what a day may cost; null is no cap")]
    enabled_at: datetime | None
    campaigns: Annotated[list[CampaignBudgetBody], Field(description="those that have a cap")]


class PriceBody(BaseModel):
    """What a segment costs; * is any provider, channel or country."""

    own: Annotated[bool, Field(description="yours alone: it comes before everybody's")]
    provider: str
    channel: str
    country: str
    per_segment: str
    currency: str
    since: Annotated[datetime, Field(description="it holds from then on, until a later one does")]


class Prices(BaseModel):
    """A tenant's own prices, then everybody's."""

    data: list[PriceBody]


_CAP = Body(
    openapi_examples={
        "day": {"value": {"cap": "100"}},
        "campaign": {"value": {"campaign": "spring", "cap": "25.50"}},
    }
)


@router.get("/billing", response_model=BillingBody)
def get_billing(desk: Desks, tenant: Tenants) -> Response:
    """What you may spend, and have spent today.

    Who is not billed is told so, and everything else is null.
    """
    try:
        found = billing.show(desk.rt, tenant)
    except NotFoundError:
        return schema.answer(_NOT_BILLED)
    return schema.answer(shown(found))


@router.put("/billing/caps", response_model=BillingBody)
def put_cap(desk: Desks, tenant: Tenants, asked: Annotated[CapRequest, _CAP]) -> Response:
    """Say what a campaign, or a day, may cost.

    What is beyond a day's cap waits for the next day, what is beyond a campaign's is `blocked_billing`;
    both go as soon as the cap is raised enough.
    """
    cap = None if asked.cap is None else Decimal(asked.cap)
    if asked.campaign is None:
        found = billing.cap_day(desk.rt, tenant, cap)
    else:
        found = billing.cap_campaign(desk.rt, tenant, asked.campaign, cap)
    return schema.answer(shown(found))


@router.get("/prices", response_model=Prices)
def list_prices(desk: Desks, tenant: Tenants) -> Response:
    """List what a segment costs, by provider, channel and country.

    The closest price holds: yours before everybody's, then by country, provider and channel.
    """
    return schema.answer({"data": list(map(price_shown, billing.listed(desk.rt, tenant)))})


_NOT_BILLED = dict.fromkeys(BillingBody.model_fields) | {"billed": False, "campaigns": []}


def shown(budget: Budget) -> dict[str, Any]:
    """A budget as `BillingBody` says."""
    cap = budget.day_cap
    return {
        "billed": True,
        "currency": budget.currency,
        "balance": schema.money(budget.balance),
        "reserved": schema.money(budget.reserved),
        "spent_today": schema.money(budget.spent_today),
        "day_cap": None if cap is None else schema.money(cap),
        "enabled_at": budget.enabled_at.astimezone(UTC),
        "campaigns": [
            {"campaign": c.campaign, "cap": schema.money(c.cap), "spent": schema.money(c.spent)}
            for c in budget.campaigns
        ],
    }


def price_shown(price: PriceView) -> dict[str, Any]:
    """A price as `PriceBody` says."""
    return {
        "own": price.own,
        "provider": price.provider,
        "channel": price.channel,
        "country": price.country,
        "per_segment": schema.money(price.per_segment),
        "currency": price.currency,
        "since": price.since.astimezone(UTC),
    }

"""`/v1/brands` and `/v1/tendlc-campaigns`: what US carriers want to know before a long code may send."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Body, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from messaging import registration
from messaging.api import schema
from messaging.api.native import Desks, Tenants
from messaging.domain.registration import BrandStatus, CampaignStatus
from messaging.domain.sender_request import PLAIN
from messaging.store.registrations import Brand, TendlcCampaign

router = APIRouter(prefix="/v1", tags=["registrations"])

Name = Annotated[
    str, Path(min_length=1, max_length=80, pattern=PLAIN, description="what you call it")
]
Reference = Annotated[
    str | None, Field(min_length=1, max_length=80, pattern=PLAIN, description="the provider's id")
]

Segments = Annotated[int | None, Field(ge=1, le=1_000_000_000)]


class BrandState(BaseModel):
    """Where a brand's registration stands."""

    model_config = ConfigDict(extra="forbid")

    status: Annotated[BrandStatus, Field(description="only an active brand's campaigns may send")]
    provider_brand_id: Annotated[
        Reference,
        Field(description="such as Twilio's BN...; with it the provider is asked hourly"),
    ] = None
    account: Annotated[
        Reference,
        Field(
            description="the account that it and its campaigns are registered with, by name; needed"
            " where you have several that can be asked"
        ),
    ] = None
    segments_per_day: Annotated[
        Segments,
        Field(
            description="what one carrier lets it send over all its campaigns, as registered; null"
            " is no limit of ours"
        ),
    ] = None


class BrandBody(BrandState):
    """Who campaigns speak for."""

    name: str


class BrandList(BaseModel):
    """A tenant's brands."""

    data: list[BrandBody]


class TendlcCampaignState(BaseModel):
    """What a campaign is registered for, and where that stands."""

    model_config = ConfigDict(extra="forbid")

    brand: Annotated[str, Field(min_length=1, max_length=80, pattern=PLAIN)]
    status: Annotated[CampaignStatus, Field(description="only a verified campaign may send")]
    use_case: Annotated[
        str | None, Field(min_length=1, max_length=80, pattern=PLAIN, examples=["MIXED"])
    ] = None
    provider_campaign_id: Annotated[
        Reference,
        Field(description="such as Twilio's QE...; with it the provider is asked hourly"),
    ] = None
    provider_service_id: Annotated[
        Reference, Field(description="what it is kept under: Twilio's messaging service, MG...")
    ] = None
    has_links: Annotated[bool, Field(description="it declared that texts hold links")] = True
    has_phone_numbers: Annotated[
        bool, Field(description="it declared that texts hold phone numbers")
    ] = True
    age_gated: Annotated[bool, Field(description="it is for adults who were asked")] = False
    segments_per_minute: Annotated[
        Segments,
        Field(description="what carriers let it send, as registered; null is no limit of ours"),
    ] = None


class TendlcCampaignBody(TendlcCampaignState):
    """What a brand's messages are registered to say."""

    name: str


class TendlcCampaignList(BaseModel):
    """A tenant's 10DLC campaigns."""

    data: list[TendlcCampaignBody]


_BRAND = Body(openapi_examples={"active": {"value": {"status": "active"}}})
_CAMPAIGN = Body(
    openapi_examples={"verified": {"value": {"brand": "main", "status": "verified"}}},
)


@router.get("/brands", response_model=BrandList)
def list_brands(desk: Desks, tenant: Tenants) -> Response:
    """List brands, by name.

    Each says where its registration with the US carriers stands.
    """
    found = registration.brands(desk.rt, tenant)
    return schema.answer({"data": [asdict(brand) for brand in found]})


@router.put("/brands/{name}", response_model=BrandBody)
def put_brand(
    desk: Desks, tenant: Tenants, name: Name, state: Annotated[BrandState, _BRAND]
) -> Response:
    """Say where a brand's registration stands; a new name makes a brand.

    Once it is active, messages that were held for want of it are sent.
    """
    brand = Brand(name, **state.model_dump())
    registration.put_brand(desk.rt, tenant, brand)
    return schema.answer(asdict(brand))


@router.get("/tendlc-campaigns", response_model=TendlcCampaignList)
def list_tendlc_campaigns(desk: Desks, tenant: Tenants) -> Response:
    """List 10DLC campaigns, by name.

    Each says where its registration with the US carriers stands.
    """
    found = registration.campaigns(desk.rt, tenant)
    return schema.answer({"data": [asdict(campaign) for campaign in found]})


@router.put("/tendlc-campaigns/{name}", response_model=TendlcCampaignBody)
def put_tendlc_campaign(
    desk: Desks, tenant: Tenants, name: Name, state: Annotated[TendlcCampaignState, _CAMPAIGN]
) -> Response:
    """Say what a 10DLC campaign is and where its registration stands; a new name makes one.

    Once it is verified and its brand active, messages that were held for want of it are sent.
    """
    campaign = TendlcCampaign(name, **state.model_dump())
    registration.put_campaign(desk.rt, tenant, campaign)
    return schema.answer(asdict(campaign))

"""`/v1/senders` and `/v1/pools`: what a message's `from` and `pool` may name, and where it may write to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from messaging import registration
from messaging.api import schema
from messaging.api.native import Desks, Tenants
from messaging.api.registration import PLAIN, Name, Reference
from messaging.domain.errors import NotFoundError
from messaging.domain.message import Channel, Sender
from messaging.domain.registration import ReplyOwner, SenderKind, Standing, Verification

router = APIRouter(prefix="/v1", tags=["senders"])


class SenderBody(BaseModel):
    """Something messages can be sent from."""

    id: UUID
    address: str
    channel: Channel
    mps: Annotated[float, Field(description="message segments a second")]
    healthy: bool
    is_default: bool
    pools: list[str]
    kind: SenderKind
    campaign: Annotated[str | None, Field(description="its 10DLC campaign, by name")]
    verification: Annotated[
        Verification,
        Field(description="a toll-free number's own, or `suspended`: a long code taken off"),
    ]
    provider_verification_id: Annotated[
        str | None, Field(description="a toll-free number's verification, as the provider names it")
    ]
    standing: Annotated[
        Standing, Field(description="what its registrations come to where they are asked for")
    ]
    reply_owner: Annotated[ReplyOwner, Field(description="who answers STOP, START and HELP")]


class Senders(BaseModel):
    """A tenant's senders."""

    data: list[SenderBody]


class _Patch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, given: Any) -> Any:
        if given == {}:
            raise ValueError("name at least one thing to change")
        return given


class SenderPatch(_Patch):
    """What to change; what is left out stays as it is."""

    campaign: Annotated[
        str | None,
        Field(max_length=80, pattern=PLAIN, description="by name; null takes it off its campaign"),
    ] = None
    verification: Verification = Verification.UNREGISTERED
    provider_verification_id: Annotated[
        Reference,
        Field(
            description="a toll-free number's verification, such as Twilio's HH...; with it the"
            " provider is asked hourly"
        ),
    ] = None
    reply_owner: ReplyOwner = ReplyOwner.PROVIDER
    healthy: Annotated[bool, Field(description="whether it is chosen unasked")] = True


class PoolBody(BaseModel):
    """A group of senders."""

    name: str
    regions: Annotated[
        list[str] | None, Field(description="ISO 3166 codes; null is wherever your policy allows")
    ]


class Pools(BaseModel):
    """A tenant's pools."""

    data: list[PoolBody]


class PoolPatch(_Patch):
    """Where a pool may write to."""

    regions: Annotated[
        frozenset[Annotated[str, Field(pattern="^[A-Z]{2}$")]] | None,
        Field(description="ISO 3166 codes; null is wherever your policy allows", examples=[["US"]]),
    ]


def _sender_id(sender_id: Annotated[str, Path(description="the id of a sender")]) -> UUID:
    try:
        return UUID(sender_id)
    except ValueError:
        raise NotFoundError("no sender of yours has this id") from None


SenderId = Annotated[UUID, Depends(_sender_id)]


@router.get("/senders", response_model=Senders)
def list_senders(desk: Desks, tenant: Tenants) -> Response:
    """List what a message's `from` and `pool` may name."""
    known = desk.rt.senders_of(tenant.id)
    data = [_shown(s, known.pools) for s in known.candidates.by_id.values()]
    return schema.answer({"data": data})


@router.patch("/senders/{sender_id}", response_model=SenderBody)
def change_sender(
    desk: Desks,
    tenant: Tenants,
    sender_id: SenderId,
    patch: Annotated[
        SenderPatch,
        Body(openapi_examples={"registered": {"value": {"campaign": "main"}}}),
    ],
) -> Response:
    """Change a sender's registration, who answers on it, or its health.

    Once it is registered, messages that were held for want of it are sent.
    """
    change = registration.SenderChange(**patch.model_dump(exclude_unset=True))  # type: ignore[typeddict-item]
    found = registration.change_sender(desk.rt, tenant, sender_id, change)
    return schema.answer(_shown(found, desk.rt.senders_of(tenant.id).pools))


@router.get("/pools", response_model=Pools)
def list_pools(desk: Desks, tenant: Tenants) -> Response:
    """List sender pools, by name."""
    found = registration.pools(desk.rt, tenant)
    return schema.answer({"data": [{"name": n, "regions": r} for n, r in found.items()]})


@router.patch("/pools/{name}", response_model=PoolBody)
def change_pool(
    desk: Desks,
    tenant: Tenants,
    name: Name,
    patch: Annotated[PoolPatch, Body(openapi_examples={"home": {"value": {"regions": ["US"]}}})],
) -> Response:
    """Say which countries a pool may write to; null lifts the limit."""
    registration.limit_pool(desk.rt, tenant, name, patch.regions)
    return schema.answer(
        {"name": name, "regions": None if patch.regions is None else sorted(patch.regions)}
    )


def _shown(sender: Sender, pools: Mapping[str, UUID]) -> dict[str, Any]:
    names = {pool_id: name for name, pool_id in pools.items()}
    return {
        "id": sender.id,
        "address": sender.address,
        "channel": sender.channel,
        "mps": sender.mps,
        "healthy": sender.healthy,
        "is_default": sender.is_default,
        "pools": sorted(names[p] for p in sender.pool_ids if p in names),
        "kind": sender.kind,
        "campaign": sender.campaign.name if sender.campaign else None,
        "verification": sender.verification,
        "provider_verification_id": sender.provider_verification_id,
        "standing": sender.standing,
        "reply_owner": sender.reply_owner,
    }

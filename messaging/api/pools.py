"""`/v1/pools`: senders that may stand in for each other, and how one of them is chosen."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from messaging import pools
from messaging.api import schema
from messaging.api.native import Desks, Tenants
from messaging.api.registration import Name
from messaging.api.senders import SenderId
from messaging.domain import sender_request
from messaging.pools import Group

router = APIRouter(prefix="/v1/pools", tags=["senders"])

Regions = Annotated[
    frozenset[Annotated[str, Field(pattern="^[A-Z]{2}$")]] | None,
    Field(description="ISO 3166 codes it may write to; null is wherever your policy allows"),
]


class _Choosing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    regions: Regions = None
    sticky: Annotated[bool, Field(description="a conversation keeps its sender")] = True
    local: Annotated[
        bool, Field(description="a number near the recipient comes before any other")
    ] = True
    local_km: Annotated[int, Field(ge=0, le=20_000, description="how far that may be")] = 400
    segments_per_second: Annotated[
        float | None,
        Field(
            gt=0,
            le=1_000_000,
            allow_inf_nan=False,
            description="what all its senders together may send; null is no limit of its own",
        ),
    ] = None


class PoolRequest(_Choosing):
    """A pool to make."""

    name: sender_request.Name


class PoolPatch(_Choosing):
    """What to change of a pool; what is left out stays as it is."""

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, given: Any) -> Any:
        if given == {}:
            raise ValueError("name at least one thing to change")
        return given


class PoolBody(BaseModel):
    """A group of senders."""

    name: str
    regions: list[str] | None
    sticky: bool
    local: bool
    local_km: int
    segments_per_second: float | None
    senders: Annotated[int, Field(description="how many in use it has")]


class Pools(BaseModel):
    """A tenant's pools."""

    data: list[PoolBody]


_NEW = Body(openapi_examples={"alerts": {"value": {"name": "alerts", "regions": ["US"]}}})
_PATCH = Body(
    openapi_examples={
        "home": {"value": {"regions": ["US"]}},
        "slower": {"value": {"segments_per_second": 20}},
    }
)


@router.get("", response_model=Pools)
def list_pools(desk: Desks, tenant: Tenants) -> Response:
    """List sender pools, by name.

    Each says where it may write to, and how many senders it has.
    """
    found = pools.pools(desk.rt, tenant)
    return schema.answer({"data": list(map(shown, found))})


@router.post("", response_model=PoolBody, status_code=201)
def make_pool(desk: Desks, tenant: Tenants, asked: Annotated[PoolRequest, _NEW]) -> Response:
    """Make an empty pool.

    Senders join it by their own request, or name it when they are added.
    """
    values = asked.model_dump(exclude_unset=True, exclude={"name"})
    return schema.answer(shown(pools.make(desk.rt, tenant, asked.name, values)), 201)


@router.patch("/{name}", response_model=PoolBody)
def change_pool(
    desk: Desks, tenant: Tenants, name: Name, patch: Annotated[PoolPatch, _PATCH]
) -> Response:
    """Change where a pool may write to, and how its senders are chosen.

    What is left out stays as it is; every process follows within two seconds.
    """
    values = patch.model_dump(exclude_unset=True)
    return schema.answer(shown(pools.change(desk.rt, tenant, name, values)))


@router.delete("/{name}", status_code=204)
def delete_pool(desk: Desks, tenant: Tenants, name: Name) -> Response:
    """Delete a pool; 409 while it has senders, is bound, or messages that name it wait."""
    pools.delete(desk.rt, tenant, name)
    return Response(status_code=204)


@router.put("/{name}/senders/{sender_id}", status_code=204)
def join_pool(desk: Desks, tenant: Tenants, name: Name, sender_id: SenderId) -> Response:
    """Add a sender to a pool; it may be in several."""
    pools.join(desk.rt, tenant, name, sender_id)
    return Response(status_code=204)


@router.delete("/{name}/senders/{sender_id}", status_code=204)
def leave_pool(desk: Desks, tenant: Tenants, name: Name, sender_id: SenderId) -> Response:
    """Take a sender out of a pool.

    It stays a sender, and in its other pools.
    """
    pools.leave(desk.rt, tenant, name, sender_id)
    return Response(status_code=204)


def shown(group: Group) -> dict[str, Any]:
    """A pool as `PoolBody` says."""
    pool = group.pool
    return {
        "name": pool.name,
        "regions": None if pool.regions is None else sorted(pool.regions),
        "sticky": pool.sticky,
        "local": pool.local,
        "local_km": pool.local_km,
        "segments_per_second": pool.segments_per_second,
        "senders": group.size,
    }

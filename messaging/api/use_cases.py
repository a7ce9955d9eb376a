"""`/v1/use-cases`: what is sent for one purpose from one pool, under an id."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from messaging import use_cases
from messaging.api import schema
from messaging.api.native import Desks, Tenants
from messaging.domain.errors import NotFoundError
from messaging.domain.sender_request import Name
from messaging.domain.use_case import UseCase

router = APIRouter(prefix="/v1/use-cases", tags=["senders"])


class UseCaseRequest(BaseModel):
    """A use case to make."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    pool: Annotated[Name, Field(description="the pool it is sent from, by name")]


class UseCasePatch(BaseModel):
    """What to change of a use case; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    active: bool | None = None
    pool: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, given: Any) -> Any:
        if given == {}:
            raise ValueError("name at least one thing to change")
        return given


class UseCaseBody(BaseModel):
    """A use case; messages name its id as their `use_case`."""

    id: UUID
    name: str
    pool: str
    active: Annotated[bool, Field(description="false: nothing is sent for it")]
    created_at: datetime


class UseCases(BaseModel):
    """A tenant's use cases."""

    data: list[UseCaseBody]


_NEW = Body(openapi_examples={"alerts": {"value": {"name": "alerts", "pool": "main"}}})
_PATCH = Body(
    openapi_examples={"off": {"value": {"active": False}}, "pool": {"value": {"pool": "main"}}}
)


def _use_case_id(use_case_id: Annotated[str, Path(description="the id of a use case")]) -> UUID:
    try:
        return UUID(use_case_id)
    except ValueError:
        raise NotFoundError("no use case of yours has this id") from None


UseCaseId = Annotated[UUID, Depends(_use_case_id)]


@router.get("", response_model=UseCases)
def list_use_cases(desk: Desks, tenant: Tenants) -> Response:
    """List use cases, by name.

    Each has an id, which messages name as their `use_case`.
    """
    return schema.answer({"data": list(map(shown, use_cases.use_cases(desk.rt, tenant)))})


@router.post("", response_model=UseCaseBody, status_code=201)
def make_use_case(desk: Desks, tenant: Tenants, asked: Annotated[UseCaseRequest, _NEW]) -> Response:
    """Make a use case.

    Messages name its id as their `use_case`, and leave from its pool.
    """
    return schema.answer(shown(use_cases.make(desk.rt, tenant, asked.name, asked.pool)), 201)


@router.patch("/{use_case_id}", response_model=UseCaseBody)
def change_use_case(
    desk: Desks, tenant: Tenants, use_case_id: UseCaseId, patch: Annotated[UseCasePatch, _PATCH]
) -> Response:
    """Switch a use case on or off, or send it from another pool.

    Nothing is sent for one that is off; what is left out stays as it is.
    """
    found = use_cases.change(desk.rt, tenant, use_case_id, active=patch.active, pool=patch.pool)
    return schema.answer(shown(found))


@router.delete("/{use_case_id}", status_code=204)
def remove_use_case(desk: Desks, tenant: Tenants, use_case_id: UseCaseId) -> Response:
    """Remove a use case; its messages stay."""
    use_cases.remove(desk.rt, tenant, use_case_id)
    return Response(status_code=204)


def shown(use_case: UseCase) -> dict[str, Any]:
    """A use case as `UseCaseBody` says."""
    return asdict(use_case) | {"created_at": use_case.created_at.astimezone(UTC)}

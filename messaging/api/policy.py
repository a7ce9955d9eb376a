"""`/v1/policy`: what a tenant decided about compliance."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field
from starlette.responses import Response

from messaging import policies
from messaging.api import schema
from messaging.api.native import Desks, Tenants
from messaging.domain.compliance import Policy

router = APIRouter(prefix="/v1/policy", tags=["policy"])

Patch = Annotated[
    dict[str, Any],
    Body(
        openapi_examples={
            "stricter": {"value": {"brand": "Acme", "quiet_hours": {"preset": "us_strict"}}}
        }
    ),
]


class PolicyEventBody(BaseModel):
    """A policy, and since when it held."""

    at: datetime
    decisions: Annotated[
        dict[str, Any], Field(description="what was decided; the rest were defaults")
    ]


class PolicyHistory(BaseModel):
    """The latest 100 policies, newest first."""

    data: list[PolicyEventBody]


@router.get("/history", response_model=PolicyHistory)
def list_policies(desk: Desks, tenant: Tenants) -> Response:
    """List the policies you had, newest first: what held when a verdict was given."""
    return schema.answer({"data": policies.history(desk.rt, tenant)})


@router.get("", response_model=Policy)
def get_policy(desk: Desks, tenant: Tenants) -> Response:
    """Get the whole policy, defaults included.

    What you never decided is as it is usual.
    """
    return schema.answer(policies.read(desk.rt, tenant).model_dump(mode="json"))


@router.patch("", response_model=Policy)
def change_policy(desk: Desks, tenant: Tenants, patch: Patch) -> Response:
    """Change the named parts (RFC 7396 merge patch); null restores a default.

    Every process follows within two seconds.
    """
    return schema.answer(policies.change(desk.rt, tenant, patch).model_dump(mode="json"))

"""`/v1/suppressions`: who of a tenant's recipients must not be written to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from starlette.responses import Response

from messaging import suppression
from messaging.api import schema
from messaging.api.native import Desks, Recipient, Tenants, key_of
from messaging.domain.errors import NotFoundError
from messaging.store import suppressions

router = APIRouter(prefix="/v1/suppressions", tags=["suppressions"])

Somebody = Annotated[
    Recipient, Body(openapi_examples={"recipient": {"value": {"to": "+12025550123"}}})
]


@router.post("", response_model=schema.SuppressionState, status_code=201)
def suppress(desk: Desks, tenant: Tenants, somebody: Somebody) -> Response:
    """Stop writing to somebody; repeating it changes nothing (then 200)."""
    who = suppression.person(desk.rt, tenant, somebody.channel, somebody.to)
    done = suppression.stop(desk.rt, who, source="api")
    return schema.answer({"suppressed": True}, 201 if done.new else 200)


@router.delete("", status_code=204, response_class=Response)
def lift(desk: Desks, tenant: Tenants, somebody: Somebody) -> Response:
    """Write to somebody again; 404 if they were not suppressed."""
    who = suppression.person(desk.rt, tenant, somebody.channel, somebody.to)
    if not suppression.start(desk.rt, who, source="api"):
        raise NotFoundError("nobody with this address is suppressed; nothing needs to be lifted")
    return Response(status_code=204)


@router.post("/check", response_model=schema.SuppressionState)
def check(desk: Desks, tenant: Tenants, somebody: Somebody) -> Response:
    """Ask whether somebody is suppressed."""
    key = key_of(desk.rt, tenant, somebody.channel, somebody.to)
    with desk.rt.engine.connect() as db:
        found = suppressions.among(db, tenant.id, somebody.channel, [key])
    return schema.answer({"suppressed": bool(found)})

"""`/v1/endpoints`: your URLs that are told what happens to your messages, and what they were told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from messaging import endpoints
from messaging.api import schema
from messaging.api.native import Desks, Tenants
from messaging.deliveries import notice_id
from messaging.domain.callback_url import LONGEST
from messaging.domain.errors import NotFoundError
from messaging.domain.notices import Disabled, Kind
from messaging.endpoints import Changes
from messaging.store.endpoints import EndpointView

router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])


def _endpoint_id(endpoint_id: Annotated[str, Path(description="the id of an endpoint")]) -> UUID:
    try:
        return UUID(endpoint_id)
    except ValueError:
        raise NotFoundError("no endpoint of yours has this id") from None


EndpointId = Annotated[UUID, Depends(_endpoint_id)]
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST,
        description="where to POST: https, port 443 or 8443, a host with public addresses only",
        examples=["https://hooks.example.com/posthorn"],
    ),
]
Events = Annotated[list[Kind], Field(min_length=1, max_length=100, description="what to tell it")]


class EndpointRequest(BaseModel):
    """An endpoint to add."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    events: Events = list(Kind)


class EndpointPatch(BaseModel):
    """What to change of an endpoint; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    events: Events | None = None
    enabled: Annotated[bool | None, Field(description="true: with a clean record")] = None

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, given: Any) -> Any:
        if given == {}:
            raise ValueError("name at least one thing to change")
        return given


class EndpointBody(BaseModel):
    """An endpoint, and how it is doing."""

    id: UUID
    url: str
    events: list[Kind]
    enabled: bool
    disabled_at: datetime | None
    disabled_reason: Annotated[
        Disabled | None,
        Field(description="gone: it answered 410; failing: it took nothing for five days; asked"),
    ]
    failing_since: Annotated[datetime | None, Field(description="null once it takes something")]
    paused_until: Annotated[datetime | None, Field(description="it asked for that (Retry-After)")]
    two_secrets_until: Annotated[
        datetime | None, Field(description="until then the secret before this one signs, too")
    ]
    created_at: datetime


class NewEndpointBody(EndpointBody):
    """An endpoint with its secret, which is shown here and never again."""

    secret: Annotated[str, Field(description="whsec_...: checks signatures (Standard Webhooks)")]


class Endpoints(BaseModel):
    """All of yours, in the order they were made."""

    data: list[EndpointBody]


class ExampleRequest(BaseModel):
    """An example to send."""

    model_config = ConfigDict(extra="forbid")

    type: Kind = Kind.DELIVERED


class NoticeRef(BaseModel):
    """A notice that is on its way; it is tried once."""

    id: Annotated[
        str,
        Field(examples=["ntc_5f0c6a1e9b7d42c8a3e1f064"], description="the webhook-id it carries"),
    ]


_NEW = Body(
    openapi_examples={
        "all": {"value": {"url": "https://example.com/posthorn"}},
        "some": {
            "value": {"url": "https://example.com/failures", "events": ["message.failed"]},
        },
    }
)
_PATCH = Body(openapi_examples={"again": {"value": {"enabled": True}}})
_TEST = Body(openapi_examples={"delivered": {"value": {"type": "message.delivered"}}})


@router.post("", response_model=NewEndpointBody, status_code=201)
def add_endpoint(desk: Desks, tenant: Tenants, asked: Annotated[EndpointRequest, _NEW]) -> Response:
    """Add an endpoint; the answer has its secret, which is not shown again.

    It is told by POST, `{"type", "timestamp", "data"}` in JSON, signed as Standard Webhooks 1.0.0 says,
    at least once, and what is of one message in order. Any 2xx within 15 seconds takes it; a redirect
    does not; 410 disables the endpoint; everything else is tried again for a day.
    """
    found, secret = endpoints.add(desk.rt, tenant, asked.url, asked.events)
    where = {"Location": f"/v1/endpoints/{found.id}"}
    return schema.answer({**shown(found, desk.rt.now()), "secret": secret}, 201, where)


@router.get("", response_model=Endpoints)
def list_endpoints(desk: Desks, tenant: Tenants) -> Response:
    """List your endpoints, in the order they were made.

    Secrets are not shown.
    """
    now = desk.rt.now()
    return schema.answer({"data": [shown(e, now) for e in endpoints.page(desk.rt, tenant)]})


@router.get("/{endpoint_id}", response_model=EndpointBody)
def get_endpoint(desk: Desks, tenant: Tenants, endpoint_id: EndpointId) -> Response:
    """Get an endpoint, and how it is doing.

    It says since when it fails, and until when it asked to be left alone.
    """
    found = endpoints.find(desk.rt, tenant, endpoint_id)
    return schema.answer(shown(found, desk.rt.now()))


@router.patch("/{endpoint_id}", response_model=EndpointBody)
def change_endpoint(
    desk: Desks,
    tenant: Tenants,
    endpoint_id: EndpointId,
    patch: Annotated[EndpointPatch, _PATCH],
) -> Response:
    """Change an endpoint: its URL, what it is told, whether it is told anything."""
    changes = Changes(patch.url, patch.events, patch.enabled)
    found = endpoints.change(desk.rt, tenant, endpoint_id, changes)
    return schema.answer(shown(found, desk.rt.now()))


@router.delete("/{endpoint_id}", status_code=204)
def remove_endpoint(desk: Desks, tenant: Tenants, endpoint_id: EndpointId) -> Response:
    """Remove an endpoint, and what it was still to be told.

    Other endpoints are told as before.
    """
    endpoints.remove(desk.rt, tenant, endpoint_id)
    return Response(status_code=204)


@router.post("/{endpoint_id}/rotate", response_model=NewEndpointBody)
def rotate_secret(desk: Desks, tenant: Tenants, endpoint_id: EndpointId) -> Response:
    """Make a new secret; for 24 hours the old one signs, too."""
    found, secret = endpoints.rotate(desk.rt, tenant, endpoint_id)
    return schema.answer({**shown(found, desk.rt.now()), "secret": secret})


@router.post("/{endpoint_id}/test", response_model=NoticeRef, status_code=202)
def send_example(
    desk: Desks,
    tenant: Tenants,
    endpoint_id: EndpointId,
    asked: Annotated[ExampleRequest | None, _TEST] = None,
) -> Response:
    """Send an example with `"test": true` in its data; its notice says what came of it."""
    kind = (asked or ExampleRequest()).type
    number = endpoints.try_out(desk.rt, tenant, endpoint_id, kind)
    return schema.answer({"id": notice_id(desk.rt, number)}, 202)


def shown(view: EndpointView, now: datetime) -> dict[str, Any]:
    """An endpoint as `EndpointBody` says."""
    coming = {"paused_until": view.paused_until, "two_secrets_until": view.previous_until}
    return {
        "id": view.id,
        "url": view.url,
        "events": view.events,
        "enabled": view.disabled_at is None,
        "disabled_at": utc(view.disabled_at),
        "disabled_reason": view.disabled_reason,
        "failing_since": utc(view.failing_since),
        **{name: utc(at) if at and at > now else None for name, at in coming.items()},
        "created_at": utc(view.created_at),
    }


def utc(at: datetime | None) -> datetime | None:
    """A time as we show it."""
    return at.astimezone(UTC) if at else None

"""`/v1/keys`: who may use the API for you, how much of it, and until when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from messaging import access
from messaging.access import Asked, Caller
from messaging.api import schema
from messaging.api.desk import desk_of
from messaging.api.endpoints import utc
from messaging.api.native import Desks, Tenants
from messaging.domain.errors import NotFoundError
from messaging.domain.scopes import KeyKind, Scope
from messaging.domain.sender_request import PLAIN
from messaging.store.keys import KeyView

router = APIRouter(prefix="/v1/keys", tags=["keys"])

KeyId = Annotated[str, Path(description="the id of an API key: the part after 'ph_live_'")]


async def _caller(request: Request) -> Caller:
    return await desk_of(request).caller(request)


class KeyRequest(BaseModel):
    """An API key to make."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=PLAIN)]
    kind: Annotated[KeyKind, Field(description="test: what it sends reaches sandboxes only")] = (
        KeyKind.LIVE
    )
    scopes: Annotated[
        list[Scope] | None, Field(min_length=1, max_length=50, description="null is everything")
    ] = None
    expires_at: AwareDatetime | None = None
    requests_per_minute: Annotated[
        int | None, Field(ge=0, le=10_000_000, description="null is the usual limit, 0 is none")
    ] = None


class KeyBody(BaseModel):
    """An API key, without its secret."""

    id: str
    name: str
    kind: KeyKind
    scopes: list[Scope] | None
    requests_per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: Annotated[datetime | None, Field(description="to the minute")]
    revoked_at: datetime | None


class NewKeyBody(KeyBody):
    """An API key, which is shown here and never again."""

    key: Annotated[str, Field(description="ph_live_... or ph_test_...")]


class Keys(BaseModel):
    """All of yours, oldest first."""

    data: list[KeyBody]


_NEW = Body(
    openapi_examples={
        "sending": {"value": {"name": "web shop", "scopes": ["messages:send", "messages:read"]}},
        "test": {"value": {"name": "continuous integration", "kind": "test"}},
    }
)


@router.post("", response_model=NewKeyBody, status_code=201)
def create_key(
    desk: Desks,
    caller: Annotated[Caller, Depends(_caller)],
    asked: Annotated[KeyRequest, _NEW],
) -> Response:
    """Make an API key that may do no more than yours; the answer has it, this once.

    To replace a key, make a second one, use it everywhere, then end the first.
    """
    new = Asked(asked.name, asked.kind, asked.scopes, asked.expires_at, asked.requests_per_minute)
    key, view = access.create(desk.rt, caller.tenant, new, within=caller.scopes)
    where = {"Location": f"/v1/keys/{view.id}"}
    return schema.answer({**shown(view), "key": key}, 201, where)


@router.get("", response_model=Keys)
def list_keys(desk: Desks, tenant: Tenants) -> Response:
    """List your API keys, oldest first, the ended ones too.

    Secrets are not shown.
    """
    return schema.answer({"data": [shown(key) for key in access.listed(desk.rt, tenant)]})


@router.get("/{key_id}", response_model=KeyBody)
def get_key(desk: Desks, tenant: Tenants, key_id: KeyId) -> Response:
    """Get an API key, without its secret.

    It says what the key may do, until when, and when it was last used.
    """
    return schema.answer(shown(access.found(desk.rt, tenant, key_id)))


@router.delete("/{key_id}", status_code=204)
def revoke_key(desk: Desks, tenant: Tenants, key_id: KeyId) -> Response:
    """End an API key; everything refuses it within five seconds."""
    if not access.revoke(desk.rt, key_id, tenant):
        raise NotFoundError("no active API key of yours has this id")
    return Response(status_code=204)


def shown(view: KeyView) -> dict[str, Any]:
    """A key as `KeyBody` says."""
    return {
        "id": view.id,
        "name": view.name,
        "kind": view.kind,
        "scopes": view.scopes,
        "requests_per_minute": view.requests_per_minute,
        "created_at": utc(view.created_at),
        "expires_at": utc(view.expires_at),
        "last_used_at": utc(view.last_used_at),
        "revoked_at": utc(view.revoked_at),
    }

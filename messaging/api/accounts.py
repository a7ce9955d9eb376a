"""`GET /v1/accounts`: which providers a tenant sends through, and what they can carry."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from messaging import account_views
from messaging.account_views import AccountView
from messaging.api import schema
from messaging.api.native import Desks, Tenants
from messaging.domain.message import Channel

router = APIRouter(prefix="/v1/accounts", tags=["senders"])


class AbilityBody(BaseModel):
    """What an account can carry on one channel."""

    max_body: Annotated[int, Field(description="characters of text")]
    media: Annotated[int, Field(description="files one message may have")]
    flash: Annotated[bool, Field(description="whether it has flash messages")]
    validity: Annotated[bool, Field(description="whether it drops what comes too late itself")]


class AccountBody(BaseModel):
    """An account at a provider, without its credentials."""

    id: UUID
    name: str
    provider: str
    channels: dict[Channel, AbilityBody]


class Accounts(BaseModel):
    """Every account of the tenant, by name."""

    data: list[AccountBody]


@router.get("", response_model=Accounts)
def list_accounts(desk: Desks, tenant: Tenants) -> Response:
    """List your accounts at providers, and what each can carry.

    Credentials are not shown.
    """
    found = account_views.views(desk.rt, tenant)
    return schema.answer({"data": [_shown(view) for view in found]})


def _shown(view: AccountView) -> dict[str, object]:
    names = AbilityBody.model_fields
    channels = {
        channel.value: {name: getattr(can, name) for name in names}
        for channel, can in view.abilities.items()
    }
    return {"id": view.id, "name": view.name, "provider": view.provider, "channels": channels}

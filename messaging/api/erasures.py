"""`/v1/erasures`: a person asks to be forgotten."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from messaging import erasure
from messaging.api import schema
from messaging.api.native import Addressee, Desks, Tenants
from messaging.domain.errors import NotFoundError
from messaging.domain.message import Channel
from messaging.store.erasures import Erasure

router = APIRouter(prefix="/v1/erasures", tags=["erasures"])


def _erasure_id(erasure_id: Annotated[str, Path(description="the id of an erasure")]) -> UUID:
    try:
        return UUID(erasure_id)
    except ValueError:
        raise NotFoundError("no erasure of yours has this id") from None


ErasureId = Annotated[UUID, Depends(_erasure_id)]
Somebody = Annotated[
    Addressee, Body(openapi_examples={"recipient": {"value": {"to": "+12025550123"}}})
]


class ErasureBody(BaseModel):
    """A request to erase somebody, and how far it has come; it does not say whom."""

    id: UUID
    channel: Channel
    requested_at: Annotated[
        datetime, Field(description="what the person sent or was sent until then is erased")
    ]
    finished_at: Annotated[
        datetime | None,
        Field(description="null while something is left, such as a message under way"),
    ]
    messages: Annotated[int, Field(description="emptied so far, in both directions")]
    receipts: Annotated[int, Field(description="webhooks emptied so far")]


@router.post("", response_model=ErasureBody, status_code=202)
def request_erasure(desk: Desks, tenant: Tenants, somebody: Somebody) -> Response:
    """Erase a person: cancel what waits for them, and empty everything that names them.

    Texts, addresses and metadata go; ids, status, times and segments stay, and so do opt-outs and
    consent, which are kept without the address: whoever said STOP is still not written to. SMS and MMS
    are one person; what is sent afterwards is not touched, but asking again erases that too, under the
    same id; messages at the provider are not deleted.
    """
    found = erasure.request(desk.rt, tenant, somebody.channel, somebody.to)
    return schema.answer(shown(found), 202, {"Location": f"/v1/erasures/{found.id}"})


@router.get("/{erasure_id}", response_model=ErasureBody)
def get_erasure(desk: Desks, tenant: Tenants, erasure_id: ErasureId) -> Response:
    """Get how far an erasure has come.

    It is finished once nothing is left, such as a message under way.
    """
    return schema.answer(shown(erasure.find(desk.rt, tenant, erasure_id)))


def shown(found: Erasure) -> dict[str, Any]:
    """An erasure as `ErasureBody` says."""
    finished_at = found.finished_at
    return {
        "id": found.id,
        "channel": found.channel,
        "requested_at": found.requested_at.astimezone(UTC),
        "finished_at": finished_at.astimezone(UTC) if finished_at else None,
        "messages": found.messages,
        "receipts": found.receipts,
    }

"""`GET /v1/inbound`: what people wrote to a tenant's senders, and what was read in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from messaging.api import schema
from messaging.api.native import Desks, Tenants
from messaging.api.paging import cursor_after, next_link, read_cursor
from messaging.domain.compliance.keywords import Keyword
from messaging.domain.message import Channel
from messaging.store import inbound
from messaging.store.inbound import InboundView

router = APIRouter(prefix="/v1/inbound", tags=["inbound"])


class InboundQuery(BaseModel):
    """Which inbound messages to list."""

    model_config = ConfigDict(extra="forbid")

    keyword: Annotated[Keyword | None, Field(description="what was read in it")] = None
    inferred: Annotated[
        bool | None,
        Field(description="true: only what we concluded from other words, for a person to review"),
    ] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None


class InboundBody(BaseModel):
    """An inbound message; times are UTC."""

    model_config = ConfigDict(populate_by_name=True)

    id: UUID
    channel: Channel
    from_: Annotated[str, Field(alias="from", description="who wrote it")]
    to: Annotated[str, Field(description="the sender it was written to")]
    body: str
    media: Annotated[list[str], Field(description="where its pictures and files are")]
    keyword: Annotated[Keyword, Field(description="what counts, of our reading and the provider's")]
    inferred: Annotated[bool, Field(description="whether a STOP is our conclusion alone")]
    language: Annotated[str | None, Field(description="of the keyword: en, fr, pt or es")]
    provider_keyword: Annotated[str | None, Field(description="what the provider read in it")]
    conversation_id: Annotated[
        UUID | None, Field(description="everything with this person: /v1/conversations/{id}")
    ]
    reply_id: Annotated[UUID | None, Field(description="the message that answers it")]
    account_id: UUID
    provider_message_id: str
    at: Annotated[datetime, Field(description="when it was sent, as far as the provider tells")]
    received_at: datetime


class InboundPage(BaseModel):
    """Inbound messages, newest first, and where to go on."""

    data: list[InboundBody]
    next_cursor: str | None


_RENAMED = {"from_address": "from", "to_address": "to"}


@router.get("", response_model=InboundPage)
def list_inbound(
    request: Request, desk: Desks, tenant: Tenants, query: Annotated[InboundQuery, Query()]
) -> Response:
    """List what people wrote to you, newest first.

    Filters look at the newest 100,000 messages after the cursor.
    """
    before = read_cursor(query.cursor)
    with desk.rt.engine.connect() as db:
        found = inbound.page(
            db,
            tenant.id,
            keyword=query.keyword,
            inferred=query.inferred,
            before=before,
            limit=query.limit + 1,
        )
    cursor = cursor_after(found, query.limit)
    data = [_shown(view) for view in found[: query.limit]]
    page = {"data": data, "next_cursor": cursor}
    return schema.answer(page, headers=next_link(request, cursor))


def _shown(view: InboundView) -> dict[str, Any]:
    values = {name: getattr(view, name) for name in view.__dataclass_fields__}
    # The database may answer in any zone; we answer in one.
    return {
        _RENAMED.get(name, name): v.astimezone(UTC) if isinstance(v, datetime) else v
        for name, v in values.items()
    }

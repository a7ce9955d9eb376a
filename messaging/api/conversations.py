"""`GET /v1/conversations/{id}`: everything that was said with one person, in both directions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from messaging import suppression
from messaging.api import schema
from messaging.api.native import Desks, Tenants
from messaging.api.paging import cursor_after, next_link, read_cursor
from messaging.domain.compliance.keywords import Keyword
from messaging.domain.errors import NotFoundError
from messaging.domain.message import Channel
from messaging.store import conversations
from messaging.store.conversations import Line

router = APIRouter(prefix="/v1/conversations", tags=["inbound"])


class ConversationQuery(BaseModel):
    """Which part of it."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None


class ConversationLine(BaseModel):
    """One message; times are UTC."""

    model_config = ConfigDict(populate_by_name=True)

    id: UUID
    direction: Annotated[
        Literal["in", "out"], Field(description="in: as in /v1/inbound, out: as in /v1/messages")
    ]
    channel: Channel
    from_: Annotated[str | None, Field(alias="from", description="null: no sender is chosen yet")]
    to: str
    body: str
    media: list[str]
    status: Annotated[str, Field(description="of a message of yours; else received")]
    keyword: Annotated[Keyword | None, Field(description="what was read in it")]
    at: Annotated[datetime, Field(description="when it was handed in, or came in")]


class ConversationPage(BaseModel):
    """A conversation with its messages, newest first, and where to go on."""

    id: UUID
    channel: Channel
    sender_id: Annotated[UUID | None, Field(description="who goes on with it")]
    created_at: datetime
    data: list[ConversationLine]
    next_cursor: str | None


_RENAMED = {"from_address": "from", "to_address": "to"}


@router.get("/{conversation_id}", response_model=ConversationPage)
def get_conversation(
    request: Request,
    desk: Desks,
    tenant: Tenants,
    conversation_id: Annotated[str, Path(description="as /v1/inbound shows it")],
    query: Annotated[ConversationQuery, Query()],
) -> Response:
    """Read what was said with one person, newest first; texts and pictures are one conversation."""
    before = read_cursor(query.cursor)
    pepper = desk.rt.settings.pepper
    with desk.rt.engine.connect() as db:
        found = conversations.find(db, tenant.id, _id(conversation_id))
        if found is None:
            raise NotFoundError(_NONE)
        keys = [found.recipient_key]
        if found.channel.by_phone:
            address = conversations.address(db, tenant.id, found.recipient_key)
            others = suppression.keys(pepper, found.channel, address) if address else {}
            keys = list({*keys, *others.values()})
        lines = conversations.page(db, tenant.id, keys, before, query.limit + 1)
    cursor = cursor_after(lines, query.limit)
    page = {
        "id": found.id,
        "channel": found.channel,
        "sender_id": found.sender_id,
        "created_at": found.created_at.astimezone(UTC),
        "data": [_shown(line) for line in lines[: query.limit]],
        "next_cursor": cursor,
    }
    return schema.answer(page, headers=next_link(request, cursor))


_NONE = "no conversation of yours has this id"


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFoundError(_NONE) from None


def _shown(line: Line) -> dict[str, Any]:
    values = {name: getattr(line, name) for name in line.__dataclass_fields__}
    # The database may answer in any zone; we answer in one.
    return {
        _RENAMED.get(name, name): v.astimezone(UTC) if isinstance(v, datetime) else v
        for name, v in values.items()
    }

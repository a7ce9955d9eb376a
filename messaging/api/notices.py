"""`/v1/endpoints/{id}/notices`: what an endpoint was told and is to be told, and telling it again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from messaging import endpoints
from messaging.api import schema
from messaging.api.endpoints import EndpointId, utc
from messaging.api.native import Desks, Tenants
from messaging.api.paging import next_link, open_cursor, sealed_cursor
from messaging.deliveries import notice_id
from messaging.domain.notices import State
from messaging.endpoints import Replayed
from messaging.runtime import Runtime
from messaging.store.notices import Chosen, NoticeView

router = APIRouter(prefix="/v1/endpoints/{endpoint_id}", tags=["endpoints"])


class NoticeQuery(BaseModel):
    """Which notices to list."""

    model_config = ConfigDict(extra="forbid")

    state: State | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None


class NoticeBody(BaseModel):
    """Something an endpoint was told, or is to be told."""

    id: Annotated[
        str,
        Field(examples=["ntc_5f0c6a1e9b7d42c8a3e1f064"], description="the webhook-id of every try"),
    ]
    type: str
    message_id: Annotated[UUID | None, Field(description="the message, inbound or not")]
    state: Annotated[State, Field(description="dead: given up; replay puts it back")]
    at: Annotated[datetime, Field(description="when it happened")]
    due_at: Annotated[datetime | None, Field(description="when it is tried next, if it waits")]
    tries: int
    last_status: Annotated[int | None, Field(description="the HTTP status of the last try")]
    last_error: Annotated[
        str | None, Field(examples=["timeout"], description="what was wrong, in a word of ours")
    ]
    delivered_at: datetime | None


class NoticePage(BaseModel):
    """Notices, newest first, and where to go on."""

    data: list[NoticeBody]
    next_cursor: str | None


class ReplayRequest(BaseModel):
    """Which notices to deliver again."""

    model_config = ConfigDict(extra="forbid")

    since: Annotated[AwareDatetime, Field(description="what happened then or later")]
    until: Annotated[AwareDatetime | None, Field(description="and before then")] = None
    state: Annotated[Literal["dead", "all"], Field(description="all: also what was delivered")] = (
        "dead"
    )
    message_id: Annotated[UUID | None, Field(description="of this message only")] = None


class ReplayBody(BaseModel):
    """What was put back."""

    replayed: int
    through: Annotated[datetime | None, Field(description="when the last of them happened")]
    more: Annotated[bool, Field(description="there may be more: ask again with since = through")]


_REPLAY = Body(openapi_examples={"dead": {"value": {"since": "2026-11-01T00:00:00Z"}}})


@router.get("/notices", response_model=NoticePage)
def list_notices(
    request: Request,
    desk: Desks,
    tenant: Tenants,
    endpoint_id: EndpointId,
    query: Annotated[NoticeQuery, Query()],
) -> Response:
    """List what an endpoint was told and is to be told, newest first, for a month.

    A state is looked for among the newest 100,000 after the cursor.
    """
    found = endpoints.told(
        desk.rt,
        tenant,
        endpoint_id,
        state=query.state,
        before=open_cursor(desk.rt, query.cursor),
        limit=query.limit + 1,
    )
    more = len(found) > query.limit
    cursor = sealed_cursor(desk.rt, found[query.limit - 1].id) if more else None
    data = [notice(desk.rt, view) for view in found[: query.limit]]
    return schema.answer({"data": data, "next_cursor": cursor}, headers=next_link(request, cursor))


@router.post("/replay", response_model=ReplayBody, status_code=202)
def replay_notices(
    desk: Desks,
    tenant: Tenants,
    endpoint_id: EndpointId,
    asked: Annotated[ReplayRequest, _REPLAY],
) -> Response:
    """Deliver again what was given up, or all there was: up to 10,000 notices at a time, oldest first.

    They keep their `webhook-id`, so that whoever has one already can tell.
    """
    states = (State.DEAD,) if asked.state == "dead" else (State.DEAD, State.DELIVERED)
    chosen = Chosen(asked.since, asked.until, states, asked.message_id)
    return schema.answer(replayed(endpoints.replay(desk.rt, tenant, endpoint_id, chosen)), 202)


def notice(rt: Runtime, view: NoticeView) -> dict[str, Any]:
    """A notice as `NoticeBody` says."""
    return {
        "id": notice_id(rt, view.id),
        "type": view.kind,
        "message_id": view.message_id,
        "state": view.state,
        "at": utc(view.at),
        "due_at": utc(view.due_at) if view.state == State.WAITING else None,
        "tries": view.tries,
        "last_status": view.last_status,
        "last_error": view.last_error,
        "delivered_at": utc(view.delivered_at),
    }


def replayed(found: Replayed) -> dict[str, Any]:
    """What a replay did, as `ReplayBody` says."""
    return {"replayed": found.count, "through": utc(found.through), "more": found.more}

"""The quieter routes of `/v1`: reading messages, stepping them, and lanes."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from messaging import intake
from messaging.api import schema
from messaging.api.desk import Desk, desk_of
from messaging.api.paging import cursor_after, next_link, read_cursor
from messaging.domain import addresses
from messaging.domain.addresses import AddressProblem
from messaging.domain.errors import FieldProblem, InvalidRequestError, NotFoundError
from messaging.domain.lifecycle import Status
from messaging.domain.message import Category, Channel, Priority
from messaging.domain.recipients import address_of
from messaging.runtime import Runtime
from messaging.store import receipt_views, views
from messaging.store.tenants import Tenant
from messaging.store.views import Filters, MessageView

router = APIRouter(prefix="/v1")


async def _tenant(request: Request) -> Tenant:
    return await desk_of(request).tenant(request)


def _message_id(message_id: Annotated[str, Path(description="the id of a message")]) -> UUID:
    try:
        return UUID(message_id)
    except ValueError:
        raise NotFoundError("no message of yours has this id") from None


Desks = Annotated[Desk, Depends(desk_of)]
Tenants = Annotated[Tenant, Depends(_tenant)]
MessageId = Annotated[UUID, Depends(_message_id)]


class ListQuery(BaseModel):
    """Which messages to list."""

    model_config = ConfigDict(extra="forbid")

    status: Status | None = None
    priority: Priority | None = None
    category: Category | None = None
    created_from: Annotated[AwareDatetime | None, Field(description="at or after")] = None
    created_to: Annotated[AwareDatetime | None, Field(description="before")] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None


class Search(ListQuery):
    """Which messages to find; an address stands here, never in a URL."""

    to: Annotated[str, Field(description="recipient", examples=["+12025550123"])]
    channel: Channel = Channel.SMS


class Addressee(BaseModel):
    """Somebody's address on a channel."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[str, Field(description="the address", examples=["+12025550123"])]
    channel: Channel = Channel.SMS


Found = Annotated[Search, Body(openapi_examples={"recipient": {"value": {"to": "+12025550123"}}})]


def key_of(rt: Runtime, tenant: Tenant, channel: Channel, to: str) -> bytes:
    """What stands for a recipient in the tables.

    Raises:
        InvalidRequestError: it is not an address of this channel.
    """
    address = address_of(channel, to, tenant.default_region)
    if isinstance(address, AddressProblem):
        raise InvalidRequestError([FieldProblem("#/to", address.code, address.detail)])
    return addresses.key(rt.settings.pepper, channel.value, address)


def _page(rt: Runtime, tenant: Tenant, query: ListQuery, recipient: bytes | None) -> _Page:
    before = read_cursor(query.cursor)
    filters = Filters(
        query.status,
        query.priority,
        query.category,
        query.created_from,
        query.created_to,
        recipient,
    )
    with rt.engine.connect() as db:
        found = views.page(db, tenant.id, filters, before, query.limit + 1)
    return found[: query.limit], cursor_after(found, query.limit)


_Page = tuple[list[MessageView], str | None]


def _shown(page: _Page, headers: dict[str, str] | None = None) -> Response:
    found, cursor = page
    data = [schema.message_body(view) for view in found]
    return schema.answer({"data": data, "next_cursor": cursor}, headers=headers)


@router.get("/messages", response_model=schema.MessagePage, tags=["messages"])
def list_messages(
    request: Request, desk: Desks, tenant: Tenants, query: Annotated[ListQuery, Query()]
) -> Response:
    """List messages, newest first.

    Filters look at the newest 100,000 messages after the cursor.
    """
    page = _page(desk.rt, tenant, query, None)
    return _shown(page, next_link(request, page[1]))


@router.post("/messages/search", response_model=schema.MessagePage, tags=["messages"])
def search_messages(desk: Desks, tenant: Tenants, query: Found) -> Response:
    """Find the messages to one recipient, newest first.

    The address stands in the body, where no log of addresses keeps it.
    """
    key = key_of(desk.rt, tenant, query.channel, query.to)
    return _shown(_page(desk.rt, tenant, query, key))


def _mine(rt: Runtime, tenant: Tenant, message_id: UUID) -> MessageView:
    with rt.engine.connect() as db:
        found = views.message(db, tenant.id, message_id)
    if found is None:
        raise NotFoundError("no message of yours has this id")
    return found


@router.get("/messages/{message_id}", response_model=schema.MessageBody, tags=["messages"])
def get_message(desk: Desks, tenant: Tenants, message_id: MessageId) -> Response:
    """Get a message as it is now.

    Its events say how it came there.
    """
    return schema.answer(schema.message_body(_mine(desk.rt, tenant, message_id)))


@router.get("/messages/{message_id}/events", response_model=schema.History, tags=["messages"])
def get_events(desk: Desks, tenant: Tenants, message_id: MessageId) -> Response:
    """Get everything that happened to a message.

    Its steps, the calls to providers, and their receipts, also those that changed nothing.
    """
    _mine(desk.rt, tenant, message_id)
    with desk.rt.engine.connect() as db:
        events = [schema.event_body(e) for e in views.events(db, message_id)]
        attempts = [schema.attempt_body(a) for a in views.attempts(db, message_id)]
        receipts = [schema.receipt_body(r) for r in receipt_views.receipts(db, message_id)]
    return schema.answer({"events": events, "attempts": attempts, "receipts": receipts})


@router.post("/messages/{message_id}/cancel", response_model=schema.MessageBody, tags=["messages"])
def cancel_message(desk: Desks, tenant: Tenants, message_id: MessageId) -> Response:
    """Call a message off, as long as no attempt to send it was made.

    What a provider may have cannot be called back: that is a 409.
    """
    intake.cancel(desk.rt, tenant, message_id)
    return schema.answer(schema.message_body(_mine(desk.rt, tenant, message_id)))


@router.post("/messages/{message_id}/submit", response_model=schema.MessageBody, tags=["messages"])
def submit_message(desk: Desks, tenant: Tenants, message_id: MessageId) -> Response:
    """Send a draft, now or at its `scheduled_for`.

    The rules are asked when it goes out; only a draft can be submitted.
    """
    intake.submit_draft(desk.rt, tenant, message_id)
    return schema.answer(schema.message_body(_mine(desk.rt, tenant, message_id)))


@router.get("/lanes", response_model=schema.Lanes, tags=["operations"])
def get_lanes(desk: Desks, tenant: Tenants) -> Response:
    """How much of yours waits in each lane, and for how long the oldest has.

    The count of each stops at 10,000.
    """
    with desk.rt.engine.connect() as db:
        found = views.lanes(db, tenant.id)
    lanes = {x.lane: {"ready": x.ready, "oldest_seconds": x.oldest_seconds} for x in found}
    return schema.answer({"lanes": lanes})

"""What do our answers look like? The documented shapes, and how a view becomes one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import Category, Channel, Priority, SelectionReason, Traffic
from messaging.store.receipt_views import ReceiptView
from messaging.store.views import AttemptView, EventView, MessageView


class Accepted(BaseModel):
    """A message that is kept."""

    id: UUID
    status: Status


class ErrorItem(BaseModel):
    """What is wrong with one field."""

    pointer: Annotated[str, Field(examples=["#/to"])]
    code: Annotated[str, Field(examples=["not_a_number"])]
    detail: str


class RefusedEntry(BaseModel):
    """An entry of a list that is not kept."""

    errors: list[ErrorItem]


class ListAnswer(BaseModel):
    """The answer to a list, one entry each, in order."""

    data: list[Accepted | RefusedEntry]
    accepted: int
    refused: int


class ProblemBody(BaseModel):
    """Every error there is (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: list[ErrorItem]


class MessageBody(BaseModel):
    """A message as its tenant may see it; times are UTC."""

    model_config = ConfigDict(populate_by_name=True)

    id: UUID
    status: Status
    status_reason: str | None
    channel: Channel
    category: Category
    priority: Priority
    to: str
    from_: Annotated[str | None, Field(alias="from", description="the sender that was chosen")]
    body: str
    subject: str | None
    html: Annotated[str | None, Field(description="left out of lists")]
    media: list[str]
    from_name: str | None
    reply_to: str | None
    segments: int
    encoding: Annotated[str | None, Field(description="GSM-7 or UCS-2; null of what is no SMS")]
    flash: bool
    content: str | None
    time_zone: str | None
    postal_code: str | None
    purpose: Annotated[
        str | None, Field(description="set on our own answers to STOP, START and HELP")
    ]
    lead: str | None
    campaign: str | None
    source: str | None
    use_case: str | None
    agent: str | None
    template: str | None
    traffic: Annotated[
        Traffic, Field(description="FailedAttempt: it failed before any carrier took it")
    ]
    is_warmup: Annotated[bool, Field(description="whether its sender was warming up")]
    metadata: dict[str, Any] | None
    conversation_id: UUID | None
    requested_sender_id: UUID | None
    pool_id: UUID | None
    sender_id: UUID | None
    selection_reason: SelectionReason | None
    provider: Annotated[str | None, Field(description="whose sender it left from")]
    provider_message_id: str | None
    error_code: Annotated[str | None, Field(description="the provider's own code")]
    attempts: int
    scheduled_for: datetime | None
    scheduled_reason: str | None
    expires_at: datetime | None
    next_attempt_at: datetime | None
    created_at: datetime
    modified_at: datetime | None
    queued_at: datetime | None
    sending_started_at: datetime | None
    sent_at: datetime | None
    received_at: datetime | None
    delivered_at: datetime | None
    failed_at: datetime | None
    undeliverable_at: datetime | None
    blocked_at: datetime | None
    canceled_at: datetime | None
    in_doubt_since: Annotated[
        datetime | None,
        Field(
            description="since then it is not known whether its provider took it: evidence is waited"
            " for, and it is not sent again before"
        ),
    ]
    erased_at: Annotated[
        datetime | None, Field(description="since then body and recipient are empty")
    ]
    stands_in_for: Annotated[
        UUID | None, Field(description="the message whose fallback this one is")
    ]
    billable_amount: Annotated[
        str | None, Field(description="its price, once it was about to be sent; null: not billed")
    ]
    billing_status: Annotated[
        str | None, Field(description="reserved, settled, refunded or excluded; null: not billed")
    ]


class MessagePage(BaseModel):
    """Messages, newest first, and where to go on."""

    data: list[MessageBody]
    next_cursor: str | None


class EventBody(BaseModel):
    """One step of a message's life."""

    at: datetime
    event: Event | None
    status: Status
    reason: str | None
    epoch: int | None


class AttemptBody(BaseModel):
    """One call to a provider."""

    epoch: int
    sender_id: UUID
    selection_reason: SelectionReason
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    settled_by: str | None
    provider_message_id: str | None
    error_code: str | None
    detail: str | None


class ReceiptBody(BaseModel):
    """Something a provider reported."""

    epoch: Annotated[int | None, Field(description="the attempt it speaks of")]
    event: Annotated[Event | None, Field(description="what it was read as")]
    provider_status: Annotated[str | None, Field(description="the provider's own word")]
    error_code: Annotated[str | None, Field(description="the provider's own code")]
    detail: str | None
    occurred_at: datetime | None
    received_at: datetime
    result: Annotated[
        str,
        Field(
            description="applied; all others changed nothing: duplicate, late, contradiction (of a"
            " stronger one), heeded (it concerns the person), stale (of an earlier attempt),"
            " unmatched, unreadable"
        ),
    ]
    repeats: Annotated[int, Field(description="how often it came again")]
    asked: Annotated[bool, Field(description="whether it is the answer to a question of ours")]


class History(BaseModel):
    """Everything that happened to a message, oldest first."""

    events: list[EventBody]
    attempts: list[AttemptBody]
    receipts: Annotated[
        list[ReceiptBody],
        Field(
            description="by attempt, from the weakest to the strongest, in whatever order they came"
        ),
    ]


class LaneBody(BaseModel):
    """What waits in a lane; the count stops at 10,000."""

    ready: int
    oldest_seconds: float


class Lanes(BaseModel):
    """Every lane by name."""

    lanes: dict[str, LaneBody]


_RENAMED = {"recipient": "to", "sender": "from", "provider_code": "error_code"}
_HIDDEN = {"epoch", "parts"}
_PARTS: dict[str, Any] = {
    "subject": None, "html": None, "media": [], "from_name": None, "reply_to": None,
}  # fmt: skip
_SHOWN = [
    (name, _RENAMED.get(name, name))
    for name in MessageView.__dataclass_fields__
    if name not in _HIDDEN
]


def message_body(view: MessageView) -> dict[str, Any]:
    """A message as `MessageBody` says."""
    body = {shown: _plain(getattr(view, name)) for name, shown in _SHOWN}
    return body | _PARTS | (view.parts or {})


def event_body(view: EventView) -> dict[str, Any]:
    """An event as `EventBody` says."""
    return {name: _plain(getattr(view, name)) for name in EventView.__dataclass_fields__}


def attempt_body(view: AttemptView) -> dict[str, Any]:
    """An attempt as `AttemptBody` says."""
    return {
        _RENAMED.get(name, name): _plain(getattr(view, name))
        for name in AttemptView.__dataclass_fields__
    }


def receipt_body(view: ReceiptView) -> dict[str, Any]:
    """A receipt as `ReceiptBody` says."""
    return {
        _RENAMED.get(name, name): _plain(getattr(view, name))
        for name in ReceiptView.__dataclass_fields__
    }


def _plain(value: object) -> object:
    # The database may answer in any zone; we answer in one.
    if isinstance(value, Decimal):
        return money(value)
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def money(amount: Decimal) -> str:
    """An amount as a decimal string without zeros at its end."""
    plain = f"{amount:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def answer(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response; times end in Z."""
    encoded = orjson.dumps(content, option=orjson.OPT_UTC_Z)
    return Response(encoded, status, headers, "application/json")

"""What does the unified endpoint answer, and how is it asked? Its bodies, with examples."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, JsonValue

from messaging.domain.lifecycle import Status
from messaging.domain.message import Channel
from messaging.store.views import MessageView
from messaging.submission import Taken

EXAMPLES: dict[str, dict[str, Any]] = {
    "email": {
        "message_data": {
            "recipient": "customer@example.com",
            "subject": "Welcome to our service!",
            "content": "Thank you for signing up.",
            "html_content": "<h1>Welcome!</h1><p>Thank you for signing up.</p>",
            "sender_name": "Acme Support Team",
        },
        "message_type": "TRANSACTIONAL",
        "priority": "HIGH",
    },
    "sms": {
        "sender_type": "sms",
        "message_data": {
            "recipient": "+12025550123",
            "content": "Your appointment is confirmed for tomorrow at 3 PM.",
            "contact_id": "lead_abc123",
            "metadata": {"campaign_id": "spring_promo"},
        },
    },
    "bulk": {
        "sender_type": "sms",
        "bulk_settings": {"lead_ids": ["lead_abc123"]},
        "message_data": {"content": "We open at ten tomorrow."},
        "message_type": "NOTIFICATION",
    },
}
"""Requests; the tests send every one of them."""


class MessageResponse(BaseModel):
    """A message to one person."""

    success: Annotated[bool, Field(description="false: it has failed already")]
    message_id: Annotated[str, Field(description="its id, a UUID")]
    channel_used: Annotated[str, Field(description="SMS, MMS, EMAIL or INSTAGRAM_DM")]
    provider_used: Annotated[str | None, Field(description="such as twilio; null: none has it yet")]
    provider_message_id: Annotated[str | None, Field(description="null: it has none yet")]
    status: Annotated[
        str, Field(description="SENT once a provider has it; QUEUED, SCHEDULED or SENDING before")
    ]
    cost: Annotated[float | None, Field(description="null: not known yet, or not billed")]
    sent_at: Annotated[str | None, Field(description="when a provider took it, UTC; null: none")]
    image_message_id: Annotated[
        str, Field(description="on Instagram, of the picture that goes with a text")
    ] = ""
    contact_id: Annotated[str, Field(description="as it was handed in; left out if it was not")] = (
        ""
    )
    metadata: Annotated[
        dict[str, JsonValue], Field(description="as it was handed in; left out if it was not")
    ] = {}


class BulkResponse(BaseModel):
    """A message to many."""

    total_leads: Annotated[int, Field(description="how many people are meant")]
    messages_sent: Annotated[int, Field(description="how many of them are written to")]
    messages_failed: Annotated[int, Field(description="how many will not be")]
    success_rate: Annotated[float, Field(description="percent of them that are written to")]
    campaign_id: Annotated[
        str | None, Field(description="leads to what became of them; null: there is nobody")
    ]


class ValidationItem(BaseModel):
    """What is wrong with one field."""

    loc: Annotated[list[str | int], Field(description="where it is: body or query, then names")]
    msg: Annotated[str, Field(description="what is wrong and what to do, in a sentence")]
    type: Annotated[str, Field(description="a stable word for it, for programs")]


class ValidationErrors(BaseModel):
    """Everything that is wrong with a request."""

    detail: Annotated[list[ValidationItem], Field(description="each field that is wrong")]


class Failure(BaseModel):
    """Any other error."""

    detail: Annotated[str, Field(description="what is wrong and what to do, in a sentence")]


_LOST = frozenset(
    {
        Status.FAILED, Status.UNDELIVERABLE, Status.OPTED_OUT, Status.CANCELED,
        Status.BLOCKED_COMPLIANCE, Status.BLOCKED_BILLING, Status.BLOCKED_MISSING_CAMPAIGN,
    }
)  # fmt: skip


def taken_body(taken: Taken, channel: Channel) -> dict[str, Any]:
    """A message that is kept, and of which nothing else is known yet."""
    return {
        "success": True,
        "message_id": str(taken.id),
        "channel_used": channel.value.upper(),
        "provider_used": None,
        "provider_message_id": None,
        "status": taken.status.value.upper(),
        "cost": None,
        "sent_at": None,
    }


def seen_body(view: MessageView) -> dict[str, Any]:
    """A message as it is now."""
    return {
        "success": view.status not in _LOST,
        "message_id": str(view.id),
        "channel_used": view.channel.value.upper(),
        "provider_used": view.provider,
        "provider_message_id": view.provider_message_id,
        "status": view.status.value.upper(),
        "cost": float(view.billable_amount) if view.billable_amount is not None else None,
        "sent_at": _time(view.sent_at),
    }


def _time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else None

"""A valid request to send, before it has an id: what every door makes of what it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from messaging.domain.message import Category, Channel, Parts, Priority, Purpose, Traffic


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A valid request to send, before it has an id."""

    recipient: str
    body: str
    segments: int
    channel: Channel = Channel.SMS
    category: Category = Category.TRANSACTIONAL
    priority: Priority = Priority.NORMAL
    scheduled_for: datetime | None = None
    expires_at: datetime | None = None
    sender_id: UUID | None = None
    pool_id: UUID | None = None
    conversation_id: UUID | None = None
    metadata: Mapping[str, Any] | None = None
    draft: bool = False
    encoding: str | None = "GSM-7"
    """Of an SMS: GSM-7 or UCS-2."""
    flash: bool = False
    content: str | None = None
    time_zone: str | None = None
    postal_code: str | None = None
    purpose: Purpose | None = None
    lead: str | None = None
    campaign: str | None = None
    source: str | None = None
    use_case: str | None = None
    agent: str | None = None
    template: str | None = None
    traffic: Traffic = Traffic.REAL_LEAD
    parts: Parts | None = None
    sandboxed: bool = False
    """Whether it may leave through sandboxes only."""
    fallback: Mapping[str, Any] | None = None
    """What is sent on another channel should this one fail for good: a `SendRequest` in JSON."""

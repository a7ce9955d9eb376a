"""What is known of a message: where it is, what happened to it, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from messaging.client.reading import FROM, Result


@dataclass(frozen=True, slots=True)
class Accepted(Result):
    """A message the server keeps."""

    id: str
    status: str
    replayed: bool = False
    """Whether this is the answer to an earlier request with the same key."""


@dataclass(frozen=True, slots=True)
class FieldError(Result):
    """What is wrong with one field."""

    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Refused(Result):
    """An entry of a list the server does not keep."""

    errors: tuple[FieldError, ...]


@dataclass(frozen=True, slots=True)
class Message(Result):
    """A message as the server knows it; times are UTC."""

    id: str
    status: str
    status_reason: str | None
    channel: str
    category: str
    priority: str
    to: str
    sender: str | None = field(metadata=FROM)
    """The sender's address (`from`)."""
    body: str
    subject: str | None
    html: str | None
    """Left out of lists."""
    media: tuple[str, ...]
    from_name: str | None
    reply_to: str | None
    segments: int
    encoding: str | None
    flash: bool
    content: str | None
    time_zone: str | None
    postal_code: str | None
    purpose: str | None
    lead: str | None
    campaign: str | None
    source: str | None
    use_case: str | None
    agent: str | None
    template: str | None
    traffic: str
    is_warmup: bool
    metadata: Mapping[str, Any] | None
    conversation_id: str | None
    requested_sender_id: str | None
    pool_id: str | None
    sender_id: str | None
    selection_reason: str | None
    provider: str | None
    provider_message_id: str | None
    error_code: str | None
    """The provider's own code."""
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
    in_doubt_since: datetime | None
    """Since then it is not known whether its provider took it."""
    erased_at: datetime | None
    stands_in_for: str | None
    """The message whose fallback this one is."""
    billable_amount: Decimal | None
    billing_status: str | None


@dataclass(frozen=True, slots=True)
class Event(Result):
    """One step of a message's life."""

    at: datetime
    event: str | None
    status: str
    reason: str | None
    epoch: int | None


@dataclass(frozen=True, slots=True)
class Attempt(Result):
    """One call to a provider."""

    epoch: int
    sender_id: str
    selection_reason: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    settled_by: str | None
    provider_message_id: str | None
    error_code: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Receipt(Result):
    """Something a provider reported."""

    epoch: int | None
    event: str | None
    provider_status: str | None
    error_code: str | None
    detail: str | None
    occurred_at: datetime | None
    received_at: datetime
    result: str
    repeats: int
    asked: bool
    """Whether it is the answer to a question of the server's."""


@dataclass(frozen=True, slots=True)
class History(Result):
    """A message's events and attempts, oldest first, and what its provider reported."""

    events: tuple[Event, ...]
    attempts: tuple[Attempt, ...]
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class Considered(Result):
    """A sender that was passed over, and why."""

    sender: str
    under: str
    why: str
    busy_seconds: float | None


@dataclass(frozen=True, slots=True)
class Choice(Result):
    """Which sender was chosen, and from among which."""

    sender: str | None
    candidates: int
    passed: tuple[Considered, ...]
    absent: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Verdict(Result):
    """One judgement of the rules; `outcome` is allow, defer or block."""

    at: datetime
    stage: str
    outcome: str
    version: str
    rule: str | None
    reason: str | None
    detail: str | None
    until: datetime | None
    inputs: Mapping[str, Any] | None
    choice: Choice | None


@dataclass(frozen=True, slots=True)
class Tried(Result):
    """One attempt, in the words of an explanation."""

    number: int
    sender: str
    chosen_by: str
    started_at: datetime
    outcome: str
    settled_by: str | None
    code: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Explanation(Result):
    """Why a message is where it is, in sentences, and what they rest on."""

    id: str
    status: str
    summary: str
    sentences: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    attempts: tuple[Tried, ...]


@dataclass(frozen=True, slots=True)
class Blocker(Result):
    """A character that makes a text need two bytes a character."""

    character: str
    codepoint: str
    name: str
    count: int
    position: int


@dataclass(frozen=True, slots=True)
class Warned(Result):
    """Something about a text that its author should know."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Preview(Result):
    """A text as it would leave, and what it would count as."""

    body: str
    encoding: str
    units: int
    segments: int
    units_per_segment: tuple[int, ...]
    forces_ucs2: tuple[Blocker, ...]
    warnings: tuple[Warned, ...]


@dataclass(frozen=True, slots=True)
class Lane(Result):
    """What waits in a lane; the count stops at 10,000."""

    ready: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class Backlog(Result):
    """What waits, by the name of its lane."""

    lanes: Mapping[str, Lane]

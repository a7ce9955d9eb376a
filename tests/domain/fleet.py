"""A tenant with one sender for each reason, and the message that finds them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from messaging.domain.candidates import Candidates
from messaging.domain.choice import Choice, History, NoSender
from messaging.domain.lifecycle import Status
from messaging.domain.message import (
    Category,
    Channel,
    Message,
    Priority,
    SelectionReason,
    Sender,
)
from messaging.domain.selection import choose

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TENANT, ACCOUNT, POOL, OTHER_POOL, OTHER_ACCOUNT = (UUID(int=900 + n) for n in range(5))
AGENT = "ana"
MESSAGE = Message(
    id=UUID(int=1),
    tenant_id=TENANT,
    channel=Channel.SMS,
    recipient="+12025550123",
    recipient_key=b"k" * 16,
    body="Hello",
    segments=1,
    category=Category.TRANSACTIONAL,
    priority=Priority.NORMAL,
    status=Status.QUEUED,
    epoch=1,
    attempts=0,
    created_at=NOW,
    pool_id=POOL,
)


def sender(number: int, *pools: UUID, **changes: Any) -> Sender:
    """A sender of area 202, or of the one its address names."""
    fields: dict[str, Any] = {
        "id": UUID(int=number),
        "tenant_id": TENANT,
        "account_id": ACCOUNT,
        "channel": Channel.SMS,
        "address": f"+12025550{100 + number}",
        "mps": 1.0,
        "is_default": False,
        "pool_ids": frozenset(pools),
    }
    return Sender(**fields | changes)


STICKY, LEAD, CAMPAIGN, PREFERRED, LOCAL, POOLED, DEFAULT = (UUID(int=n) for n in range(1, 8))
EVERYBODY = [
    *(sender(n) for n in range(1, 5)),
    sender(5, POOL, area="+1202"),
    sender(6, POOL, area="+1907"),
    sender(7, is_default=True),
]
"""One for each reason, none of which another reason would find, in the order of reasons."""


def all_named() -> History:
    """A history in which each reason names the sender that is its own."""
    return History(
        sticky_sender_id=STICKY,
        lead_sender_id=LEAD,
        campaign_sender_ids=(CAMPAIGN,),
        preferred_sender_ids=(PREFERRED,),
        area="+1202",
    )


ORDER = [
    (STICKY, SelectionReason.STICKY_CONVERSATION),
    (LEAD, SelectionReason.LEAD_ASSIGNED),
    (CAMPAIGN, SelectionReason.CAMPAIGN_OR_SOURCE),
    (PREFERRED, SelectionReason.PREFERRED),
    (LOCAL, SelectionReason.LOCAL_AREA),
    (POOLED, SelectionReason.HEALTHY_POOL),
    (DEFAULT, SelectionReason.FALLBACK_DEFAULT),
]


def chosen(
    senders: list[Sender], history: History, message: Message = MESSAGE
) -> tuple[int, SelectionReason] | NoSender:
    """The number of the sender that is chosen, and why; or that nobody is."""
    got = choose(message, Candidates.of(senders), history, NOW)
    return (got.sender.id.int, got.reason) if isinstance(got, Choice) else got

"""What is known of a campaign: how far it is, whom it is to, what it would come to and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from messaging.client.reading import Result


@dataclass(frozen=True, slots=True)
class Counts(Result):
    """What has become of a campaign's recipients, each counted once."""

    waiting: int
    skipped: int
    canceled: int
    by_status: Mapping[str, int]
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Actual(Result):
    """What a campaign has come to."""

    sent: int
    segments: int
    cost: Decimal | None
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float | None
    skipped: Mapping[str, int] | None
    blocked: Mapping[str, int] | None
    failed: Mapping[str, int] | None
    senders: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class Plan(Result):
    """What a campaign would come to; `seconds` is how long its senders and pace need."""

    recipients: int
    asked: int
    to_send: int
    segments: int
    skipped: Mapping[str, int]
    blocked: Mapping[str, int]
    deferred: Mapping[str, int]
    countries: Mapping[str, Mapping[str, Any]]
    cost: Mapping[str, Decimal] | None
    senders: Mapping[str, int]
    slowest: Mapping[str, str | None] | None
    seconds: float | None
    earliest_finish: datetime | None


@dataclass(frozen=True, slots=True)
class Compared(Result):
    """A figure of the plan beside what came; `error_percent` is of what came."""

    what: str
    plan: str | float | None
    actual: str | float | None
    error_percent: float | None


@dataclass(frozen=True, slots=True)
class Campaign(Result):
    """A campaign, and how far it is; `counts`, `plan` and `actual` are left out of lists."""

    id: str
    name: str
    state: str
    state_reason: str | None
    state_since: datetime
    channel: str
    category: str
    priority: str
    body: str
    flash: bool
    targets: int
    counts: Counts | None
    plan: Mapping[str, Any] | None
    """What the last plan said."""
    actual: Actual | None
    comparison: tuple[Compared, ...] | None
    """The plan beside what came, once it is finished."""
    per_minute: int | None
    canary: int | None
    pause_on_error_share: float | None
    created_at: datetime
    scheduled_for: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Recipient(Result):
    """Somebody a campaign is to; `n` is their place in the order of sending."""

    n: int
    to: str
    contact_id: str | None
    state: str
    reason: str | None
    message_id: str | None


@dataclass(frozen=True, slots=True)
class Added(Result):
    """How many recipients are new, and how many there are now."""

    added: int
    targets: int


@dataclass(frozen=True, slots=True)
class Retried(Result):
    """How many are written to again."""

    retried: int
    state: str


@dataclass(frozen=True, slots=True)
class CampaignStatistics(Result):
    """What became of the messages that name a campaign."""

    campaign: str
    total: int
    by_status: Mapping[str, int]
    excluded: Mapping[str, int]

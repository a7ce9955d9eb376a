"""What is said of campaigns over HTTP, and how a row becomes it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from messaging.campaigns import Failed
from messaging.domain.campaign import Recipients
from messaging.domain.campaign_states import CampaignState
from messaging.domain.comparison import Compared, Number, Outcome
from messaging.domain.message import Category, Channel, Priority
from messaging.store.campaigns import Campaign, Counts


class CountsBody(BaseModel):
    """What has become of the recipients, each counted once, as the ledger says now."""

    waiting: Annotated[int, Field(description="there is no message for them yet")]
    skipped: Annotated[int, Field(description="a field of theirs is not known, say; see reasons")]
    canceled: Annotated[int, Field(description="it was canceled before there was a message")]
    by_status: Annotated[dict[str, int], Field(description="the others, by their message's status")]
    reasons: Annotated[dict[str, int], Field(description="why they were skipped, wait or failed")]


class ActualBody(BaseModel):
    """What a campaign has come to; what is null before the end, or only GET of one campaign tells, says so."""

    sent: Annotated[int, Field(description="messages a provider took")]
    segments: int
    cost: Annotated[str | None, Field(description="null where nothing is billed")]
    started_at: datetime
    finished_at: datetime | None
    seconds: Annotated[float | None, Field(description="from its start to its end; null before")]
    skipped: Annotated[dict[str, int] | None, Field(description="by reason; told by GET of one")]
    blocked: Annotated[dict[str, int] | None, Field(description="by reason; told by GET of one")]
    failed: Annotated[dict[str, int] | None, Field(description="by reason; told by GET of one")]
    senders: Annotated[
        dict[str, int] | None, Field(description="segments each has sent; told by GET of one")
    ]


class ComparedBody(BaseModel):
    """A figure of the plan beside what came."""

    what: Annotated[
        str,
        Field(description="`sent`, `segments`, `cost`, `seconds`, `senders: +12025550100`, say"),
    ]
    plan: str | float | None
    actual: str | float | None
    error_percent: Annotated[
        float | None,
        Field(description="by how much of what came the plan was too high, or too low"),
    ]


class PlanBody(BaseModel):
    """What a campaign would come to."""

    recipients: int
    asked: Annotated[int, Field(description="how many the rules were asked about; at most 10,000")]
    to_send: Annotated[int, Field(description="neither skipped nor blocked; may be deferred")]
    segments: int
    skipped: dict[str, int]
    blocked: dict[str, int]
    deferred: Annotated[
        dict[str, int], Field(description="who waits for an hour or a day, by reason; also sent")
    ]
    countries: Annotated[
        dict[str, dict[str, Any]], Field(description="recipients, segments and cost of each")
    ]
    cost: Annotated[
        dict[str, str] | None,
        Field(
            description="`expected` from the senders that would be chosen, `min` and `max` from any; "
            "null without a price for each"
        ),
    ]
    senders: Annotated[
        dict[str, int], Field(description="segments each would send, chosen as messages are")
    ]
    slowest: Annotated[
        dict[str, str | None] | None,
        Field(description="the `limit` the last of them waits for, and its `name`; null if none"),
    ]
    seconds: Annotated[
        float | None, Field(description="until the last is sent; null if nobody can say when")
    ]
    earliest_finish: datetime | None


class CampaignBody(BaseModel):
    """A campaign, and how far it is."""

    id: UUID
    name: str
    state: CampaignState
    state_reason: str | None
    state_since: datetime
    channel: Channel
    category: Category
    priority: Priority
    body: str
    flash: bool
    targets: Annotated[int, Field(description="whom it is to; of an audience once it started")]
    counts: Annotated[CountsBody | None, Field(description="null in lists")]
    plan: Annotated[
        dict[str, Any] | None, Field(description="what the last POST .../plan said; null in lists")
    ]
    actual: Annotated[
        ActualBody | None, Field(description="what came of it until now, to compare with the plan")
    ]
    comparison: Annotated[
        list[ComparedBody] | None,
        Field(description="the plan beside what came, once it is finished; told by GET of one"),
    ]
    per_minute: int | None
    canary: Annotated[int | None, Field(description="how many go first; null once they have")]
    pause_on_error_share: float | None
    created_at: datetime
    scheduled_for: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


class CampaignPage(BaseModel):
    """Campaigns, newest first, and where to go on."""

    data: list[CampaignBody]
    next_cursor: str | None


class RecipientBody(BaseModel):
    """Somebody a campaign is to."""

    n: Annotated[int, Field(description="their place in the order of sending")]
    to: str
    contact_id: UUID | None
    state: Annotated[str, Field(description="waiting, skipped, canceled, or a message's status")]
    reason: str | None
    message_id: UUID | None


class RecipientPage(BaseModel):
    """Recipients in order; `next_after` is null at the end."""

    data: list[RecipientBody]
    next_after: int | None


class MoreRecipients(BaseModel):
    """People to add to a draft."""

    model_config = ConfigDict(extra="forbid")

    recipients: Annotated[Recipients, Field(min_length=1)]


class Added(BaseModel):
    """How many of them are new, and how many there are now."""

    added: int
    targets: int


class RetryRequest(BaseModel):
    """Whose messages to send again."""

    model_config = ConfigDict(extra="forbid")

    failed: Failed = Failed.TRANSIENT


class Retried(BaseModel):
    """How many are written to again."""

    retried: int
    state: CampaignState


class RecipientQuery(BaseModel):
    """Which recipients to list."""

    model_config = ConfigDict(extra="forbid")

    state: Annotated[str | None, Field(max_length=40, pattern=r"^[a-z_]+$")] = None
    after: Annotated[
        int, Field(ge=0, le=2**31 - 1, description="next_after of the page before")
    ] = 0
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100


class CampaignQuery(BaseModel):
    """Which campaigns to list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None


def shown(
    campaign: Campaign,
    counts: Counts | None,
    outcome: Outcome | None = None,
    comparison: list[Compared] | None = None,
) -> dict[str, Any]:
    """A campaign as `CampaignBody` says."""
    asked = campaign.request
    times = ("state_since", "created_at", "scheduled_for", "started_at", "finished_at")
    plain = ("id", "name", "state", "state_reason", "targets", "per_minute", "canary")
    return {
        **{name: getattr(campaign, name) for name in plain},
        **{name: _utc(getattr(campaign, name)) for name in times},
        "pause_on_error_share": campaign.pause_on_error_share,
        "channel": asked.get("channel", Channel.SMS),
        "category": asked.get("category", Category.MARKETING),
        "priority": asked.get("priority", Priority.LOW),
        "body": asked["body"],
        "flash": asked.get("flash", False),
        "plan": None if counts is None else campaign.plan,
        "actual": None if counts is None else _actual(campaign, counts, outcome),
        "comparison": None if comparison is None else [_beside(line) for line in comparison],
        "counts": None if counts is None else _counted(counts),
    }


def _actual(campaign: Campaign, counts: Counts, outcome: Outcome | None) -> dict[str, Any] | None:
    began, ended = campaign.started_at, campaign.finished_at
    if began is None:
        return None
    told = ("skipped", "blocked", "failed", "senders")
    return {
        "sent": counts.handed_over,
        "segments": counts.segments,
        "cost": None if counts.cost is None else str(counts.cost),
        "started_at": _utc(began),
        "finished_at": _utc(ended),
        "seconds": (ended - began).total_seconds() if ended else None,
        **{name: None if outcome is None else getattr(outcome, name) for name in told},
    }


def _beside(line: Compared) -> dict[str, Any]:
    return {
        "what": line.what,
        "plan": _number(line.plan),
        "actual": _number(line.actual),
        "error_percent": line.error_percent,
    }


def _number(value: Number | None) -> str | float | None:
    return str(value) if isinstance(value, Decimal) else value


def _counted(counts: Counts) -> dict[str, Any]:
    statuses = {status.value: n for status, n in counts.by_status.items()}
    return {
        "waiting": counts.waiting,
        "skipped": counts.skipped,
        "canceled": counts.canceled,
        "by_status": statuses,
        "reasons": counts.reasons,
    }


def _utc(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at else None

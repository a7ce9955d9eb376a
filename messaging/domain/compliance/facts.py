"""What the store knows that bears on one message; gathered under the claim, and at intake."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from messaging.domain.compliance.policy import DEFAULT, Policy
from messaging.domain.registration import Standing


class SuppressionKind(StrEnum):
    """Why somebody must not be written to; only an opt-out is lifted by START."""

    OPT_OUT = "opt_out"
    UNREACHABLE = "unreachable"
    """The number is out of service, or another person's by now."""
    COMPLAINT = "complaint"


@dataclass(slots=True)
class Suppression:
    """A suppression that covers this message's category."""

    kind: SuppressionKind
    source: str
    since: datetime


class Basis(StrEnum):
    """How a consent came about."""

    EXPRESS = "express"
    EXPRESS_WRITTEN = "express_written"
    IMPLIED_PURCHASE = "implied_purchase"
    IMPLIED_INQUIRY = "implied_inquiry"


class ConsentAction(StrEnum):
    """What a consent event says."""

    GRANT = "grant"
    REVOKE = "revoke"
    ASK = "ask"
    """A double opt-in is open: the next YES grants it."""


@dataclass(slots=True)
class Consent:
    """The latest consent event of this person, channel and category."""

    action: ConsentAction
    basis: Basis | None
    source: str
    at: datetime


class LineType(StrEnum):
    """What kind of line a number is, as somebody who knows told us."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    VOIP = "voip"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Line:
    """What is known of a number beyond its digits."""

    type: LineType
    source: str
    checked_at: datetime


@dataclass(slots=True)
class Facts:
    """Everything the rules may ask about one message."""

    policy: Policy = field(default=DEFAULT)
    home: str = "US"
    """The tenant's own country."""
    suppression: Suppression | None = None
    consent: Consent | None = None
    """Read for marketing only."""
    dnc_listed: str | None = None
    """A registry that lists the number; read for marketing only."""
    dnc_scrubbed_at: dict[str, datetime] = field(default_factory=dict)
    line: Line | None = None
    recent: tuple[datetime, ...] = ()
    """When messages of this category were handed over to this person in the last 31 days, oldest
    first; at most the latest thousand. Not read for transactional ones."""
    last_inbound: datetime | None = None
    """When the person last wrote to the tenant on this channel; read for Instagram only."""
    standing: Standing = Standing.CLEAR
    """The best registration among the senders this message could leave from."""
    has_links: bool = True
    has_phone_numbers: bool = True
    """What the campaign of those senders declared that its messages may hold."""
    age_gated: bool = False
    regions: frozenset[str] | None = None
    """Where the sender pool may write to."""
    template_paused: str | None = None
    """Why the template of this message waits, if it does."""
    campaign_paused: str | None = None
    """Why the campaign of this message waits, if it does."""
    velocity_until: datetime | None = None
    """Set when this destination has had its share for now: when it may be tried again."""
    flash_offered: bool = True
    """Whether some provider of those senders can carry a flash message."""

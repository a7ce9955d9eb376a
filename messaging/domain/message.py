"""The values the decisions speak about: a message, a sender, a provider account.

Plain frozen dataclasses. Ids are UUIDs; times are timezone-aware UTC datetimes; durations are
timedeltas; addresses are already normalised (E.164 for phone numbers).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from messaging.domain.lifecycle import Status
from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    ReplyOwner,
    SenderKind,
    Standing,
    Verification,
)
from messaging.domain.sender_health import SenderState

DEVELOPMENT = "development"
"""The tenant that `posthorn up` makes on a developer's machine."""


class Channel(StrEnum):
    """The medium a message travels on."""

    SMS = "sms"
    MMS = "mms"
    EMAIL = "email"
    INSTAGRAM_DM = "instagram_dm"

    @property
    def by_phone(self) -> bool:
        """Whether its addresses are phone numbers, and the rules about numbers hold."""
        return self is Channel.SMS or self is Channel.MMS


class Priority(StrEnum):
    """How soon, against other messages of the same tenant; each has its own lane."""

    HIGH = "HIGH"
    NORMAL = "NORMAL"
    LOW = "LOW"


class Lane(StrEnum):
    """A stream of work with its own queue and worker pool."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Queue(StrEnum):
    """Where a ready message waits: its lane, or apart, if a worker died while judging it."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"
    SUSPECT = "suspect"


class Category(StrEnum):
    """What a message is for; it decides which consent it needs."""

    TRANSACTIONAL = "TRANSACTIONAL"
    MARKETING = "MARKETING"
    NOTIFICATION = "NOTIFICATION"


class Purpose(StrEnum):
    """Why we wrote a message ourselves; each is exempt from the rules it would trip over."""

    OPT_OUT_CONFIRMATION = "opt_out_confirmation"
    OPT_IN_CONFIRMATION = "opt_in_confirmation"
    HELP = "help"


class Traffic(StrEnum):
    """Whether a message is business: only `RealLead` counts in a campaign's statistics."""

    REAL_LEAD = "RealLead"
    WARMUP = "Warmup"
    """Sent to warm a number up: to real people who asked for it."""
    TEST = "Test"
    SYSTEM_INTERNAL = "SystemInternal"
    """What the system itself wrote, such as an answer to STOP."""
    FAILED_ATTEMPT = "FailedAttempt"
    """How one is shown that never became traffic: it failed before any carrier took it."""


class Capability(StrEnum):
    """What a sender can carry."""

    SMS = "sms"
    MMS = "mms"
    FLASH = "flash"
    EMAIL = "email"
    INSTAGRAM_DM = "instagram_dm"


class SelectionReason(StrEnum):
    """Why this sender: the eight documented reasons, in order of precedence."""

    MANUAL_OVERRIDE = "ManualOverride"
    STICKY_CONVERSATION = "StickyConversation"
    LEAD_ASSIGNED = "LeadAssigned"
    CAMPAIGN_OR_SOURCE = "CampaignOrSource"
    PREFERRED = "Preferred"
    LOCAL_AREA = "LocalArea"
    HEALTHY_POOL = "HealthyPool"
    FALLBACK_DEFAULT = "FallbackDefault"


LANE_OF: dict[Priority, Lane] = {
    Priority.HIGH: Lane.HIGH,
    Priority.NORMAL: Lane.NORMAL,
    Priority.LOW: Lane.LOW,
}


@dataclass(frozen=True, slots=True)
class Parts:
    """What a message has beside its text."""

    subject: str | None = None
    html: str | None = None
    media: tuple[str, ...] = ()
    """URLs of pictures and files, which the provider fetches."""
    from_name: str | None = None
    """How the sender is shown beside its address."""
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What the decisions may know of a message under claim."""

    id: UUID
    tenant_id: UUID
    channel: Channel
    recipient: str
    recipient_key: bytes
    body: str
    segments: int
    category: Category
    priority: Priority
    status: Status
    epoch: int
    attempts: int
    """Attempts that counted so far; waiting for a rate is not one."""
    created_at: datetime
    queued_at: datetime | None = None
    expires_at: datetime | None = None
    sender_id: UUID | None = None
    """The sender the caller asked for."""
    pool_id: UUID | None = None
    conversation_id: UUID | None = None
    tried_sender_ids: tuple[UUID, ...] = ()
    """Senders a provider refused for this message; they never carry it."""
    failed_account_ids: tuple[UUID, ...] = ()
    """Provider accounts that did not take it; they are asked again only when no other is left."""
    flash: bool = False
    """Whether it is to be shown at once and not kept (class 0)."""
    content: str | None = None
    """What the text is declared to be about, where that is regulated."""
    time_zone: str | None = None
    postal_code: str | None = None
    """Where the recipient is, as far as the caller knows better than the number says."""
    purpose: Purpose | None = None
    """Set on what we wrote ourselves: an answer to STOP, START or HELP."""
    campaign: str | None = None
    """The campaign, source, agent and template it belongs to, as the tenant names them."""
    source: str | None = None
    agent: str | None = None
    template: str | None = None
    parts: Parts | None = None
    sandboxed: bool = False
    """Whether it was sent with a test key: only accounts that are a sandbox carry it."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A 10DLC campaign and the brand behind it."""

    id: UUID
    name: str
    status: CampaignStatus
    brand: str
    brand_status: BrandStatus
    provider_campaign_id: str | None = None
    has_links: bool = True
    has_phone_numbers: bool = True
    age_gated: bool = False
    segments_per_minute: int | None = None
    """What the carriers let it send; None where nobody said."""
    brand_id: UUID | None = None
    brand_segments_per_day: int | None = None
    """What one carrier lets the brand send over all its campaigns; None where nobody said."""


SMS_ONLY = frozenset({Capability.SMS})


@dataclass(frozen=True, slots=True)
class Sender:
    """An identity messages leave from; belongs to one provider account."""

    id: UUID
    tenant_id: UUID
    account_id: UUID
    channel: Channel
    address: str
    mps: float
    """Message segments a second this sender may send."""
    is_default: bool
    pool_ids: frozenset[UUID]
    kind: SenderKind = SenderKind.LONG_CODE
    campaign: Campaign | None = None
    verification: Verification = Verification.UNREGISTERED
    standing: Standing = Standing.CLEAR
    """What its registrations come to; read from the three above when it is loaded."""
    reply_owner: ReplyOwner = ReplyOwner.PROVIDER
    provider_verification_id: str | None = None
    """A toll-free number's verification, as the provider names it."""
    capabilities: frozenset[Capability] = SMS_ONLY
    country: str | None = None
    """Where it is from (ISO 3166); None for what belongs to no country."""
    area: str | None = None
    """Its area code with the calling code, such as +1212; None without one."""
    owner: str | None = None
    """The agent or user it belongs to, as the tenant names them."""
    state: SenderState = SenderState.ACTIVE
    state_since: datetime | None = None
    state_reason: str | None = None
    allowance: int | None = None
    """How many different people it may write to today; None is no limit."""
    warming: bool = False
    """Whether it is new and on its ramp."""

    @property
    def healthy(self) -> bool:
        """Whether it may be chosen unasked."""
        return self.state not in _UNHEALTHY


_UNHEALTHY = {SenderState.CORDONED, SenderState.RETIRED}


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """Credentials and limits at one provider."""

    id: UUID
    tenant_id: UUID
    provider: str
    name: str
    base_url: str
    username: str
    secret: str
    """What requests are authorised with; never logged."""
    max_in_flight: int
    """Requests one pump may have open at this account."""
    absence_proof: timedelta | None = None
    """How long a look-up must keep finding nothing before it proves that nothing was sent; None is as
    long as its provider's listing usually needs."""
    segments_per_second: float | None = None
    """What the provider lets the whole account send; None is no limit of its own."""
    options: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What else its provider needs, by the names of `Provider.options`; some of it secret."""
    webhook_secrets: tuple[str, ...] = ()
    """What its webhooks may be signed with, where that is not `secret`; while one is being replaced,
    both."""

    @property
    def signing_secrets(self) -> tuple[str, ...]:
        """What a webhook of this account may be signed with."""
        return self.webhook_secrets or (self.secret,)

    def __repr__(self) -> str:
        return f"ProviderAccount({self.provider}/{self.name})"

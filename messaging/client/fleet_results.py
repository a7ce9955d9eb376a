"""What is known of what messages leave from: senders, pools, bindings, accounts, registrations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from messaging.client.reading import Result


@dataclass(frozen=True, slots=True)
class Today(Result):
    """What a sender has sent today."""

    segments: float
    share: float
    recipients: int


@dataclass(frozen=True, slots=True)
class Day(Result):
    """What became of a sender's messages of the last 24 hours."""

    sent: int
    delivered: int
    undelivered: int
    filtered: int
    landline: int
    opted_out: int
    replies: int
    ratios: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Sender(Result):
    """A number or an address that messages leave from, and how it is doing."""

    id: str
    address: str
    channel: str
    kind: str
    account: str
    pools: tuple[str, ...]
    capabilities: tuple[str, ...]
    country: str | None
    owner: str | None
    mps: float
    """Segments per second."""
    is_default: bool
    state: str
    state_reason: str | None
    state_since: datetime
    cordoned_until: datetime | None
    daily_recipients: int | None
    ramp: tuple[int, ...] | None
    ramp_level: int
    warming: bool
    allowance: int | None
    campaign: str | None
    verification: str
    provider_verification_id: str | None
    standing: str
    reply_owner: str
    health: str
    headroom: float
    today: Today
    day: Day


@dataclass(frozen=True, slots=True)
class Entered(Result):
    """A state a sender entered, and why."""

    state: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class SenderHistory(Sender):
    """A sender, and the states it was in."""

    history: tuple[Entered, ...]


@dataclass(frozen=True, slots=True)
class SendersAdded(Result):
    """What a file of senders came to."""

    added: int


@dataclass(frozen=True, slots=True)
class Pool(Result):
    """Senders that are used together."""

    name: str
    regions: tuple[str, ...] | None
    sticky: bool
    local: bool
    local_km: int
    segments_per_second: float | None
    senders: int


@dataclass(frozen=True, slots=True)
class Binding(Result):
    """What something is bound to: one of sender, pool and account."""

    kind: str
    ref: str | None
    sender: str | None
    """Its address."""
    sender_id: str | None
    pool: str | None
    account: str | None


@dataclass(frozen=True, slots=True)
class Unbound(Result):
    """How many bindings were undone."""

    removed: int


@dataclass(frozen=True, slots=True)
class UseCase(Result):
    """A pool under a name and an id that callers keep."""

    id: str
    name: str
    pool: str
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Ability(Result):
    """What a provider carries on one channel."""

    max_body: int
    media: int
    flash: bool
    validity: bool


@dataclass(frozen=True, slots=True)
class Account(Result):
    """An account with a provider, and what it carries."""

    id: str
    name: str
    provider: str
    channels: Mapping[str, Ability]


@dataclass(frozen=True, slots=True)
class Brand(Result):
    """A brand's registration with the US carriers."""

    name: str
    status: str
    provider_brand_id: str | None
    account: str | None
    segments_per_day: int | None


@dataclass(frozen=True, slots=True)
class TendlcCampaign(Result):
    """A 10DLC campaign's registration with the US carriers."""

    name: str
    brand: str
    status: str
    use_case: str | None
    provider_campaign_id: str | None
    provider_service_id: str | None
    has_links: bool
    has_phone_numbers: bool
    age_gated: bool
    segments_per_minute: int | None

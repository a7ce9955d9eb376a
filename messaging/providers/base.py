"""The contract between Posthorn and a provider, as values.

An adapter is a module that builds one `Provider`. It does no I/O: it turns an `Outbound` into an
`httpx.Request`, a reply into an `Outcome`, and a webhook into reports (law 6). The transport owns the
sockets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import httpx

from messaging.domain.compliance.facts import LineType
from messaging.domain.failures import Outcome
from messaging.domain.lifecycle import Event
from messaging.domain.message import Channel, ProviderAccount
from messaging.domain.registration import Lapse, RegistrationKind, RegistrationState


@dataclass(slots=True)  # not frozen: made for every message, and freezing doubles its price
class Outbound:
    """One attempt, ready to be put on the wire."""

    message_id: UUID
    epoch: int
    to: str
    sender: str
    body: str
    callback_url: str
    """Where receipts of exactly this attempt go; carries its id and epoch, and is signed by us."""
    validity: timedelta | None = None
    """How long the provider may hold the message before it must drop it."""
    flash: bool = False
    """Whether it is to be shown at once and not kept (class 0)."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An HTTP request a provider made to us, as received."""

    url: str
    """The full public URL as the provider requested it, query included."""
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a provider says became of a message it accepted."""

    provider_message_id: str
    event: Event | None
    """The lifecycle event it stands for; None if it says nothing new (such as `queued`)."""
    provider_status: str
    code: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """What somebody wrote to a number of ours."""

    provider_message_id: str
    from_: str
    """As the provider writes it, not normalised: it may be a short code or a name."""
    to: str
    body: str
    provider_keyword: str | None
    """STOP, START or HELP if the provider itself read that in it, and then acted on it."""
    at: datetime | None
    """When it was sent, if the provider says so."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """An attempt of unknown outcome, as far as a look-up needs to know it."""

    to: str
    sender: str
    body: str
    started_at: datetime
    deadline: datetime
    """No request of this attempt can have reached the provider after this time."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A message at the provider that matches a doubtful attempt."""

    provider_message_id: str
    provider_status: str
    event: Event | None


@dataclass(frozen=True, slots=True)
class Registration:
    """Something registered at a provider, by the names it has there."""

    kind: RegistrationKind
    reference: str
    service: str | None = None
    """What the provider keeps it under, if it does."""


@dataclass(frozen=True, slots=True)
class RegistrationReport:
    """What a provider says of a registration."""

    state: RegistrationState | None
    """None if it says so in a word this version does not know."""
    since: datetime | None
    """When it last changed there, if the provider says."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Everything Posthorn knows of one provider."""

    name: str
    channels: frozenset[Channel]
    max_body: int
    request: Callable[[ProviderAccount, Outbound], httpx.Request]
    outcome: Callable[[httpx.Response], Outcome]
    """Reads any HTTP reply to `request`; raises nothing."""
    lookup: Callable[[ProviderAccount, Doubt], httpx.Request]
    sightings: Callable[[httpx.Response, Doubt], list[Sighting] | None]
    """Messages matching the attempt; None if the reply proves nothing (an error, or unreadable)."""
    verify: Callable[[ProviderAccount, Webhook], bool]
    reports: Callable[[Webhook], list[DeliveryReport]]
    """Reads a verified webhook; unknown parameters are accepted, an unreadable one gives []."""
    inbound: Callable[[Webhook], InboundMessage | None]
    """Reads a verified webhook; None if it is no inbound message, or unreadable."""
    flash: bool = False
    """Whether it can carry flash messages."""
    dead_numbers: frozenset[str] = frozenset()
    """Codes saying that nobody can be reached at the number, now or later."""
    landlines: frozenset[str] = frozenset()
    """Codes saying that the number is a line which takes no texts."""
    filtered: frozenset[str] = frozenset()
    """Codes saying that a carrier, or the provider, took the message for spam."""
    blameless: frozenset[str] = frozenset()
    """Codes of receipts that say nothing of the sender: the provider failed, or we did."""
    daily_caps: frozenset[str] = frozenset()
    """Codes saying that a carrier's limit for the day is used up: it passes at its midnight."""
    lapses: Mapping[str, Lapse] = field(default_factory=dict)
    """Codes saying that the sender's registration is not, or no longer, in order."""
    line_lookup: Callable[[ProviderAccount, str], httpx.Request] | None = None
    """Asks what kind of line a number (E.164) is; None if this provider is not asked."""
    line: Callable[[httpx.Response], LineType | None] | None = None
    """Reads the reply to `line_lookup`; None if it is no answer, such as an error."""
    registration_lookup: Callable[[ProviderAccount, Registration], httpx.Request | None] | None = (
        None
    )
    """Asks where a registration stands; None if the provider has none of this kind and name. As a
    whole None if this provider is not asked."""
    registration: Callable[[httpx.Response, RegistrationKind], RegistrationReport | None] | None = (
        None
    )
    """Reads the reply to `registration_lookup`; None if it is no answer, such as an error."""

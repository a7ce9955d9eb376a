"""The contract between Posthorn and a provider, as values.

An adapter is a module that builds one `Provider`. It does no I/O: it turns an `Outbound` into an
`httpx.Request`, a reply into an `Outcome`, and a webhook into reports (law 6). The transport owns the
sockets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

import httpx

from messaging.domain.compliance.facts import LineType
from messaging.domain.failures import Failover, Failure, Kind, Outcome
from messaging.domain.lifecycle import Event
from messaging.domain.message import Channel, Parts, ProviderAccount
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
    channel: Channel = Channel.SMS
    reference: str = ""
    """Our name for exactly this attempt, at most 40 characters of `[0-9a-f.]`, for providers that
    give one back; read again by `messaging.callbacks.read_reference`."""
    parts: Parts | None = None
    """What a message has beside its text: a subject, HTML, media."""
    unsubscribe_url: str | None = None
    """Where one POST unsubscribes the recipient of an e-mail (RFC 8058)."""
    at: datetime | None = None
    """Now: an adapter has no clock, and a signed token has a time in it."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An HTTP request a provider made to us, as received."""

    url: str
    """The full public URL as the provider requested it, query included."""
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes
    at: datetime | None = None
    """When it arrived: signatures that carry a time are believed for some minutes only."""


@dataclass(frozen=True, slots=True)
class RawEvent:
    """One event of a webhook, as it is kept: many providers post several at once."""

    key: str
    """What the provider calls this very event, the same when it is posted again."""
    body: bytes
    """What `report` reads; of a webhook with one event its whole body."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a provider says became of a message it accepted."""

    provider_message_id: str
    event: Event | None
    """The lifecycle event it stands for; None if it says nothing new (such as `queued`)."""
    provider_status: str
    code: str | None = None
    detail: str | None = None
    reference: str | None = None
    """Our name for the attempt, where the provider gives it back in its report."""
    callback_url: str | None = None
    """The attempt's own receipt address, where the provider gives that back."""
    at: datetime | None = None
    """When it happened, if the provider says so."""
    withdraws_consent: bool = False
    """Whether the recipient wants no more, after delivery: `event` is None then."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """Which piece of a longer text an inbound message is, where a provider hands on pieces."""

    reference: str
    """What all pieces of one text have in common, beside sender and recipient."""
    number: int
    """From 1."""
    total: int


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """What somebody wrote to a sender of ours."""

    provider_message_id: str
    from_: str
    """As the provider writes it, not normalised: it may be a short code or a name."""
    to: str
    body: str
    provider_keyword: str | None
    """STOP, START or HELP if the provider itself read that in it, and then acted on it."""
    at: datetime | None
    """When it was sent, if the provider says so."""
    channel: Channel = Channel.SMS
    media: tuple[str, ...] = ()
    """Where its pictures and files are."""
    fragment: Fragment | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """An attempt of unknown outcome, as far as a look-up needs to know it."""

    to: str
    sender: str
    body: str
    started_at: datetime
    deadline: datetime
    """No request of this attempt can have reached the provider after this time."""
    reference: str = ""
    """As in its `Outbound`."""
    channel: Channel = Channel.SMS


@dataclass(frozen=True, slots=True)
class Sighting:
    """A message at the provider that matches a doubtful attempt."""

    provider_message_id: str
    provider_status: str
    event: Event | None
    certain: bool = True
    """False where the listing shows too little to tell whose it is: `fetch` must confirm it."""
    named: bool = False
    """Whether the listing gives our reference back, so that it is surely this attempt's."""


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
class Abilities:
    """What a provider can carry on one channel. What it cannot is refused, never sent otherwise."""

    max_body: int
    """Characters of text."""
    media: int = 0
    """Files one message may have."""
    flash: bool = False
    """Whether it can show a text at once and not keep it (class 0)."""
    validity: bool = False
    """Whether the provider itself drops what it could not deliver in time."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something an account of a provider has beside a user name, a secret and an address."""

    name: str
    help: str
    required: bool = False
    secret: bool = False
    """Whether it is sealed like the account's secret."""


def _itself(webhook: Webhook) -> list[RawEvent]:
    """A webhook that is one event: known again by its bytes."""
    return [RawEvent(blake2b(webhook.body, digest_size=16).hexdigest(), webhook.body)]


@dataclass(frozen=True, slots=True)
class Provider:
    """Everything Posthorn knows of one provider."""

    name: str
    base_url: str
    """Where it is reached when an account does not say otherwise."""
    abilities: Mapping[Channel, Abilities]
    """By the channels it serves."""
    request: Callable[[ProviderAccount, Outbound], httpx.Request]
    outcome: Callable[[httpx.Response], Outcome]
    """Reads any reply to `request`; raises nothing."""
    verify: Callable[[ProviderAccount, Webhook], bool]
    """Whether the account's provider signed this; raises nothing, whatever the webhook holds."""
    report: Callable[[Webhook], DeliveryReport | None]
    """Reads one `RawEvent` of a verified webhook; None if it is no receipt, or unreadable."""
    inbound: Callable[[Webhook], list[InboundMessage]]
    """Reads a verified webhook; [] if it holds no inbound message, or is unreadable."""
    events: Callable[[Webhook], list[RawEvent]] = _itself
    """The receipts in a verified webhook, in their order; what is no receipt may be among them."""
    mixed: bool = False
    """Whether receipts and inbound messages come in one webhook."""
    challenge: Callable[[ProviderAccount, Mapping[str, str]], str | None] | None = None
    """The answer to the query of a GET that asks whether a webhook is ours; None if it does not."""
    refuses: Callable[[Outbound], Failure | None] = lambda _out: None
    """Why it cannot carry a message that its abilities would let pass; asked by `unable`."""
    username: str | None = None
    """What the user name of its accounts is, such as an account SID; None if they need none."""
    options: tuple[Option, ...] = ()
    idempotent: bool = False
    """Whether a send may be repeated under the same key. No provider of SMS offers that."""
    lookup: Callable[[ProviderAccount, Doubt], httpx.Request] | None = None
    """Lists what may be a doubtful attempt; None if it cannot be asked: only a receipt settles it."""
    sightings: Callable[[httpx.Response, Doubt], list[Sighting] | None] | None = None
    """Messages matching the attempt; None if the reply proves nothing (an error, or unreadable)."""
    absence_proof: timedelta | None = None
    """How long its listing must show nothing to prove that nothing was sent; None: it never does."""
    fetch: Callable[[ProviderAccount, str], httpx.Request] | None = None
    """Asks for one message by the provider's id; None if this provider cannot be asked."""
    fetched: Callable[[httpx.Response], DeliveryReport | None] | None = None
    """Reads the reply to `fetch`; None if it is no answer, such as an error."""
    has_receipts: bool = True
    """Whether it ever says what became of a message."""
    dead_numbers: frozenset[str] = frozenset()
    """Codes saying that nobody can be reached at the address, now or later."""
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
    """Asks where a registration stands; None if it has none of this kind and name, or is not asked."""
    registration: Callable[[httpx.Response, RegistrationKind], RegistrationReport | None] | None = (
        None
    )
    """Reads the reply to `registration_lookup`; None if it is no answer, such as an error."""

    @property
    def secret_options(self) -> frozenset[str]:
        """The names of the options that are sealed."""
        return frozenset(option.name for option in self.options if option.secret)

    @property
    def flash(self) -> bool:
        """Whether it can carry flash messages."""
        return any(each.flash for each in self.abilities.values())


def unable(provider: Provider, out: Outbound) -> Failure | None:
    """Why a provider cannot carry this message; None if it can. Somebody else may."""
    can = provider.abilities.get(out.channel)
    media = len(out.parts.media) if out.parts is not None else 0
    if can is None:
        return _cannot("channel_unsupported", f"{provider.name} does not serve {out.channel}.")
    if len(out.body) > can.max_body:
        return _cannot("too_long", f"{provider.name} takes at most {can.max_body} characters.")
    if media > can.media:
        takes = f"at most {can.media} files" if can.media else "no files"
        return _cannot("media_unsupported", f"{provider.name} takes {takes} with a message.")
    if out.flash and not can.flash:
        return _cannot("flash_unsupported", f"{provider.name} has no flash messages.")
    return provider.refuses(out)


def _cannot(code: str, detail: str) -> Failure:
    return Failure(Kind.CONFIG, code, detail, failover=Failover.OTHER_PROVIDER)

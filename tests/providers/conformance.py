"""One account, one attempt and, per provider, the few things that differ in shape.

A new provider writes a `DIALECT` into `tests/providers/dialects/<name>.py` and passes
`test_conformance.py` and `test_conformance_webhooks.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

import httpx

from messaging.callbacks import reference
from messaging.domain.failures import Kind
from messaging.domain.lifecycle import Event
from messaging.domain.message import Channel, Parts, ProviderAccount
from messaging.providers.base import DeliveryReport, Doubt, Outbound, Provider, Webhook

SECRET = "a-secret-nobody-may-see"
TO, FROM, BODY = "+12025550123", "+12025550100", "Olá, o código é 4711 & só seu"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CALLBACK = "https://hooks.example.com/v1/webhooks/x/0192?e=3&k=abc"
SID = "SM" + "0f" * 16
REFERENCE = reference(UUID(int=3), 3)


def account(
    provider: str,
    *,
    options: Mapping[str, str] = MappingProxyType({}),
    webhook_secrets: tuple[str, ...] = (),
    **changes: str,
) -> ProviderAccount:
    settings = {
        "base_url": "http://127.0.0.1:4010",
        "username": "AC" + "1" * 32,
        "secret": SECRET,
        **changes,
    }
    return ProviderAccount(
        id=UUID(int=1),
        tenant_id=UUID(int=2),
        provider=provider,
        name="main",
        max_in_flight=100,
        absence_proof=timedelta(minutes=10),
        base_url=settings["base_url"],
        username=settings["username"],
        secret=settings["secret"],
        options=options,
        webhook_secrets=webhook_secrets,
    )


def outbound(
    body: str = BODY,
    validity: timedelta | None = None,
    *,
    to: str = TO,
    sender: str = FROM,
    channel: Channel = Channel.SMS,
    parts: Parts | None = None,
    flash: bool = False,
) -> Outbound:
    return Outbound(
        UUID(int=3),
        3,
        to,
        sender,
        body,
        CALLBACK,
        validity,
        flash=flash,
        channel=channel,
        reference=REFERENCE,
        parts=parts,
        at=NOON,
    )


def doubt(
    body: str = BODY, *, to: str = TO, sender: str = FROM, channel: Channel = Channel.SMS
) -> Doubt:
    return Doubt(to, sender, body, NOON, NOON + timedelta(seconds=30), REFERENCE, channel)


def _status_kinds() -> Mapping[int, Kind]:
    ambiguous = (200, 201, 202, 204, 408, 500, 502, 503, 504, 599)
    wrong = (301, 302, 307, 400, 401, 403, 404)
    return {
        **dict.fromkeys(ambiguous, Kind.AMBIGUOUS),
        **dict.fromkeys(wrong, Kind.CONFIG),
        429: Kind.RATE_LIMITED,
    }


@dataclass(frozen=True)
class Hooks:
    """What one provider's webhooks look like."""

    sign: Callable[[int, str, bytes, datetime], Webhook]
    """A webhook of this URL and body as it arrives at that time, genuine under the key with this
    number: 0 and 1 belong to `secrets`, others to somebody else. Its `body` may hold the signature."""
    secrets: tuple[str, str]
    """What an account is given, so that it believes key 0 and key 1."""
    receipt: Callable[[str, int], bytes]
    """The body of a receipt with this status word, and something unknown to us beside it; as it is
    posted for the first time, the second..."""
    statuses: Mapping[str, Event | None]
    """What every status word stands for."""
    delivered: str = "delivered"
    inbound: Callable[[str | None], bytes] | None = None
    """The body of an inbound message of `Dialect.to` to `Dialect.sender` saying `BODY`, with the
    provider's own reading of it as a keyword; None if this provider hands on none."""
    keywords: frozenset[str] = frozenset()
    """The keywords it recognises itself."""
    from_: str = TO
    """Who wrote the inbound message, and to whom, as the provider writes that."""
    to: str = FROM
    signs_url: bool = False
    signs_time: timedelta | None = None
    """How old a signature may be; None if it holds no time."""
    signed_headers: tuple[str, ...] = ()
    """Headers of which no bit may change."""
    same: Callable[[bytes, bytes], bool] = bytes.__eq__
    """Whether two bodies say the same to whoever parses them, however they are written."""
    challenge: tuple[Mapping[str, str], str] | None = None
    """Query parameters by which the provider asks whether the webhook is ours, and the answer."""


@dataclass(frozen=True)
class Dialect:
    """What one provider's replies look like, and what it wants of an account and a message."""

    accepted: bytes
    """The body of a good reply to a send, which names the message `message_id`."""
    refusal: Callable[[str, str], bytes]
    """The body of a reply that refuses a send: its code, and a text that explains it."""
    message_id: str = SID
    accepted_status: int = 200
    accepted_headers: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[int, Kind] = field(default_factory=_status_kinds)
    """What a reply with this status and nothing readable in it means."""
    hooks: Hooks | None = None
    """None if it has no webhooks."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What its accounts are called, beside the `SECRET`."""
    options: Mapping[str, str] = field(default_factory=dict)
    base_urls: tuple[str, ...] = (
        "http://127.0.0.1:4010",
        "https://api.example.com/",
        "http://127.0.0.1:1/sub",
    )
    over_http: bool = True
    """Whether the HTTP transport carries it."""
    channel: Channel = Channel.SMS
    to: str = TO
    sender: str = FROM
    parts: Parts | None = None
    has_lookup: bool = True
    listing: bytes = b""
    """A reply to the look-up that shows the doubtful attempt of `doubt()`."""
    empty_listing: bytes = b""
    """One that shows that there is none."""
    fetched: bytes = b""
    """A reply to the question after `message_id`, which was delivered."""

    def reply(self) -> httpx.Response:
        """The good reply to a send."""
        return httpx.Response(
            self.accepted_status, headers=self.accepted_headers, content=self.accepted
        )

    def account(
        self, provider: Provider, *, webhook_secrets: tuple[str, ...] | None = None, **changes: str
    ) -> ProviderAccount:
        """An account at this provider, which believes key 0 unless told otherwise."""
        secrets = self.hooks.secrets[:1] if self.hooks else ()
        return account(
            provider.name,
            options=self.options,
            webhook_secrets=secrets if webhook_secrets is None else webhook_secrets,
            **{"base_url": self.base_urls[0], **self.settings, **changes},
        )

    def outbound(self) -> Outbound:
        """The attempt, as this provider is asked to carry it."""
        return outbound(to=self.to, sender=self.sender, channel=self.channel, parts=self.parts)

    def doubt(self) -> Doubt:
        """The same attempt, when nobody knows what became of it."""
        return doubt(to=self.to, sender=self.sender, channel=self.channel)

    def spilled(self, text: str) -> list[str]:
        """Which private things a text that reaches an operator or a log gives away."""
        private = (SECRET, self.to.lstrip("+"), self.sender.lstrip("+"), BODY, "4711")
        return [word for word in private if word in text]


def read(provider: Provider, webhook: Webhook) -> list[DeliveryReport]:
    """The receipts in a webhook, read as workers do: by address and body alone."""
    reports = [
        provider.report(Webhook(webhook.url, {}, event.body)) for event in provider.events(webhook)
    ]
    return [report for report in reports if report is not None]


@cache
def dialects() -> Mapping[str, Dialect]:
    """Every provider's dialect, by the name of its file."""
    return dict(_dialects())


def _dialects() -> Iterator[tuple[str, Dialect]]:
    for file in sorted((Path(__file__).parent / "dialects").glob("*.py")):
        dialect = import_module(f"tests.providers.dialects.{file.stem}").DIALECT
        assert isinstance(dialect, Dialect)
        yield file.stem, dialect

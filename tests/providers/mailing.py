"""An e-mail, an account at a relay, and what became of a delivery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from messaging.domain.failures import Accepted, Failure
from messaging.domain.message import Channel, ProviderAccount
from messaging.providers import get
from messaging.providers.base import Outbound
from messaging.providers.transport import Transport
from tests.providers.conformance import account, outbound
from tests.providers.relays import Relay
from tests.providers.wire import send

SMTP = get("smtp")
OUT = outbound(
    "Olá\r\n.\r\nQUIT\r\n..two",
    to="ana@example.org",
    sender="news@example.com",
    channel=Channel.EMAIL,
)


def to(url: str, tls: str = "none", **changes: str) -> ProviderAccount:
    settings: dict[str, Any] = {"base_url": url, "username": "", "secret": "", **changes}
    return account("smtp", options={"tls": tls}, **settings)


def deliver(
    transport: Transport, ours: ProviderAccount, out: Outbound = OUT
) -> httpx.Response | Failure:
    return send(transport, SMTP.request(ours, out))


def outcome(result: httpx.Response | Failure) -> Accepted | Failure:
    got = result if isinstance(result, Failure) else SMTP.outcome(result)
    assert "ana@example" not in repr(got)
    assert "Ol" not in repr(got)
    return got


Start = Callable[..., Relay]

"""One account, one attempt and, per provider, the few replies that differ in shape.

A new provider adds a `Dialect` here and passes `test_conformance.py`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from messaging.domain.message import ProviderAccount
from messaging.providers.base import Doubt, Outbound, Webhook

SECRET = "a-secret-nobody-may-see"
TO, FROM, BODY = "+12025550123", "+12025550100", "Olá, o código é 4711 & só seu"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CALLBACK = "https://hooks.example.com/v1/webhooks/x/0192?e=3&k=abc"
SID = "SM" + "0f" * 16


def account(provider: str, **changes: str) -> ProviderAccount:
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
    )


def outbound(body: str = BODY, validity: timedelta | None = None) -> Outbound:
    return Outbound(UUID(int=3), 3, TO, FROM, body, CALLBACK, validity)


def doubt(body: str = BODY) -> Doubt:
    return Doubt(TO, FROM, body, NOON, NOON + timedelta(seconds=30))


@dataclass(frozen=True)
class Dialect:
    """What one provider's replies and webhooks look like."""

    accepted: bytes
    """The body of a good reply to a send, which names the message `SID`."""
    sign: Callable[[str, bytes], Mapping[str, str]]
    """The headers that make a webhook of this URL and body genuine under `SECRET`."""
    receipt: Callable[[str], bytes]
    """The body of a receipt with this status word."""
    delivered: str
    inbound: Callable[[str | None], bytes]
    """The body of an inbound message of `TO` to `FROM`, with the provider's own reading of it."""


def webhook(dialect: Dialect, status: str, url: str = CALLBACK) -> Webhook:
    body = dialect.receipt(status)
    return Webhook(url, dialect.sign(url, body), body)


def _sign_twilio(url: str, body: bytes) -> Mapping[str, str]:
    pairs = sorted(parse_qsl(body.decode(), keep_blank_values=True))
    data = url + "".join(name + value for name, value in pairs)
    mac = hmac.new(SECRET.encode(), data.encode(), hashlib.sha1).digest()
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": base64.b64encode(mac).decode(),
    }


def _twilio_receipt(status: str) -> bytes:
    fields = {"MessageSid": SID, "MessageStatus": status, "To": TO, "From": FROM, "NewToUs": "1"}
    return urlencode(fields).encode()


def _twilio_inbound(keyword: str | None) -> bytes:
    fields = {
        "MessageSid": SID,
        "SmsSid": SID,
        "SmsStatus": "received",
        "From": TO,
        "To": FROM,
        "Body": BODY,
        "NumMedia": "0",
        "NewToUs": "1",
    }
    if keyword is not None:
        fields["OptOutType"] = keyword
    return urlencode(fields).encode()


DIALECTS: dict[str, Dialect] = {
    "twilio": Dialect(
        accepted=f'{{"sid": "{SID}", "status": "queued"}}'.encode(),
        sign=_sign_twilio,
        receipt=_twilio_receipt,
        delivered="delivered",
        inbound=_twilio_inbound,
    )
}

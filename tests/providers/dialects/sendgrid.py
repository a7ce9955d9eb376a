"""SendGrid on the wire: an id in a header, events in arrays, signed with a private key."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from messaging.domain.failures import Kind
from messaging.domain.lifecycle import Event
from messaging.domain.message import Channel, Parts
from messaging.providers.base import Webhook
from messaging.providers.sendgrid_signature import TOLERANCE
from tests.providers.conformance import BODY, REFERENCE, Dialect, Hooks

ID = "LRzXl_NHStOGhQ4kofSm_A"
TO, FROM = "ana@example.org", "news@example.com"
_KEYS = [ec.derive_private_key(1_000_003 + n, ec.SECP256R1()) for n in (1, 2, 3)]
BOUNDARY = "xYzZY"


def public(key: int) -> str:
    """A public key as SendGrid shows it to its customers."""
    spki = _KEYS[key].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(spki).decode()


def sign(key: int, url: str, body: bytes, at: datetime) -> Webhook:
    """A webhook as SendGrid signs it."""
    stamp = str(int(at.timestamp()))
    signature = _KEYS[key].sign(stamp.encode() + body, ec.ECDSA(SHA256()))
    form = f"multipart/form-data; boundary={BOUNDARY}"
    headers = {
        "content-type": form if body.startswith(b"--") else "application/json;charset=utf-8",
        "x-twilio-email-event-webhook-timestamp": stamp,
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
    }
    return Webhook(url, headers, body, at)


def event(word: str, **changes: Any) -> dict[str, Any]:
    """An event as SendGrid posts it, with some of the fields that mean nothing to us."""
    return {
        "email": TO,
        "timestamp": 1772452807,
        "event": word,
        "smtp-id": f"<{ID}@geopod-ismtpd-2>",
        "sg_event_id": base64.urlsafe_b64encode(uuid5(UUID(int=0), repr((word, changes))).bytes)
        .decode()
        .rstrip("="),
        "sg_message_id": f"{ID}.recvd-5f54b5d587-xb8lf-1-65E3-14.0",
        "posthorn_attempt": REFERENCE,
        "new_to_us": [1],
        **changes,
    }


def body(*events: Mapping[str, Any]) -> bytes:
    """A webhook's body."""
    return b"[" + b",\r\n".join(orjson.dumps(each) for each in events) + b"]\r\n"


def form(**fields: str | bytes) -> bytes:
    """A multipart form as Inbound Parse posts it."""
    lines = []
    for name, value in fields.items():
        text = value.encode() if isinstance(value, str) else value
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        lines.append(head.encode() + text + b"\r\n")
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()


def mail(**changes: str | bytes) -> bytes:
    """Somebody's answer."""
    fields: dict[str, str | bytes] = {
        "headers": f"Received: by mx\nMessage-ID: <{ID}>\nFrom: Ana <{TO}>\n",
        "from": f"Ana <{TO}>",
        "to": f"Example <{FROM}>, somebody@example.net",
        "subject": "Re: A code",
        "text": BODY,
        "html": "<p>x</p>",
        "envelope": orjson.dumps({"to": [FROM], "from": TO}),
        "charsets": '{"to":"UTF-8","text":"utf-8"}',
        "SPF": "pass",
        **changes,
    }
    return form(**fields)


def _refusal(code: str, text: str) -> bytes:
    return orjson.dumps({"errors": [{"message": text, "field": code, "help": None}]})


DIALECT = Dialect(
    accepted=b"",
    accepted_status=202,
    accepted_headers={"x-message-id": ID},
    message_id=ID,
    refusal=_refusal,
    kinds={
        **dict.fromkeys((200, 201, 202, 204, 408, 500, 502, 503, 504, 599), Kind.AMBIGUOUS),
        **dict.fromkeys((301, 302, 307, 400, 401, 404, 405, 413), Kind.CONFIG),
        403: Kind.SENDER,
        429: Kind.RATE_LIMITED,
    },
    has_lookup=False,
    channel=Channel.EMAIL,
    to=TO,
    sender=FROM,
    parts=Parts(subject="A code", from_name="Example"),
    hooks=Hooks(
        sign=sign,
        secrets=(public(0), public(1)),
        receipt=lambda status, _posted: body(event(status)),
        statuses={
            "processed": Event.ACCEPTED,
            "deferred": Event.ACCEPTED,
            "delivered": Event.DELIVERED,
            "bounce": Event.UNDELIVERED,
            "dropped": Event.FAILED,
            "open": None,
            "click": None,
            "spamreport": None,
            "unsubscribe": None,
            "group_unsubscribe": None,
            "group_resubscribe": None,
        },
        inbound=lambda _keyword: mail(),
        from_=TO,
        to=FROM,
        signs_time=TOLERANCE,
        signed_headers=(
            "x-twilio-email-event-webhook-signature",
            "x-twilio-email-event-webhook-timestamp",
        ),
    ),
)

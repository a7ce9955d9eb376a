"""Telnyx on the wire: JSON, signed with a private key over the time and the body."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from messaging.domain.lifecycle import Event
from messaging.providers.base import Webhook
from tests.providers.conformance import BODY, CALLBACK, FROM, TO, Dialect, Hooks

ID = "40385f64-5717-4562-b3fc-2c963f66afa6"
_KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3)]


def public(key: int) -> str:
    """A public key as Telnyx shows it to its customers."""
    return base64.b64encode(_KEYS[key].public_key().public_bytes_raw()).decode()


def sign(key: int, url: str, body: bytes, at: datetime) -> Webhook:
    """A webhook as Telnyx signs it."""
    stamp = str(int(at.timestamp()))
    signature = _KEYS[key].sign(stamp.encode() + b"|" + body)
    headers = {
        "content-type": "application/json",
        "telnyx-timestamp": stamp,
        "telnyx-signature-ed25519": base64.b64encode(signature).decode(),
    }
    return Webhook(url, headers, body, at)


def message(status: str, **changes: Any) -> dict[str, Any]:
    """A message as Telnyx shows it, with some of the fields that mean nothing to us."""
    return {
        "id": ID,
        "record_type": "message",
        "direction": "outbound",
        "type": "SMS",
        "from": {"phone_number": FROM, "carrier": "TELNYX LLC", "line_type": "VoIP"},
        "to": [{"phone_number": TO, "carrier": "T-MOBILE", "line_type": "", "status": status}],
        "text": BODY,
        "parts": 1,
        "errors": [],
        "media": [],
        "new_to_us": {"a": [1]},
        "webhook_url": CALLBACK,
        "completed_at": None,
        **changes,
    }


def event(payload: dict[str, Any], event_type: str = "message.finalized", posted: int = 1) -> bytes:
    """A webhook's body; the same event keeps its id when it is posted again."""
    name = uuid5(UUID(int=0), orjson.dumps([event_type, payload]).decode())
    return orjson.dumps(
        {
            "data": {
                "event_type": event_type,
                "id": str(name),
                "occurred_at": "2026-03-02T12:00:07.123+00:00",
                "record_type": "event",
                "payload": payload,
            },
            "meta": {"attempt": posted, "delivered_to": CALLBACK},
        }
    )


def _receipt(status: str, posted: int) -> bytes:
    final = status not in {"queued", "sending", "sent"}
    return event(message(status), "message.finalized" if final else "message.sent", posted)


def _inbound(keyword: str | None) -> bytes:
    payload = message(
        "webhook_delivered",
        direction="inbound",
        **{"from": {"phone_number": TO, "carrier": "T-MOBILE", "line_type": "long_code"}},
        to=[{"phone_number": FROM, "carrier": "TELNYX LLC", "status": "webhook_delivered"}],
        received_at="2026-03-02T12:00:01.000+00:00",
    )
    if keyword is not None:
        payload["autoresponse_type"] = keyword
    return event(payload, "message.received")


def _refusal(code: str, text: str) -> bytes:
    error = {"code": code, "title": text, "detail": text, "source": {"pointer": "/to"}}
    return orjson.dumps({"errors": [error]})


RECORD = {
    "record_type": "message_detail_record",
    "uuid": ID,
    "status": "delivered",
    "direction": "outbound",
    "cld": TO,
    "cli": FROM,
    "created_at": "2026-03-02T12:00:03Z",
}

DIALECT = Dialect(
    accepted=orjson.dumps({"data": message("queued")}),
    message_id=ID,
    refusal=_refusal,
    listing=orjson.dumps({"data": [RECORD], "meta": {"total_pages": 1, "total_results": 1}}),
    empty_listing=b'{"data": [], "meta": {"total_pages": 0, "total_results": 0}}',
    fetched=orjson.dumps({"data": message("delivered")}),
    hooks=Hooks(
        sign=sign,
        secrets=(public(0), public(1)),
        receipt=_receipt,
        statuses={
            "scheduled": Event.ACCEPTED,
            "queued": Event.ACCEPTED,
            "sending": Event.ACCEPTED,
            "sent": Event.ACCEPTED,
            "delivery_unconfirmed": Event.ACCEPTED,
            "delivered": Event.DELIVERED,
            "delivery_failed": Event.UNDELIVERED,
            "sending_failed": Event.FAILED,
            "expired": Event.FAILED,
            "cancelled": Event.FAILED,
        },
        inbound=_inbound,
        keywords=frozenset({"STOP", "START", "HELP"}),
        signs_time=timedelta(minutes=5),
        signed_headers=("telnyx-signature-ed25519", "telnyx-timestamp"),
    ),
)

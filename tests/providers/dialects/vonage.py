"""Vonage's Messages API on the wire: JSON, with a token that holds the time and the body's hash."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import jwt
import orjson

from messaging.domain.lifecycle import Event
from messaging.providers.base import Webhook
from tests.providers.conformance import BODY, FROM, REFERENCE, TO, Dialect, Hooks

ID = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"
KEYS = ("ours" * 10, "next" * 10, "their" * 8)


def sign(key: int, url: str, body: bytes, at: datetime, **changes: Any) -> Webhook:
    """A webhook as Vonage signs it."""
    claims = {
        "iat": int(at.timestamp()),
        "jti": "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5",
        "iss": "Vonage",
        "payload_hash": sha256(body).hexdigest(),
        "api_key": "abcd1234",
        "application_id": ID,
        **changes,
    }
    token = jwt.encode({k: v for k, v in claims.items() if v is not None}, KEYS[key], "HS256")
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    return Webhook(url, headers, body, at)


def receipt(status: str, _posted: int = 1, **changes: Any) -> bytes:
    """The body of a status webhook."""
    return orjson.dumps(
        {
            "message_uuid": ID,
            "to": TO[1:],
            "from": FROM[1:],
            "timestamp": "2026-03-02T12:00:07Z",
            "status": status,
            "channel": "sms",
            "client_ref": REFERENCE,
            "usage": {"price": "0.0333", "currency": "EUR"},
            "new_to_us": [1],
            **changes,
        }
    )


def inbound(_keyword: str | None = None, **changes: Any) -> bytes:
    """The body of an inbound webhook."""
    return orjson.dumps(
        {
            "channel": "sms",
            "message_uuid": ID,
            "to": FROM[1:],
            "from": TO[1:],
            "timestamp": "2026-03-02T12:00:01Z",
            "text": BODY,
            "sms": {"num_messages": "1", "keyword": "STOP"},
            "new_to_us": [1],
            **changes,
        }
    )


def _refusal(code: str, text: str) -> bytes:
    address = f"https://developer.vonage.com/api-errors/messages#{code}"
    return orjson.dumps({"type": address, "title": text, "detail": text, "instance": "bf0ca0bf"})


RECORD = {
    "account_id": "abcd1234",
    "message_id": ID,
    "client_ref": REFERENCE,
    "direction": "outbound",
    "from": FROM[1:],
    "to": TO[1:],
    "date_received": "2026-03-02T12:00:03+0000",
    "date_finalized": "2026-03-02T12:00:07+0000",
    "status": "delivered",
    "error_code": "0",
}


def listing(*records: Any, **changes: Any) -> bytes:
    """A reply of the Reports API."""
    page = {"request_status": "SUCCESS", "items_count": len(records), "records": list(records)}
    return orjson.dumps({**page, **changes})


DIALECT = Dialect(
    accepted=orjson.dumps({"message_uuid": ID}),
    accepted_status=202,
    message_id=ID,
    settings={"username": "abcd1234"},
    refusal=_refusal,
    listing=listing({**RECORD, "client_ref": "", "message_id": "x"}, RECORD),
    empty_listing=listing({**RECORD, "client_ref": "another"}),
    fetched=listing(RECORD),
    hooks=Hooks(
        sign=sign,
        secrets=(KEYS[0], KEYS[1]),
        receipt=receipt,
        statuses={
            "submitted": Event.ACCEPTED,
            "delivered": Event.DELIVERED,
            "read": Event.DELIVERED,
            "undeliverable": Event.UNDELIVERED,
            "rejected": Event.FAILED,
        },
        inbound=inbound,
        signs_time=timedelta(minutes=5),
        signed_headers=("authorization",),
    ),
)

"""Instagram on the wire: JSON, signed over its bytes with the app's secret."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from messaging.domain.lifecycle import Event
from messaging.domain.message import Channel
from messaging.providers.base import Webhook
from tests.providers.conformance import BODY, Dialect, Hooks

IG_ID, PERSON = "17841400008460056", "5678901234567"
MID = "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNDAwMDA4NDYwMDU2OjM0MDI4"
SECRETS = ("app_secret_123", "app_secret_456", "app_secret_of_another")


def sign(key: int, url: str, body: bytes, at: datetime) -> Webhook:
    """A webhook as Meta signs it."""
    mark = hmac.digest(SECRETS[key].encode(), body, "sha256").hex()
    headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={mark}"}
    return Webhook(url, headers, body, at)


def item(**content: Any) -> dict[str, Any]:
    """One thing that happened between the person and the account."""
    return {
        "sender": {"id": PERSON},
        "recipient": {"id": IG_ID},
        "timestamp": 1772452807123,
        **content,
    }


def message(**changes: Any) -> dict[str, Any]:
    """What the person wrote."""
    return item(message={"mid": MID, "text": BODY, **changes})


def echo() -> dict[str, Any]:
    """What we sent, as the person sees it."""
    ends = {"sender": {"id": IG_ID}, "recipient": {"id": PERSON}}
    return {**message(is_echo=True), **ends}


def body(*items: Mapping[str, Any], posted: int = 1) -> bytes:
    """A webhook's body."""
    entry = {"id": IG_ID, "time": 1772452807000 + posted, "messaging": items}
    return orjson.dumps({"object": "instagram", "entry": [entry]})


_RECEIPTS: Mapping[str, Mapping[str, Any]] = {
    "echo": echo(),
    "read": item(read={"mid": MID}),
    "teleported": item(teleported={"mid": MID}),
}


def _receipt(status: str, posted: int) -> bytes:
    return body(_RECEIPTS[status], posted=posted)


def _refusal(code: str, text: str) -> bytes:
    number, _, subcode = code.partition("/")
    error: dict[str, Any] = {"message": text, "type": "IGApiException", "fbtrace_id": "x"}
    error["code"] = int(number) if number.isdigit() else number
    error["error_subcode"] = int(subcode) if subcode.isdigit() else None
    return orjson.dumps({"error": error})


DIALECT = Dialect(
    accepted=orjson.dumps({"recipient_id": PERSON, "message_id": MID}),
    message_id=MID,
    refusal=_refusal,
    has_lookup=False,
    options={"ig_id": "me", "verify_token": "a-word-of-ours"},
    channel=Channel.INSTAGRAM_DM,
    to=PERSON,
    sender=IG_ID,
    hooks=Hooks(
        sign=sign,
        secrets=SECRETS[:2],
        receipt=_receipt,
        statuses={"echo": Event.ACCEPTED, "read": Event.DELIVERED},
        delivered="read",
        inbound=lambda _keyword: body(message()),
        from_=PERSON,
        to=IG_ID,
        signed_headers=("x-hub-signature-256",),
        challenge=(
            {
                "hub.mode": "subscribe",
                "hub.verify_token": "a-word-of-ours",
                "hub.challenge": "1158201444",
            },
            "1158201444",
        ),
    ),
)

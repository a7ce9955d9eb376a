"""Twilio on the wire: forms, signed with the address they are posted to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from messaging.domain.lifecycle import Event
from messaging.providers.base import Webhook
from tests.providers.conformance import BODY, FROM, SECRET, SID, TO, Dialect, Hooks

_KEYS = (SECRET, "the-next-auth-token", "the-token-of-somebody-else")


def _sign(key: int, url: str, body: bytes, at: datetime) -> Webhook:
    pairs = sorted(parse_qsl(body.decode(), keep_blank_values=True))
    data = url + "".join(name + value for name, value in pairs)
    mac = hmac.new(_KEYS[key].encode(), data.encode(), hashlib.sha1).digest()
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": base64.b64encode(mac).decode(),
    }
    return Webhook(url, headers, body, at)


def _receipt(status: str, _posted: int) -> bytes:
    fields = {"MessageSid": SID, "MessageStatus": status, "To": TO, "From": FROM, "NewToUs": "1"}
    return urlencode(fields).encode()


def _inbound(keyword: str | None) -> bytes:
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


def _same(one: bytes, other: bytes) -> bool:
    """Whether both are the same form."""
    pairs = [
        sorted(parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1"))
        for body in (one, other)
    ]
    return pairs[0] == pairs[1]


def _refusal(code: str, text: str) -> bytes:
    return json.dumps({"code": code, "message": text, "status": 400}).encode()


_LISTED = {
    "sid": SID,
    "status": "delivered",
    "direction": "outbound-api",
    "to": TO,
    "from": FROM,
    "body": BODY,
    "date_created": "Mon, 02 Mar 2026 12:00:03 +0000",
    "error_code": None,
}

DIALECT = Dialect(
    accepted=f'{{"sid": "{SID}", "status": "queued"}}'.encode(),
    accepted_status=201,
    refusal=_refusal,
    listing=json.dumps({"messages": [_LISTED], "next_page_uri": None}).encode(),
    empty_listing=b'{"messages": [], "next_page_uri": null}',
    fetched=json.dumps(_LISTED).encode(),
    hooks=Hooks(
        sign=_sign,
        secrets=(_KEYS[0], _KEYS[1]),
        receipt=_receipt,
        statuses={
            "accepted": Event.ACCEPTED,
            "scheduled": Event.ACCEPTED,
            "queued": Event.ACCEPTED,
            "sending": Event.ACCEPTED,
            "sent": Event.ACCEPTED,
            "partially_delivered": Event.ACCEPTED,
            "delivered": Event.DELIVERED,
            "read": Event.DELIVERED,
            "undelivered": Event.UNDELIVERED,
            "failed": Event.FAILED,
            "canceled": Event.FAILED,
        },
        inbound=_inbound,
        keywords=frozenset({"STOP", "START", "HELP"}),
        signs_url=True,
        signed_headers=("x-twilio-signature",),
        same=_same,
    ),
)

"""Vonage's SMS API on the wire: forms, which hold their own signature, and replies of many parts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import orjson

from messaging.domain.lifecycle import Event
from messaging.providers.base import Webhook
from tests.providers.conformance import BODY, FROM, REFERENCE, TO, Dialect, Hooks
from tests.providers.dialects.vonage import RECORD, listing

ID = "0A0000000123ABCD1"
KEYS = ("a-signature-secret", "the-next-signature-secret", "the-secret-of-somebody-else")


def sign(key: int, url: str, body: bytes, at: datetime) -> Webhook:
    """A webhook as Vonage signs it by default: MD5 over the parameters and the secret."""
    fields = {
        **dict(parse_qsl(body.decode(), keep_blank_values=True)),
        "timestamp": str(int(at.timestamp())),
        "nonce": f"nonce-{at:%M%S}",
    }
    text = "".join(
        f"&{name}={value.replace('&', '_').replace('=', '_')}"
        for name, value in sorted(fields.items())
    )
    mark = hashlib.md5((text + KEYS[key]).encode()).hexdigest()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return Webhook(url, headers, urlencode({**fields, "sig": mark}).encode(), at)


def fields(status: str, **changes: str) -> dict[str, str]:
    """What a delivery receipt says."""
    said = {
        "msisdn": TO[1:],
        "to": FROM[1:],
        "network-code": "310260",
        "messageId": ID,
        "price": "0.03330000",
        "status": status,
        "scts": "2603021200",
        "err-code": "0",
        "api-key": "abcd1234",
        "client-ref": REFERENCE,
        "new-to-us": "1",
    }
    return {**said, **{name.replace("_", "-"): value for name, value in changes.items()}}


def _receipt(status: str, posted: int) -> bytes:
    return urlencode(fields(status, message_timestamp=f"2026-03-02 12:00:0{posted}")).encode()


def inbound(_keyword: str | None = None, **changes: str) -> bytes:
    """The body of an inbound webhook."""
    said = {
        "api-key": "abcd1234",
        "msisdn": TO[1:],
        "to": FROM[1:],
        "messageId": ID,
        "text": BODY,
        "type": "text",
        "keyword": "STOP",
        "message-timestamp": "2026-03-02 12:00:01",
        "new-to-us": "1",
    }
    changed = {name.replace("_", "-"): value for name, value in changes.items()}
    return urlencode({**said, **changed}).encode()


def _same(one: bytes, other: bytes) -> bool:
    """Whether both hold the same parameters; the signature may be in letters of either size."""
    read = []
    for body in (one, other):
        pairs = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        read.append({**pairs, "sig": pairs.get("sig", "").lower()})
    return read[0] == read[1]


def parts(*entries: Mapping[str, str]) -> bytes:
    """A reply to a send, with an entry for each of its parts."""
    return orjson.dumps({"message-count": str(len(entries)), "messages": list(entries)})


def taken(message_id: str = ID) -> Mapping[str, str]:
    """A part that was taken."""
    return {"to": TO[1:], "message-id": message_id, "status": "0", "client-ref": REFERENCE}


_RECORD = {**RECORD, "message_id": ID}

DIALECT = Dialect(
    accepted=parts(taken()),
    message_id=ID,
    settings={"username": "abcd1234"},
    refusal=lambda code, text: parts({"status": code, "error-text": text}),
    listing=listing(_RECORD, {**_RECORD, "message_id": "0A0000000123ABCD2"}),
    empty_listing=listing(),
    fetched=listing(_RECORD),
    hooks=Hooks(
        sign=sign,
        secrets=(KEYS[0], KEYS[1]),
        receipt=_receipt,
        statuses={
            "accepted": Event.ACCEPTED,
            "buffered": Event.ACCEPTED,
            "unknown": Event.ACCEPTED,
            "delivered": Event.DELIVERED,
            "failed": Event.UNDELIVERED,
            "rejected": Event.UNDELIVERED,
            "expired": Event.UNDELIVERED,
        },
        inbound=inbound,
        signs_time=timedelta(minutes=5),
        same=_same,
    ),
)

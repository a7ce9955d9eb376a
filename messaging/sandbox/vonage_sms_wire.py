"""What does Vonage's legacy SMS API accept, refuse and show?

Pure functions between form fields and values. Whatever becomes of a request, the verdict is inside a 200.
Names, codes and limits are those of Vonage's published API description.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import md5
from typing import Any

from messaging.sandbox import segments
from messaging.sandbox.addresses import is_web
from messaging.sandbox.connection import Reply, json_reply
from messaging.sandbox.create import Create, correlation, referenced
from messaging.sandbox.ledger import Entry
from messaging.sandbox.vonage_wire import is_number, may_send, number

MAX_TEXT = 3200
MAX_CALLBACK = 100
"""The official client's limit; a longer address is `Invalid Callback Url`."""
MAX_REFERENCE = 40
TTL = range(20_000, 604_800_001)
"""Milliseconds."""
METHODS = ("md5hash", "md5", "sha1", "sha256", "sha512")
"""How an account's parameters are signed: the first hashes them with the secret, the others are HMACs."""

TEXTS = {
    "1": "Throughput Rate Exceeded - please wait [ 1000 ] and retry",
    "2": "Missing {} param",
    "3": "Invalid {} param",
    "4": "Bad Credentials",
    "5": "Internal Error",
    "12": "Message Too Long",
    "14": "Invalid Signature",
    "15": "Illegal Sender Address - rejected",
    "23": "Invalid Callback Url",
    "32": "Signature And API Secret Disallowed",
}
ENDS = {"2": "Absent Subscriber - Temporary", "9": "Illegal Number"}
"""Why a message ends undelivered; the second is how a STOP shows."""
_PRICE = "0.03330000"
_NETWORK = "12345"


def refusal(status: str, parameter: str = "") -> Reply:
    """A refusal: one entry, and HTTP 200."""
    entry = {"status": status, "error-text": TEXTS[status].format(parameter)}
    return json_reply(200, {"message-count": "1", "messages": [entry]})


def read_create(fields: Mapping[str, str], numbers: frozenset[str]) -> Create | Reply:
    """Checks a request to send: what is missing, the ends, the content, the options."""
    for name in ("to", "from", "text"):
        if not fields.get(name):
            return refusal("2", name)
    if not is_number(fields["to"]):
        return refusal("3", "to")
    if not may_send(fields["from"], numbers):
        return refusal("15")
    if len(fields["text"]) > MAX_TEXT:
        return refusal("12")
    return _options_problem(fields) or _created(fields)


def _created(fields: Mapping[str, str]) -> Create:
    callback, reference = fields.get("callback", ""), fields.get("client-ref", "")
    m, e = correlation(callback)
    if m is None:
        m, e = referenced(reference)
    body = fields["text"]
    if fields.get("type", "text") == "text":
        # What is not in the alphabet does not survive `text`: the caller must ask for `unicode`.
        body = "".join(c if c in segments.GSM else "?" for c in body)
    return Create(
        to=number(fields["to"]),
        sender=number(fields["from"]),
        service=None,
        body=body,
        media=0,
        callback=callback,
        m=m,
        e=e,
        flash=fields.get("message-class") == "0",
        reference=reference,
    )


def _options_problem(fields: Mapping[str, str]) -> Reply | None:
    if fields.get("type", "text") not in ("text", "unicode"):
        return refusal("3", "type")
    if fields.get("message-class", "0") not in ("0", "1", "2", "3"):
        return refusal("3", "message-class")
    ttl = fields.get("ttl", "259200000")
    # No longer than nine digits, so that no absurd number is ever converted.
    if not (ttl.isascii() and ttl.isdecimal() and len(ttl) <= 9 and int(ttl) in TTL):
        return refusal("3", "ttl")
    if len(fields.get("client-ref", "")) > MAX_REFERENCE:
        return refusal("3", "client-ref")
    if "callback" in fields and not is_web(fields["callback"], MAX_CALLBACK):
        return refusal("23")
    return None


def accepted(entry: Entry) -> dict[str, Any]:
    """One entry a part."""
    own = {"client-ref": entry.reference} if entry.reference else {}
    return {
        "message-count": str(len(entry.parts)),
        "messages": [
            {
                "to": entry.to.removeprefix("+"),
                "message-id": sid,
                "status": "0",
                "remaining-balance": "10.00000000",
                "message-price": _PRICE,
                "network": _NETWORK,
                **own,
            }
            for sid in entry.parts
        ],
    }


def receipt(entry: Entry, step: str, part: int, now: float) -> dict[str, str]:
    """The delivery receipt of one part, unsigned."""
    at = entry.sent_at if step == "sent" else entry.done_at
    found = {
        "msisdn": entry.to.removeprefix("+"),
        "to": (entry.sender or "").removeprefix("+"),
        "network-code": _NETWORK,
        "messageId": entry.parts[part],
        "price": _PRICE,
        "status": status_of(entry, step),
        "scts": datetime.fromtimestamp(at, UTC).strftime("%y%m%d%H%M"),
        "err-code": str(entry.error_code) if step == "undelivered" else "0",
        "api-key": entry.account,
        "message-timestamp": _date(now),
    }
    if entry.reference:
        found["client-ref"] = entry.reference
    return found


def status_of(entry: Entry, step: str) -> str:
    """Vonage's word for where a part is, by that of the ledger."""
    if step == "undelivered":
        return "rejected" if entry.error_code == "9" else "failed"
    return "delivered" if step == "delivered" else "accepted"


def inbound_parts(
    *, account: str, sender: str, to: str, body: str, ids: list[str], reference: str, at: float
) -> list[dict[str, str]]:
    """What somebody wrote, unsigned: one set of parameters a part, as parts come from the phone."""
    pieces = segments.pieces(body)
    found = []
    for index, (sid, text) in enumerate(zip(ids, pieces, strict=True)):
        words = text.split()
        part = {
            "api-key": account,
            "msisdn": sender.removeprefix("+"),
            "to": to.removeprefix("+"),
            "messageId": sid,
            "text": text,
            "type": "text" if set(body) <= segments.GSM else "unicode",
            "keyword": words[0].upper() if words else "",
            "message-timestamp": _date(at),
        }
        if len(pieces) > 1:
            part |= {
                "concat": "true",
                "concat-ref": reference,
                "concat-total": str(len(pieces)),
                "concat-part": str(index + 1),
            }
        found.append(part)
    return found


def sign(method: str, secret: str, parameters: Mapping[str, str]) -> str:
    """The signature of parameters (Vonage, "Signing messages"), in hex.

    Over `&name=value` in the order of the names, with `&` and `=` in values written as `_`.
    """
    text = "".join(
        f"&{name}={value.replace('&', '_').replace('=', '_')}"
        for name, value in sorted(parameters.items())
        if name != "sig"
    )
    if method == "md5hash":
        return md5((text + secret).encode(), usedforsecurity=False).hexdigest()
    return hmac.new(secret.encode(), text.encode(), method).hexdigest().upper()


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")

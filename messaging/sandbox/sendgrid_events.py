"""What does SendGrid's Event Webhook say of a mail?

The custom arguments stand among an event's own fields. An event's id depends on the mail and the event
alone, so that what is posted again is the same event.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import blake2b
from typing import Any

import orjson

from messaging.sandbox.ledger import Entry
from messaging.sandbox.sendgrid_wire import Wishes

BLOCKED = "blocked"
"""The type of a bounce that the recipient's server may take back."""
UNSUBSCRIBED = "Unsubscribed Address"
"""The reason for which a mail is dropped."""
_IP = "192.0.2.25"


def event(entry: Entry, step: str) -> bytes:
    """One event, in JSON."""
    wishes: Wishes = entry.extra
    found: dict[str, Any] = {
        **wishes.arguments,
        "email": entry.to,
        "timestamp": int(entry.sent_at if step == "sent" else entry.done_at),
        "smtp-id": f"<{entry.sid}@geopod-ismtpd-1>",
        "sg_event_id": _event_id(entry, step),
        "sg_message_id": f"{entry.sid}.recvd-5f54b5d587-x7k2p-1-{int(entry.at):X}-{entry.index:X}.0",
    }
    if wishes.categories:
        found["category"] = list(wishes.categories)
    return orjson.dumps(found | _happened(entry, step))


def _happened(entry: Entry, step: str) -> dict[str, Any]:
    if step == "sent":
        return {"event": "processed", "send_at": 0}
    if step == "delivered":
        return {"event": "delivered", "response": "250 2.0.0 OK", "ip": _IP, "tls": 1}
    if entry.error_code == UNSUBSCRIBED:
        return {"event": "dropped", "reason": UNSUBSCRIBED, "status": "5.0.0"}
    return {
        "event": "bounce",
        "type": BLOCKED,
        "bounce_classification": "Mailbox Unavailable",
        "reason": "452 4.2.2 The mailbox is full",
        "status": "4.2.2",
        "ip": _IP,
        "tls": 1,
    }


def _event_id(entry: Entry, step: str) -> str:
    digest = blake2b(f"{entry.sid}\x1f{step}".encode(), digest_size=18).digest()
    return urlsafe_b64encode(digest).decode()

"""What does Telnyx' Messages API (v2) accept, refuse and show?

Pure functions between JSON and values. Names, codes and limits are those of Telnyx' published API
description and error reference; what the two leave open is said where it is decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from messaging.sandbox import segments
from messaging.sandbox.addresses import ALPHANUMERIC, E164, is_sender, is_web, iso
from messaging.sandbox.connection import Reply, json_reply
from messaging.sandbox.create import Create, correlation
from messaging.sandbox.ids import derived
from messaging.sandbox.ledger import Entry

MAX_PARTS = 10
MAX_MEDIA = 10
MAX_URL = 2000
_QUEUE = 3600.0
"""Seconds after which a message still queued would be dropped."""
_COST = {"amount": "0.0040", "currency": "USD"}
_STATUSES = {
    "queued": "queued",
    "accepted": "queued",
    "sending": "sending",
    "sent": "sent",
    "delivered": "delivered",
    "undelivered": "delivery_failed",
    "canceled": "cancelled",
}
_TYPES: dict[str, type] = {
    "to": str,
    "from": str,
    "text": str,
    "type": str,
    "subject": str,
    "encoding": str,
    "messaging_profile_id": str,
    "webhook_url": str,
    "webhook_failover_url": str,
    "media_urls": list,
    "use_profile_webhooks": bool,
    "auto_detect": bool,
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a request asked for beside the message, shown again in it."""

    webhook_url: str | None
    failover_url: str | None
    profile: str
    subject: str | None
    media: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal in Telnyx' words."""

    code: str
    title: str
    detail: str
    status: int = 400
    pointer: str | None = None

    def shown(self) -> dict[str, Any]:
        """The entry of `errors`."""
        found: dict[str, Any] = {"code": self.code, "title": self.title, "detail": self.detail}
        if self.pointer is not None:
            found["source"] = {"pointer": self.pointer}
        found["meta"] = {"url": f"https://developers.telnyx.com/docs/overview/errors/{self.code}"}
        return found


UNREACHABLE = Problem("40008", "Undeliverable", "The recipient could not be reached.")
STOPPED = Problem("40300", "Blocked due to STOP message", "A block rule is in effect.")
UNAUTHORIZED = Problem(
    "10009", "Authentication failed", "The required credentials are missing or wrong.", 401
)
TOO_MANY = Problem("10011", "Too many requests", "The request limit was exceeded.", 429)
INTERNAL = Problem("10007", "Unexpected error", "An unexpected error occurred.", 500)
NOT_FOUND = Problem("10005", "Resource not found", "The resource does not exist.", 404)
NOT_SCHEDULED = Problem("10015", "Bad Request", "Only a scheduled message can be cancelled.")
BY_CODE = {problem.code: problem for problem in (UNREACHABLE, STOPPED)}


def problem_reply(problem: Problem, *headers: tuple[str, str]) -> Reply:
    """A refusal with one error."""
    return json_reply(problem.status, {"errors": [problem.shown()]}, *headers)


def _wrong(code: str, title: str, detail: str, field: str, status: int = 400) -> Problem:
    return Problem(code, title, detail, status, f"/{field}")


def read_create(body: bytes, numbers: frozenset[str]) -> Create | Problem:
    """Checks a request to send: its types, recipient, sender, content, webhooks."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Problem("10023", "Invalid JSON", "The body is not JSON.")
    if not isinstance(fields, dict):
        return Problem("10015", "Bad Request", "The body must be an object.")
    given = {name: value for name, value in fields.items() if value is not None}
    problem = (
        _type_problem(given)
        or _recipient_problem(given.get("to", ""))
        or _sender_problem(given, numbers)
        or _content_problem(given)
        or _webhook_problem(given)
    )
    return problem or _created(given)


def _created(given: dict[str, Any]) -> Create:
    media = tuple(given.get("media_urls", ()))
    callback = given.get("webhook_url", "")
    m, e = correlation(callback)
    wishes = Wishes(
        webhook_url=callback or None,
        failover_url=given.get("webhook_failover_url"),
        profile=given.get("messaging_profile_id", ""),
        subject=given.get("subject"),
        media=media,
    )
    return Create(
        to=given["to"],
        sender=given.get("from"),
        service=given.get("messaging_profile_id"),
        body=given.get("text", ""),
        media=len(media),
        callback=callback,
        m=m,
        e=e,
        kind="mms" if media or given.get("type") == "MMS" else "sms",
        extra=wishes,
    )


def _type_problem(given: dict[str, Any]) -> Problem | None:
    for name, kind in _TYPES.items():
        if name in given and not isinstance(given[name], kind):
            return _wrong("10015", "Bad Request", f"{name} has the wrong type.", name)
    if not all(isinstance(url, str) for url in given.get("media_urls", ())):
        return _wrong("10015", "Bad Request", "media_urls must be strings.", "media_urls")
    if given.get("type", "SMS") not in ("SMS", "MMS"):
        return _wrong("40319", "Incompatible message type", "type is SMS or MMS.", "type")
    if "send_at" in given:
        return _wrong("10015", "Bad Request", "The sandbox schedules nothing.", "send_at")
    return None


def _recipient_problem(to: str) -> Problem | None:
    if not to:
        return _wrong("10004", "Missing required parameter", "to is required.", "to", 422)
    if not E164.fullmatch(to):
        return _wrong("40310", "Invalid 'to' address", "It is not in E.164.", "to")
    return None


def _sender_problem(given: dict[str, Any], numbers: frozenset[str]) -> Problem | None:
    sender, profile = given.get("from"), given.get("messaging_profile_id")
    if sender is None:
        return (
            None if profile else _wrong("40305", "Invalid 'from' address", "It is missing.", "from")
        )
    if not is_sender(sender) or (numbers and sender not in numbers):
        return _wrong("40305", "Invalid 'from' address", "It cannot send.", "from")
    if ALPHANUMERIC.fullmatch(sender) and not profile:
        detail = "A name needs messaging_profile_id."
        return _wrong("40306", "Alpha sender not configured", detail, "from")
    return None


def _content_problem(given: dict[str, Any]) -> Problem | None:
    text, media = given.get("text", ""), given.get("media_urls", ())
    if not text and not media:
        return _wrong("40316", "No content provided", "Give text or media_urls.", "text")
    if media and given.get("type") == "SMS":
        detail = "An SMS has no media."
        return _wrong("40304", "Invalid combination of message content", detail, "media_urls")
    if len(media) > MAX_MEDIA:
        return _wrong("40317", "Invalid MMS content", "More than 10 addresses.", "media_urls")
    if not media and segments.count(text) > MAX_PARTS:
        return _wrong("40302", "Message too large", "More than 10 parts.", "text")
    if given.get("encoding") == "gsm7" and not set(text) <= segments.GSM:
        return _wrong("40009", "Invalid message body", "It does not fit GSM-7.", "text")
    return None


def _webhook_problem(given: dict[str, Any]) -> Problem | None:
    for name in ("webhook_url", "webhook_failover_url"):
        if name in given and not is_web(given[name], MAX_URL):
            return _wrong("10003", "Invalid URL", f"{name} is no web address.", name)
    return None


def message(entry: Entry, status: str) -> dict[str, Any]:
    """The message resource when it is `status` (a word of the ledger)."""
    wishes: Wishes = entry.extra
    final = status in ("delivered", "undelivered")
    gsm = set(entry.body) <= segments.GSM
    failed = BY_CODE[str(entry.error_code)].shown() if status == "undelivered" else None
    return {
        "record_type": "message",
        "direction": "outbound",
        "id": entry.sid,
        "type": entry.kind.upper(),
        "messaging_profile_id": wishes.profile or derived("profile", entry.account),
        "organization_id": derived("organization", entry.account),
        "from": {"phone_number": entry.sender or "", "carrier": "Sandbox", "line_type": "VoIP"},
        "to": [
            {
                "phone_number": entry.to,
                "status": _STATUSES[status],
                "carrier": "Sandbox",
                "line_type": "Wireless",
            }
        ],
        "cc": [],
        "text": entry.body,
        "subject": wishes.subject,
        "media": [
            {"url": url, "content_type": None, "sha256": None, "size": None} for url in wishes.media
        ],
        "webhook_url": wishes.webhook_url,
        "webhook_failover_url": wishes.failover_url,
        "encoding": "GSM-7" if gsm else "UCS-2",
        "smart_encoding_applied": False,
        "num_chars": len(entry.body),
        "parts": max(entry.segments, 1),
        "tags": [],
        "cost": _COST,
        "cost_breakdown": None,
        "tcr_campaign_id": None,
        "tcr_campaign_billable": False,
        "tcr_campaign_registered": None,
        "wait_seconds": 0.0,
        "received_at": iso(entry.at),
        "sent_at": iso(entry.sent_at) if final or status == "sent" else None,
        "completed_at": iso(entry.done_at) if final else None,
        "valid_until": iso(entry.at + _QUEUE),
        "errors": [] if failed is None else [failed],
    }


def inbound_message(
    *, sid: str, account: str, sender: str, to: str, body: str, media: tuple[str, ...], at: float
) -> dict[str, Any]:
    """The payload of `message.received`, without `autoresponse_type`."""
    return {
        "record_type": "message",
        "direction": "inbound",
        "id": sid,
        "type": "MMS" if media else "SMS",
        "messaging_profile_id": derived("profile", account),
        "organization_id": derived("organization", account),
        "from": {"phone_number": sender, "carrier": "Sandbox", "line_type": "Wireless"},
        "to": [
            {
                "phone_number": to,
                "status": "webhook_delivered",
                "carrier": "Sandbox",
                "line_type": "VoIP",
            }
        ],
        "cc": [],
        "text": body,
        "media": [{"url": url, "content_type": "image/png", "size": 1} for url in media],
        "encoding": "GSM-7" if set(body) <= segments.GSM else "UCS-2",
        "parts": max(segments.count(body), 1),
        "tags": [],
        "cost": None,
        "received_at": iso(at),
        "sent_at": None,
        "completed_at": None,
        "valid_until": None,
        "errors": [],
    }

"""What does Twilio's Messages API accept, refuse and answer?

Pure functions between form fields and values, and between values and JSON. Field names, codes and
limits are those of Twilio's published API description and error dictionary.
"""

from __future__ import annotations

import re
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from messaging.sandbox.addresses import E164, is_sender, is_web
from messaging.sandbox.connection import Reply, json_reply
from messaging.sandbox.create import Create, correlation
from messaging.sandbox.forms import fields_of
from messaging.sandbox.ledger import Entry
from messaging.sandbox.twilio_problems import (
    BODY_MISSING,
    BODY_TOO_LONG,
    CALLBACK_INVALID,
    FROM_INVALID,
    FROM_MISSING,
    FROM_NOT_OWNED,
    MAGIC_RECIPIENTS,
    MAGIC_SENDERS,
    MAGIC_VALID_SENDER,
    SERVICE_INVALID,
    TO_INVALID,
    TO_MISSING,
    TOO_MANY_MEDIA,
    VALIDITY_INVALID,
    Problem,
)

API_VERSION = "2010-04-01"
MAX_BODY_CHARACTERS = 1600
MAX_CALLBACK_CHARACTERS = 4000
MAX_MEDIA = 10
MAX_VALIDITY_SECONDS = 36_000

ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
_SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")


def read_create(body: bytes, numbers: frozenset[str]) -> Create | Problem:
    """Checks a request to send in Twilio's order: recipient, sender, content, options."""
    text_form = body.decode("utf-8", "replace")
    fields = fields_of(text_form)
    to = fields.get("To", "")
    sender = fields.get("From")
    service = fields.get("MessagingServiceSid")
    text = fields.get("Body", "")
    callback = fields.get("StatusCallback", "")
    media = f"&{text_form}".count("&MediaUrl=") if "MediaUrl" in fields else 0
    problem = (
        _recipient_problem(to)
        or _sender_problem(sender, service, numbers)
        or _content_problem(text, media, has_template="ContentSid" in fields)
        or _callback_problem(callback)
        or _validity_problem(fields.get("ValidityPeriod"))
    )
    if problem is not None:
        return problem
    m, e = correlation(callback)
    return Create(to, sender, service, text, media, callback, m, e, kind="mms" if media else "sms")


def _recipient_problem(to: str) -> Problem | None:
    if not to:
        return TO_MISSING
    if not E164.fullmatch(to):
        return TO_INVALID
    return MAGIC_RECIPIENTS.get(to) if to.startswith("+1500555") else None


def _sender_problem(
    sender: str | None, service: str | None, numbers: frozenset[str]
) -> Problem | None:
    if service is not None and not _SERVICE_SID.fullmatch(service):
        return SERVICE_INVALID
    if sender is None:
        return FROM_MISSING if service is None else None
    if sender in MAGIC_SENDERS:
        return MAGIC_SENDERS[sender]
    if sender in numbers or sender == MAGIC_VALID_SENDER:
        return None
    if not is_sender(sender):
        return FROM_INVALID
    return FROM_NOT_OWNED if numbers else None


def _content_problem(text: str, media: int, *, has_template: bool) -> Problem | None:
    if not text and not media and not has_template:
        return BODY_MISSING
    if len(text) > MAX_BODY_CHARACTERS:
        return BODY_TOO_LONG
    return TOO_MANY_MEDIA if media > MAX_MEDIA else None


def _callback_problem(callback: str) -> Problem | None:
    if not callback:
        return None
    return None if is_web(callback, MAX_CALLBACK_CHARACTERS) else CALLBACK_INVALID


def _validity_problem(seconds: str | None) -> Problem | None:
    if seconds is None:
        return None
    # No longer than five digits, so that no absurd number is ever converted.
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= 5):
        return VALIDITY_INVALID
    return None if 1 <= int(seconds) <= MAX_VALIDITY_SECONDS else VALIDITY_INVALID


@lru_cache(maxsize=64)
def _date_of_second(second: int) -> str:
    return formatdate(second, usegmt=False).replace("-0000", "+0000")


def rfc2822(at: float) -> str:
    """A time as in `Fri, 20 Nov 2026 16:00:00 +0000`; `at` is in seconds since 1970."""
    return _date_of_second(int(at))


def message(entry: Entry, now: float) -> dict[str, Any]:
    """The Message resource at `now`."""
    status = entry.status(now)
    sent = now >= entry.sent_at and not entry.canceled
    updated = entry.updated_at or (
        entry.done_at if now >= entry.done_at else entry.sent_at if sent else entry.at
    )
    uri = f"/{API_VERSION}/Accounts/{entry.account}/Messages/{entry.sid}"
    failed = status == "undelivered"
    return {
        "body": entry.body,
        "num_segments": str(entry.segments) if entry.service is None else "0",
        "direction": "outbound-api",
        "from": entry.sender,
        "to": entry.to,
        "date_updated": rfc2822(updated),
        "price": None,
        "error_message": "Unreachable destination handset" if failed else None,
        "uri": uri + ".json",
        "account_sid": entry.account,
        "num_media": str(entry.media),
        "status": status,
        "messaging_service_sid": entry.service,
        "sid": entry.sid,
        "date_sent": rfc2822(entry.sent_at) if sent else None,
        "date_created": rfc2822(entry.at),
        "error_code": entry.error_code if failed else None,
        "price_unit": "USD",
        "api_version": API_VERSION,
        "subresource_uris": {"media": uri + "/Media.json"},
    }


def problem_reply(problem: Problem, *headers: tuple[str, str]) -> Reply:
    """A refusal; never has `type` or `title`, by which the official client tells another format."""
    value = {
        "code": problem.code,
        "message": problem.message,
        "more_info": f"https://www.twilio.com/docs/errors/{problem.code}",
        "status": problem.status,
    }
    return json_reply(problem.status, value, *headers)


def not_found(path: str) -> Reply:
    """20404 for a path nobody serves, or of another account."""
    return problem_reply(Problem(20404, f"The requested resource {path} was not found", 404))

"""What does Vonage's Messages API (v1) accept, refuse and show?

Pure functions between JSON and values, for the channels `sms` and `mms`. Names, codes and limits are those
of Vonage's published API description; of two limits it gives for one thing the smaller one stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from messaging.sandbox.addresses import ALPHANUMERIC, is_web, iso
from messaging.sandbox.create import Create, correlation, referenced
from messaging.sandbox.ids import derived
from messaging.sandbox.ledger import Entry
from messaging.sandbox.vonage_problems import (
    CHANNEL,
    DOCUMENTED,
    INVALID_JSON,
    MAX_REFERENCE,
    MESSAGE_TYPE,
    RECIPIENT,
    REFERENCE,
    SENDER,
    Problem,
    wrong,
)

MAX_TEXT = 1000
MAX_URL = 2000
MMS_TTL = range(300, 259_201)
_DIGITS = re.compile(r"[1-9][0-9]{6,14}")
_SHORT_CODE = re.compile(r"[0-9]{3,6}")
_MEDIA = ("image", "vcard", "audio", "video", "file")
_TYPES = {"sms": ("text",), "mms": ("text", *_MEDIA, "content")}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a request asked for beside the message."""

    channel: str
    application: str
    """Named by the token that came with it; empty without one."""


ENDS = {
    "1180": "Absent Subscriber Temporary",
    "1240": "Illegal Number - the user has asked not to receive messages",
}
"""Why a message ends undelivered; the second is how a STOP shows."""


def number(text: str) -> str:
    """A number with the plus sign that Vonage leaves out; names and short codes as they are."""
    return f"+{text}" if _DIGITS.fullmatch(text) else text


def is_number(text: str) -> bool:
    """Whether this is a number as Vonage writes it: 7 to 15 digits."""
    return _DIGITS.fullmatch(text) is not None


def may_send(text: str, numbers: frozenset[str]) -> bool:
    """Whether this may be a sender: a number, a short code or a name, and one that is owned."""
    known = _DIGITS.fullmatch(text) or _SHORT_CODE.fullmatch(text) or ALPHANUMERIC.fullmatch(text)
    return bool(known) and (not numbers or number(text) in numbers)


def read_create(body: bytes, numbers: frozenset[str], application: str) -> Create | Problem:
    """Checks a request to send: channel, type, recipient, sender, content, options."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        return INVALID_JSON
    if not isinstance(given, dict):
        return INVALID_JSON
    channel, kind = given.get("channel"), given.get("message_type")
    if not isinstance(channel, str) or channel not in _TYPES:
        return CHANNEL
    if kind not in _TYPES[channel]:
        return MESSAGE_TYPE
    problem = (
        _ends_problem(given, numbers) or _content_problem(given, kind) or _options_problem(given)
    )
    return problem or _created(given, application)


def _created(given: dict[str, Any], application: str) -> Create:
    callback, reference = given.get("webhook_url", ""), given.get("client_ref", "")
    m, e = correlation(callback)
    if m is None:
        m, e = referenced(reference)
    media = _addresses(given)
    return Create(
        to=number(given["to"]),
        sender=number(given["from"]),
        service=None,
        body=given.get("text", "") or _caption(given),
        media=len(media),
        callback=callback,
        m=m,
        e=e,
        kind=given["channel"],
        reference=reference,
        extra=Wishes(given["channel"], application),
    )


def _ends_problem(given: dict[str, Any], numbers: frozenset[str]) -> Problem | None:
    to, sender = given.get("to"), given.get("from")
    if not isinstance(to, str) or not is_number(to):
        return RECIPIENT
    return None if isinstance(sender, str) and may_send(sender, numbers) else SENDER


def _content_problem(given: dict[str, Any], kind: str) -> Problem | None:
    if kind != "text":
        good = all(isinstance(url, str) and is_web(url, MAX_URL) for url in _addresses(given))
        return None if good and _addresses(given) else wrong(f"{kind}.url", "is required.")
    text = given.get("text")
    if not isinstance(text, str) or not text:
        return wrong("text", "is required.")
    if len(text) > MAX_TEXT:
        return wrong("text", f"length must be at most {MAX_TEXT} characters.")
    return None


def _options_problem(given: dict[str, Any]) -> Problem | None:
    reference = given.get("client_ref", "")
    if not isinstance(reference, str) or len(reference) > MAX_REFERENCE:
        return REFERENCE
    if "webhook_url" in given:
        url = given["webhook_url"]
        if not isinstance(url, str) or not is_web(url, MAX_URL):
            return wrong("webhook_url", "must be a URL.")
    if given.get("webhook_version", "v1") != "v1":
        return wrong("webhook_version", "the sandbox posts v1 only.")
    if given.get("failover"):
        return wrong("failover", "the sandbox sends one message a request.")
    return _ttl_problem(given)


def _ttl_problem(given: dict[str, Any]) -> Problem | None:
    ttl = given.get("ttl", 600)
    if isinstance(ttl, bool) or not isinstance(ttl, int) or ttl < 1:
        return wrong("ttl", "must be a number of seconds.")
    if given["channel"] == "mms" and ttl not in MMS_TTL:
        return wrong("ttl", "must be between 300 and 259200.")
    return None


def _files(given: dict[str, Any]) -> list[Any]:
    """The files of a message that is not text alone, as given."""
    kind = given["message_type"]
    found = given.get(kind) if kind != "text" else []
    return found if isinstance(found, list) else [found]


def _addresses(given: dict[str, Any]) -> list[Any]:
    return [each.get("url") if isinstance(each, dict) else None for each in _files(given)]


def _caption(given: dict[str, Any]) -> str:
    """The text beside a file."""
    captions = (each.get("caption") for each in _files(given) if isinstance(each, dict))
    return next((text for text in captions if isinstance(text, str)), "")


def status_webhook(entry: Entry, step: str) -> dict[str, Any]:
    """The body of a status webhook."""
    wishes: Wishes = entry.extra
    final = step != "sent"
    found: dict[str, Any] = {
        "message_uuid": entry.sid,
        "to": entry.to.removeprefix("+"),
        "from": (entry.sender or "").removeprefix("+"),
        "timestamp": iso(entry.done_at if final else entry.sent_at, milliseconds=False),
        "status": status_of(entry, step),
        "channel": wishes.channel,
        "usage": {"currency": "EUR", "price": "0.0333"},
        "destination": {"network_code": "12345"},
    }
    if wishes.channel == "sms":
        found["sms"] = {"count_total": str(entry.segments)}
    if entry.reference:
        found["client_ref"] = entry.reference
    if step == "undelivered":
        code = str(entry.error_code)
        found["error"] = {
            "type": f"{DOCUMENTED}#{code}",
            "title": code,
            "detail": ENDS[code],
            "instance": derived(entry.sid, code).replace("-", ""),
        }
    return found


def status_of(entry: Entry, step: str) -> str:
    """Vonage's word for where a message is, by that of the ledger."""
    if step == "undelivered":
        return "rejected" if entry.error_code == "1240" else "undeliverable"
    return "delivered" if step == "delivered" else "submitted"


def inbound_webhook(
    *, sid: str, sender: str, to: str, body: str, media: tuple[str, ...], parts: int, at: float
) -> dict[str, Any]:
    """The body of the webhook that tells of what somebody wrote."""
    found: dict[str, Any] = {
        "channel": "mms" if media else "sms",
        "message_uuid": sid,
        "to": to.removeprefix("+"),
        "from": sender.removeprefix("+"),
        "timestamp": iso(at, milliseconds=False),
        "origin": {"network_code": "12345"},
    }
    if media:
        found["message_type"] = "image"
        found["image"] = {"url": media[0], "name": media[0].rpartition("/")[2]}
        if body:
            found["image"]["caption"] = body
        if len(media) > 1:
            found["content"] = [{"type": "image", "url": url} for url in media]
        return found
    found["text"] = body
    # The first word, not the message: it says nothing of an opt-out.
    words = body.split()
    found["sms"] = {"num_messages": str(parts), "keyword": words[0].upper() if words else ""}
    found["usage"] = {"currency": "EUR", "price": "0.0333"}
    return found

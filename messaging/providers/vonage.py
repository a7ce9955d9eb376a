"""How does Vonage's Messages API (v1) carry an SMS or MMS: the send, its reply, and its webhooks, as values.

Vonage offers no idempotent send, but repeats our reference in receipts and in its records: a send of
unknown outcome is settled by either. The older SMS API is `vonage_sms`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import httpx
import jwt
import orjson

from messaging.domain.failures import Accepted, Failure, Kind, Outcome
from messaging.domain.lifecycle import Event
from messaging.domain.message import Channel, ProviderAccount
from messaging.providers import (
    failure_tables,
    posting,
    replies,
    vonage_numbers,
    vonage_reports,
    vonage_signature,
)
from messaging.providers.base import (
    Abilities,
    DeliveryReport,
    Doubt,
    Option,
    Outbound,
    Provider,
    RawEvent,
    Sighting,
    Webhook,
)
from messaging.providers.vonage_errors import ASYNC, BLAMELESS, SYNC
from messaging.providers.vonage_inbound import inbound

_PRODUCT = "MESSAGES"
_TOKEN_EVERY, _TOKEN_LIVES = 300, 900
"""Seconds: how long a token is used, and how long it is good for."""
_TTL = {Channel.SMS: (20, 604_800), Channel.MMS: (300, 259_200)}
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_CODE = re.compile(r"[0-9]{1,6}")

# A receipt of any kind proves that Vonage took the message.
_EVENTS = {
    "submitted": Event.ACCEPTED,
    "delivered": Event.DELIVERED,
    "read": Event.DELIVERED,
    "undeliverable": Event.UNDELIVERED,
    "rejected": Event.FAILED,
}
_FILES = {
    "image": {"jpg", "jpeg", "png", "gif", "bmp"},
    "audio": {"mp3", "amr", "mid", "midi", "wav", "ac3"},
    "video": {"mp4", "3gp", "3pg", "avi", "mpg", "mpeg"},
    "vcard": {"vcf"},
}
_BAD_PARAMETERS = {
    "to": SYNC["#recipient"],
    "from": SYNC["#1120"],
}
"""Whose fault it is when a parameter is not valid."""


@lru_cache(maxsize=1024)
def _endpoint(base_url: str, username: str, secret: str) -> tuple[httpx.URL, posting.Headers]:
    url = httpx.URL(base_url.rstrip("/") + "/v1/messages")
    return url, [(b"Host", url.netloc), (b"Authorization", posting.basic(username, secret))]


@lru_cache(maxsize=1024)
def _token(application: str, private_key: str, issued: int) -> str | None:
    """A token of an application; None if its key is none, so that the account's secret must do."""
    name = blake2b(f"{application}@{issued}".encode(), digest_size=16).hexdigest()
    claims = {"application_id": application, "iat": issued, "exp": issued + _TOKEN_LIVES}
    try:
        return jwt.encode({**claims, "jti": name}, private_key, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError):
        return None


def _headers(account: ProviderAccount, out: Outbound, basic: posting.Headers) -> posting.Headers:
    application, key = (account.options.get(name) for name in ("application_id", "private_key"))
    if not application or not key or out.at is None:
        return [*basic, *posting.JSON]
    now = int(out.at.timestamp())
    token = _token(application, key, now - now % _TOKEN_EVERY)
    if token is None:
        return [*basic, *posting.JSON]
    return [basic[0], (b"Authorization", f"Bearer {token}".encode()), *posting.JSON]


def request(account: ProviderAccount, out: Outbound) -> httpx.Request:
    """The one POST that sends `out`."""
    url, basic = _endpoint(account.base_url, account.username, account.secret)
    message: dict[str, Any] = {
        "channel": "mms" if out.channel is Channel.MMS else "sms",
        "to": vonage_numbers.theirs(out.to),
        "from": vonage_numbers.theirs(out.sender),
        **_content(out),
        "client_ref": out.reference,
        "webhook_url": out.callback_url,
        "webhook_version": "v1",
    }
    if out.validity is not None:
        shortest, longest = _TTL.get(out.channel, _TTL[Channel.SMS])
        message["ttl"] = min(max(int(out.validity.total_seconds()), shortest), longest)
    return posting.post(url, _headers(account, out, basic), orjson.dumps(message))


def _content(out: Outbound) -> dict[str, Any]:
    """The text, or the files with the text below the first."""
    files = [
        {"type": _file_type(url), "url": url} for url in (out.parts.media if out.parts else ())
    ]
    if not files:
        return {"message_type": "text", "text": out.body}
    if out.body:
        files[0]["caption"] = out.body
    if len(files) > 1:
        return {"message_type": "content", "content": files}
    kind = files[0].pop("type")
    return {"message_type": kind, kind: files[0]}


def _file_type(url: str) -> str:
    ending = url.partition("#")[0].partition("?")[0].rpartition(".")[2].lower()
    return next((kind for kind, endings in _FILES.items() if ending in endings), "file")


def outcome(response: httpx.Response) -> Outcome:
    """What Vonage's reply to a send says became of it."""
    reply, status = replies.json_object(response), response.status_code
    if 200 <= status < 300:
        name = replies.word(reply.get("message_uuid"), 65)
        if _ID.fullmatch(name):
            return Accepted(name, "submitted")
        return Failure(Kind.AMBIGUOUS, "unreadable", "Vonage's reply names no message.")
    if status == 429:
        return replace(SYNC["http_429"], retry_after=replies.retry_after(response.headers))
    # 429 and 500 share a problem's address: the status comes first.
    if status == 408 or status >= 500:
        return replace(SYNC["http_500"], code=f"http_{status}")
    known = SYNC.get(f"http_{status}") or _problem(reply)
    if known is not None:
        return known
    detail = "Vonage refused the request without a reason known to Posthorn."
    return Failure(Kind.CONFIG, f"http_{status}", detail)


def _problem(reply: Mapping[str, Any]) -> Failure | None:
    """The refusal a problem document (RFC 9457) describes; None if we do not know it."""
    if replies.word(reply.get("title")).lower().startswith("invalid recipient"):
        return SYNC["#recipient"]
    known = SYNC.get("#" + replies.word(reply.get("type"), 200).rpartition("#")[2])
    if known is not None and known.code in {"#1110", "#1150"}:
        names = [
            replies.word(p.get("name")) for p in replies.objects(reply.get("invalid_parameters"))
        ]
        return next((_BAD_PARAMETERS[name] for name in names if name in _BAD_PARAMETERS), known)
    return known


def lookup(account: ProviderAccount, doubt: Doubt) -> httpx.Request:
    """The GET that lists what the account sent about the time of a doubtful attempt."""
    return vonage_reports.lookup(account, doubt, _PRODUCT)


def sightings(response: httpx.Response, doubt: Doubt) -> list[Sighting] | None:
    """The attempt, if the list has it; None if the list proves nothing."""
    return vonage_reports.sightings(response, doubt, _record)


def fetch(account: ProviderAccount, provider_message_id: str) -> httpx.Request:
    """The GET that asks for one message."""
    return vonage_reports.fetch(account, provider_message_id, _PRODUCT)


def fetched(response: httpx.Response) -> DeliveryReport | None:
    """What a message looked up by its id says of itself."""
    return vonage_reports.fetched(response, _record)


def _record(record: Mapping[str, Any]) -> DeliveryReport | None:
    at = record.get("date_finalized") or record.get("date_received")
    return _read(
        record.get("message_id"),
        record.get("status"),
        record.get("error_code"),
        record.get("client_ref"),
        at,
    )


def events(webhook: Webhook) -> list[RawEvent]:
    """The one event of a webhook; Vonage gives it no name, but never says the same twice at one time."""
    said = replies.json_fields(webhook.body)
    parts = [said.get(name) for name in ("message_uuid", "status", "timestamp")]
    if all(isinstance(part, str) and part for part in parts):
        return [RawEvent(":".join(map(str, parts)), webhook.body)]
    return [RawEvent(blake2b(webhook.body, digest_size=16).hexdigest(), webhook.body)]


def report(webhook: Webhook) -> DeliveryReport | None:
    """The receipt in a status webhook; None for anything else, such as an inbound message."""
    said = replies.json_fields(webhook.body)
    error = replies.fields(said.get("error"))
    fragment = replies.word(error.get("type"), 200).rpartition("#")[2]
    code = error.get("title") if _code(error.get("title")) else fragment
    return _read(
        said.get("message_uuid"),
        said.get("status"),
        code,
        said.get("client_ref"),
        said.get("timestamp"),
    )


def _read(
    name: object, status: object, code: object, reference: object, at: object
) -> DeliveryReport | None:
    """What a receipt or a record says; None if it names no message or no status."""
    name, status, code = replies.word(name, 65), replies.word(status), _code(code)
    if not _ID.fullmatch(name) or not status:
        return None
    known = ASYNC.get(code or "")
    return DeliveryReport(
        provider_message_id=name,
        event=failure_tables.refined(_EVENTS.get(status), known),
        provider_status=status,
        code=code,
        detail=known.detail if known else None,
        reference=replies.word(reference) or None,
        at=replies.moment(at),
    )


def _code(value: object) -> str | None:
    """An error's number as text; 0 means none."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if _CODE.fullmatch(text) and int(text) else None


PROVIDER = Provider(
    name="vonage",
    base_url="https://api.nexmo.com",
    abilities={
        Channel.SMS: Abilities(max_body=1000, validity=True),
        Channel.MMS: Abilities(max_body=1000, media=10, validity=True),
    },
    username="API key",
    options=(
        Option("application_id", "The application whose webhooks are signed; needs private_key."),
        Option("private_key", "The application's private key, as PEM.", secret=True),
    ),
    request=request,
    outcome=outcome,
    lookup=lookup,
    sightings=sightings,
    absence_proof=timedelta(minutes=30),
    fetch=fetch,
    fetched=fetched,
    verify=vonage_signature.messages,
    report=report,
    events=events,
    inbound=inbound,
    dead_numbers=frozenset({"1170", "1190"}),
    filtered=frozenset({"1210"}),
    blameless=BLAMELESS,
)

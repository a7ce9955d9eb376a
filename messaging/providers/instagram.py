"""How does Instagram carry a direct message: the send, its reply, and its webhooks, as values.

Meta offers no idempotent send, no reference of ours and no address for receipts. A send of unknown outcome
is settled by nothing certain: an echo names a message, but not the attempt. A person may be written to for
24 hours after they wrote. Source: Instagram's API with Instagram Login.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from messaging.domain.failures import Accepted, Failover, Failure, Kind, Outcome
from messaging.domain.message import Channel, ProviderAccount
from messaging.providers import instagram_errors, posting, replies
from messaging.providers.base import Abilities, Option, Outbound, Provider
from messaging.providers.instagram_errors import SYNC
from messaging.providers.instagram_inbound import events, inbound, report
from messaging.providers.instagram_signature import challenge, verify

_LONGEST = 1000
"""Bytes: one of Meta's pages says characters, but bytes are what it was seen to count."""
_VERSION = "v25.0"
_ID = re.compile(r"[!-~]{1,400}")


@lru_cache(maxsize=1024)
def _endpoint(
    base_url: str, version: str, ig_id: str, secret: str
) -> tuple[httpx.URL, posting.Headers]:
    """Where an account's messages are posted, and the headers every request has."""
    path = f"/{quote(version, safe='')}/{quote(ig_id, safe='')}/messages"
    url = httpx.URL(base_url.rstrip("/") + path)
    return url, [(b"Host", url.netloc), (b"Authorization", f"Bearer {secret}".encode())]


def request(account: ProviderAccount, out: Outbound) -> httpx.Request:
    """The one POST that sends `out`: its text, or its picture."""
    version = account.options.get("version") or _VERSION
    ig_id = account.options.get("ig_id") or "me"
    url, headers = _endpoint(account.base_url, version, ig_id, account.secret)
    message: dict[str, Any] = {"text": out.body.encode(errors="replace").decode()}
    if out.parts is not None and out.parts.media:
        message = {"attachment": {"type": "image", "payload": {"url": out.parts.media[0]}}}
    content = orjson.dumps({"recipient": {"id": out.to}, "message": message})
    return posting.post(url, [*headers, *posting.JSON], content)


def refuses(out: Outbound) -> Failure | None:
    """Why Instagram cannot carry a message whose characters are few enough."""
    pictures = len(out.parts.media) if out.parts is not None else 0
    if pictures and out.body:
        detail = "Instagram takes a text or a picture in one message, not both."
        return Failure(Kind.CONFIG, "text_with_media", detail, failover=Failover.OTHER_PROVIDER)
    if len(out.body.encode(errors="replace")) > _LONGEST:
        detail = f"Instagram takes at most {_LONGEST} bytes of text."
        return Failure(Kind.CONFIG, "too_long", detail, failover=Failover.OTHER_PROVIDER)
    return None


def outcome(response: httpx.Response) -> Outcome:
    """What Meta's reply to a send says became of it; even one with 200 may hold an error."""
    reply, status = replies.json_object(response), response.status_code
    error = replies.fields(reply.get("error"))
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    known = instagram_errors.find(code, subcode)
    if 200 <= status < 300 and not error:
        name = replies.word(reply.get("message_id"), 401)
        if _ID.fullmatch(name):
            return Accepted(name, "sent")
        return Failure(Kind.AMBIGUOUS, "unreadable", "Meta's reply names no message.")
    if status == 429:
        limited = known if known and known.kind is Kind.RATE_LIMITED else SYNC["4"]
        return replace(limited, retry_after=replies.retry_after(response.headers))
    if known is not None:
        return known
    if 300 <= status < 500 and status != 408:
        detail = "Meta refused the request without a reason known to Posthorn."
        return Failure(Kind.CONFIG, str(code) if code else f"http_{status}", detail)
    detail = "Meta failed; it may have sent the message."
    return Failure(Kind.AMBIGUOUS, str(code) if code else f"http_{status}", detail)


def _number(value: object) -> int | None:
    """A code, which is a positive number of at most nine digits."""
    is_code = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9
    return value if is_code and isinstance(value, int) else None


PROVIDER = Provider(
    name="instagram",
    base_url="https://graph.instagram.com",
    abilities={Channel.INSTAGRAM_DM: Abilities(max_body=_LONGEST, media=1)},
    request=request,
    outcome=outcome,
    refuses=refuses,
    verify=verify,
    events=events,
    report=report,
    inbound=inbound,
    mixed=True,
    challenge=challenge,
    options=(
        Option("ig_id", "the account's own id, its Instagram professional account", required=True),
        Option(
            "verify_token",
            "the word that Meta asks for when it is given the webhook's address",
            required=True,
            secret=True,
        ),
        Option("version", f"of the Graph API, {_VERSION} unless said otherwise"),
    ),
    dead_numbers=instagram_errors.DEAD,
)

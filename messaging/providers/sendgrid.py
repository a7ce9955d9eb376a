"""How does SendGrid (API v3) carry an e-mail: the send, its reply, and its webhooks, as values.

SendGrid offers no idempotent send and, without a paid add-on, no look-up. A send of unknown outcome is
settled by its events, which give our reference back. Sources: SendGrid's API description and guides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import httpx
import orjson

from messaging.domain.failures import Accepted, Failure, Kind, Outcome
from messaging.domain.mail_headers import safe
from messaging.domain.message import Channel, Parts, ProviderAccount
from messaging.providers import mime, posting, replies, sendgrid_signature
from messaging.providers.base import Abilities, Outbound, Provider
from messaging.providers.sendgrid_errors import BLAMELESS, DEAD, FILTERED, SYNC, refusal
from messaging.providers.sendgrid_events import ARGUMENT, events, report
from messaging.providers.sendgrid_inbound import inbound

_ID = re.compile(r"[A-Za-z0-9._-]{1,120}")
_LONGEST_WAIT = timedelta(days=1)


@lru_cache(maxsize=1024)
def _endpoint(base_url: str, secret: str) -> tuple[httpx.URL, posting.Headers]:
    """Where an account's mail is posted, and the headers every request has."""
    url = httpx.URL(base_url.rstrip("/") + "/v3/mail/send")
    return url, [(b"Host", url.netloc), (b"Authorization", f"Bearer {secret}".encode())]


def request(account: ProviderAccount, out: Outbound) -> httpx.Request:
    """The one POST that sends `out`."""
    url, headers = _endpoint(account.base_url, account.secret)
    parts = out.parts or Parts()
    texts = (("text/plain", out.body), ("text/html", parts.html or ""))
    mail: dict[str, Any] = {
        "personalizations": [
            {
                "to": [{"email": mime.address(out.to)}],
                "custom_args": {ARGUMENT: mime.reference(out)},
            }
        ],
        "from": _mailbox(out.sender, parts.from_name),
        "content": [{"type": kind, "value": _clean(text)} for kind, text in texts if text],
        "headers": mime.extra_headers(out),
    }
    if parts.subject:
        mail["subject"] = _clean(safe(parts.subject))
    if parts.reply_to and mime.address(parts.reply_to):
        mail["reply_to"] = _mailbox(parts.reply_to, None)
    return posting.post(url, [*headers, *posting.JSON], orjson.dumps(mail))


def _mailbox(address: str, name: str | None) -> dict[str, str]:
    written = {"email": mime.address(address)}
    return {**written, "name": _clean(safe(name))} if name else written


def _clean(text: str) -> str:
    """The text as UTF-8 can hold it."""
    return text.encode(errors="replace").decode()


def outcome(response: httpx.Response) -> Outcome:
    """What SendGrid's reply to a send says became of it; a good one has no body, and 200 in its sandbox."""
    status = response.status_code
    if 200 <= status < 300:
        name = response.headers.get("x-message-id", "")
        if _ID.fullmatch(name):
            return Accepted(name, "sandbox" if status == 200 else "accepted")
        return Failure(Kind.AMBIGUOUS, "unreadable", "SendGrid's reply names no message.")
    if status == 429:
        return replace(SYNC["http_429"], retry_after=_wait(response.headers))
    if 400 <= status < 500 and status != 408:
        known = refusal(status, replies.json_object(response))
        detail = "SendGrid refused the request without a reason known to Posthorn."
        return known or Failure(Kind.CONFIG, f"http_{status}", detail)
    if 300 <= status < 400:
        return Failure(Kind.CONFIG, f"http_{status}", "The base URL leads to a redirect.")
    detail = "SendGrid failed; it may have taken the message."
    return Failure(Kind.AMBIGUOUS, f"http_{status}", detail)


def _wait(headers: Mapping[str, str]) -> timedelta | None:
    """How long until the limit is lifted: a time in seconds since 1970, against the reply's own date."""
    asked = replies.retry_after(httpx.Headers(headers))
    reset, now = headers.get("x-ratelimit-reset", "").strip(), replies.date(headers.get("date"))
    if asked is not None or now is None or not (reset.isascii() and reset.isdigit()):
        return asked
    try:
        until = datetime.fromtimestamp(int(reset[:11]), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return min(max(until - now, timedelta()), _LONGEST_WAIT)


PROVIDER = Provider(
    name="sendgrid",
    base_url="https://api.sendgrid.com",
    abilities={Channel.EMAIL: Abilities(max_body=mime.LONGEST_BODY)},
    request=request,
    outcome=outcome,
    refuses=mime.refuses,
    verify=sendgrid_signature.verify,
    events=events,
    report=report,
    inbound=inbound,
    dead_numbers=DEAD,
    filtered=FILTERED,
    blameless=BLAMELESS,
)

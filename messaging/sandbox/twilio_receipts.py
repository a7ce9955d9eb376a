"""What does Twilio post when a message moves on or somebody writes, how signed, and how often again?"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime

from messaging.sandbox import segments
from messaging.sandbox.dialect import EVERYTHING, RetryPolicy, Said
from messaging.sandbox.forms import FORM, encode
from messaging.sandbox.ledger import Entry
from messaging.sandbox.posting import Posting
from messaging.sandbox.twilio_wire import API_VERSION

AS_TWILIO = RetryPolicy(1, frozenset({"ct"}))
_FRAGMENT_RETRIES = re.compile(r"(?:^|&)rc=([0-5])(?:&|$)")
_FRAGMENT_POLICY = re.compile(r"(?:^|&)rp=([a-z0-9,]+)(?:&|$)")
_KEYWORDS = {
    "STOP": frozenset(
        {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
    ),
    "START": frozenset({"START", "YES", "UNSTOP"}),
    "HELP": frozenset({"HELP", "INFO"}),
}
"""Twilio's own lists, for a whole message, in whatever case."""


def sign(token: str, url: str, parameters: Iterable[tuple[str, str]]) -> str:
    """Twilio's signature of a form post, in base64.

    HMAC-SHA1 over the URL without its fragment and, in the order of their names, every parameter's
    name and distinct values (Twilio, "Webhooks security").
    """
    text = url.partition("#")[0] + "".join(n + v for n, v in sorted(set(parameters)))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


def retry_policy(callback: str, default: RetryPolicy) -> RetryPolicy:
    """The policy in the `#rc=N&rp=...` fragment of a callback URL, or the default."""
    fragment = callback.partition("#")[2]
    if not fragment:
        return default
    retries, policy = _FRAGMENT_RETRIES.search(fragment), _FRAGMENT_POLICY.search(fragment)
    after = default.after
    if policy is not None:
        words = frozenset(policy.group(1).split(","))
        after = EVERYTHING if "all" in words else words & EVERYTHING
    return RetryPolicy(default.retries if retries is None else int(retries.group(1)), after)


def signed(token: str, url: str, fields: list[tuple[str, str]], repeat: str) -> Posting:
    """A form posted as Twilio does; `repeat` is the same when the same is posted again."""
    headers = {
        "Content-Type": FORM,
        "X-Twilio-Signature": sign(token, url, fields),
        "I-Twilio-Idempotency-Token": repeat,
        "User-Agent": "TwilioProxy/1.1",
        "Accept": "*/*",
    }
    return Posting(url, headers, encode(fields))


def parameters(entry: Entry, status: str) -> list[tuple[str, str]]:
    """The form fields of one receipt."""
    found = [
        ("AccountSid", entry.account),
        ("ApiVersion", API_VERSION),
        ("MessageSid", entry.sid),
        ("MessageStatus", status),
        ("SmsSid", entry.sid),
        ("SmsStatus", status),
        ("To", entry.to),
    ]
    if entry.sender is not None:
        found.append(("From", entry.sender))
    if entry.service is not None:
        found.append(("MessagingServiceSid", entry.service))
    if status == "undelivered":
        found.append(("ErrorCode", str(entry.error_code)))
    if status in ("delivered", "undelivered"):
        done = datetime.fromtimestamp(entry.done_at, UTC)
        found.append(("RawDlrDoneDate", done.strftime("%y%m%d%H%M")))
    return found


def opt_out_type(body: str) -> str | None:
    """What Twilio's opt-out handling reads in a message."""
    word = body.strip().upper()
    return next((kind for kind, words in _KEYWORDS.items() if word in words), None)


def inbound_parameters(said: Said, sid: str, keyword: str | None) -> list[tuple[str, str]]:
    """The form fields of an inbound message."""
    found = [
        ("AccountSid", said.account),
        ("ApiVersion", API_VERSION),
        ("Body", said.body),
        ("From", said.sender),
        ("MessageSid", sid),
        ("NumMedia", str(len(said.media))),
        ("NumSegments", str(segments.count(said.body))),
        ("SmsMessageSid", sid),
        ("SmsSid", sid),
        ("SmsStatus", "received"),
        ("To", said.to),
    ]
    found += [(f"MediaUrl{n}", url) for n, url in enumerate(said.media)]
    if keyword is not None:
        found.append(("OptOutType", keyword))
    return found

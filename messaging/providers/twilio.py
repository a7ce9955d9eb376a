"""How does Twilio carry an SMS: the send, its reply, the look-up, and its webhooks, as values.

Twilio offers no idempotent send. A send of unknown outcome is settled by the receipt at its own
callback URL, or by the look-up here; it is never repeated on a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

import httpx

from messaging.domain.failures import Accepted, Failure, Kind, Outcome
from messaging.domain.lifecycle import Event
from messaging.domain.message import Channel, ProviderAccount
from messaging.providers import (
    failure_tables,
    posting,
    replies,
    signatures,
    twilio_lookup,
    twilio_registration,
)
from messaging.providers.base import (
    Abilities,
    DeliveryReport,
    Doubt,
    Outbound,
    Provider,
    Sighting,
    Webhook,
)
from messaging.providers.twilio_errors import ASYNC, BLAMELESS, DAILY_CAPS, LAPSES, SYNC
from messaging.providers.twilio_inbound import inbound

_RETRY_RECEIPTS = "#rc=5&rp=all"
"""Twilio repeats a receipt only on a connect timeout unless told otherwise; a fragment is not signed."""
_LONGEST_VALIDITY = 36_000
_PAGE = 50
_TRIAL_PREFIX = "Sent from your Twilio trial account - "
_CLOCK_BEFORE, _CLOCK_AFTER = timedelta(seconds=60), timedelta(seconds=120)
"""How far Twilio's clock and queues may put `date_created` outside the time of our request."""
_SID = re.compile(r"[A-Za-z0-9]{1,64}")
_CODE = re.compile(r"[0-9]{1,6}")

# A receipt of any kind proves that Twilio took the message.
_EVENTS = {
    "accepted": Event.ACCEPTED,
    "scheduled": Event.ACCEPTED,
    "queued": Event.ACCEPTED,
    "sending": Event.ACCEPTED,
    "sent": Event.ACCEPTED,
    "partially_delivered": Event.ACCEPTED,
    "delivered": Event.DELIVERED,
    "read": Event.DELIVERED,
    "undelivered": Event.UNDELIVERED,
    "failed": Event.FAILED,
    "canceled": Event.FAILED,
}
_INBOUND = frozenset({"receiving", "received"})


@lru_cache(maxsize=1024)
def _endpoint(
    base_url: str, username: str, secret: str
) -> tuple[httpx.URL, list[tuple[bytes, bytes]]]:
    """An account's Messages resource, and the headers every request to it has."""
    path = f"/2010-04-01/Accounts/{quote(username, safe='')}/Messages.json"
    url = httpx.URL(base_url.rstrip("/") + path)
    return url, [(b"Host", url.netloc), (b"Authorization", posting.basic(username, secret))]


def request(account: ProviderAccount, out: Outbound) -> httpx.Request:
    """The one POST that sends `out`."""
    url, headers = _endpoint(account.base_url, account.username, account.secret)
    base, _, query = out.callback_url.partition("?")
    # What stands in every message is quoted once; quoting is most of what a request costs.
    form = (
        f"To={quote_plus(out.to)}&From={_quoted(out.sender)}&Body={quote_plus(out.body)}"
        f"&StatusCallback={_quoted(base + '?')}{quote_plus(query)}{_quoted(_RETRY_RECEIPTS)}"
    )
    if out.parts is not None:
        form += "".join(f"&MediaUrl={quote_plus(url)}" for url in out.parts.media)
    if out.validity is not None:
        seconds = int(out.validity.total_seconds())
        form += f"&ValidityPeriod={min(max(seconds, 1), _LONGEST_VALIDITY)}"
    return posting.post(url, [*headers, *posting.FORM], form.encode())


_quoted = lru_cache(maxsize=4096)(quote_plus)


def outcome(response: httpx.Response) -> Outcome:
    """What Twilio's reply to a send says became of it."""
    reply, status = replies.json_object(response), response.status_code
    if 200 <= status < 300:
        sid = reply.get("sid")
        if isinstance(sid, str) and _SID.fullmatch(sid):
            return Accepted(sid, replies.word(reply.get("status")))
        return Failure(Kind.AMBIGUOUS, "unreadable", "Twilio's reply names no message.")
    code = _code(reply.get("code"))
    known = SYNC.get(code or "")
    if status == 429:
        limited = known if known and known.kind is Kind.RATE_LIMITED else SYNC["20429"]
        return replace(
            limited, code=code or "429", retry_after=replies.retry_after(response.headers)
        )
    if known is not None:
        return known
    if 300 <= status < 500 and status != 408:
        return _refusal(status, code)
    return Failure(
        Kind.AMBIGUOUS, code or f"http_{status}", "Twilio failed; it may have taken the message."
    )


def _refusal(status: int, code: str | None) -> Failure:
    if status < 400:
        return Failure(Kind.CONFIG, f"http_{status}", "The base URL leads to a redirect.")
    if code is None:
        return Failure(Kind.CONFIG, f"http_{status}", "The request was refused without a reason.")
    return Failure(Kind.CONFIG, code, "Twilio refused the request with a code unknown to Posthorn.")


def lookup(account: ProviderAccount, doubt: Doubt) -> httpx.Request:
    """The GET that lists the newest messages between the two numbers of a doubtful attempt."""
    url, headers = _endpoint(account.base_url, account.username, account.secret)
    # No DateSent filter: it is null until the message has left Twilio.
    query = {"To": doubt.to, "From": doubt.sender, "PageSize": str(_PAGE)}
    return httpx.Request("GET", url, params=query, headers=headers)


def sightings(response: httpx.Response, doubt: Doubt) -> list[Sighting] | None:
    """The listed messages that may be the attempt's; None if the list proves nothing.

    A list without a match proves nothing either if it ends before the attempt began.
    """
    reply = replies.json_object(response)
    messages = reply.get("messages")
    if response.status_code != 200 or not isinstance(messages, list):
        return None
    earliest, latest = doubt.started_at - _CLOCK_BEFORE, doubt.deadline + _CLOCK_AFTER
    found, reached_back = [], not reply.get("next_page_uri")
    for entry in messages:
        created = replies.date(entry.get("date_created")) if isinstance(entry, dict) else None
        if created is None:
            return None
        reached_back = reached_back or created < earliest
        if earliest <= created <= latest and _is_of(entry, doubt):
            found.append(entry)
    if not found and not reached_back:
        return None
    seen = [_sighting(entry) for entry in found]
    return None if None in seen else [sighting for sighting in seen if sighting]


def _is_of(entry: Mapping[str, Any], doubt: Doubt) -> bool:
    body = entry.get("body")
    return (
        entry.get("direction") == "outbound-api"
        and entry.get("to") == doubt.to
        and entry.get("from") in {doubt.sender, None}
        and isinstance(body, str)
        and body.removeprefix(_TRIAL_PREFIX).strip() == doubt.body.strip()
    )


def _sighting(entry: Mapping[str, Any]) -> Sighting | None:
    sid, status = entry.get("sid"), replies.word(entry.get("status"))
    if not isinstance(sid, str) or not _SID.fullmatch(sid):
        return None
    return Sighting(sid, status, _event(status, _code(entry.get("error_code"))))


def verify(account: ProviderAccount, webhook: Webhook) -> bool:
    """Whether Twilio signed this webhook with an auth token of the account."""
    headers = webhook.headers
    matches = [
        signatures.twilio(
            token,
            webhook.url,
            headers.get("content-type", ""),
            webhook.body,
            headers.get("x-twilio-signature", ""),
        )
        for token in account.signing_secrets
    ]
    return any(matches)


def fetch(account: ProviderAccount, provider_message_id: str) -> httpx.Request:
    """The GET that asks for one message."""
    url, headers = _endpoint(account.base_url, account.username, account.secret)
    one = f"{str(url).removesuffix('.json')}/{quote(provider_message_id, safe='')}.json"
    return httpx.Request("GET", one, headers=headers)


def fetched(response: httpx.Response) -> DeliveryReport | None:
    """What a message looked up by its id says of itself."""
    reply = replies.json_object(response)
    seen = _sighting(reply) if response.status_code == 200 else None
    if seen is None:
        return None
    code = _code(reply.get("error_code"))
    detail = ASYNC[code].detail if code in ASYNC else None
    return DeliveryReport(seen.provider_message_id, seen.event, seen.provider_status, code, detail)


def report(webhook: Webhook) -> DeliveryReport | None:
    """The receipt in a status callback; None for anything else, such as an inbound message."""
    fields = _fields(webhook.body)
    sid = fields.get("MessageSid") or fields.get("SmsSid") or ""
    status = replies.word(fields.get("MessageStatus") or fields.get("SmsStatus"))
    if not status or status in _INBOUND or not _SID.fullmatch(sid):
        return None
    code = _code(fields.get("ErrorCode"))
    detail = ASYNC[code].detail if code in ASYNC else None
    return DeliveryReport(sid, _event(status, code), status, code, detail)


def _fields(body: bytes) -> dict[str, str]:
    """A form's fields that say something; `parse_qsl` unquotes also what nobody has quoted."""
    found = {}
    for field in body.decode(errors="replace").split("&"):
        name, _, value = field.partition("=")
        if "%" in field or "+" in field:
            name, value = unquote_plus(name), unquote_plus(value)
        if value:
            found[name] = value
    return found


def _event(status: str, code: str | None) -> Event | None:
    return failure_tables.refined(_EVENTS.get(status), ASYNC.get(code or ""))


def _code(value: object) -> str | None:
    """An error code as text; both of Twilio's error shapes hold it in `code`. 0 means none."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if _CODE.fullmatch(text) and int(text) else None


PROVIDER = Provider(
    name="twilio",
    base_url="https://api.twilio.com",
    username="account SID",
    abilities={
        Channel.SMS: Abilities(max_body=1600, validity=True),
        Channel.MMS: Abilities(max_body=1600, media=10, validity=True),
    },
    request=request,
    outcome=outcome,
    lookup=lookup,
    sightings=sightings,
    absence_proof=timedelta(minutes=10),
    fetch=fetch,
    fetched=fetched,
    verify=verify,
    report=report,
    inbound=inbound,
    dead_numbers=frozenset({"21614", "30005", "30006"}),
    landlines=frozenset({"21614", "30006"}),
    filtered=frozenset({"30007"}),
    blameless=BLAMELESS,
    daily_caps=DAILY_CAPS,
    lapses=LAPSES,
    line_lookup=twilio_lookup.line_lookup,
    line=twilio_lookup.line,
    registration_lookup=twilio_registration.registration_lookup,
    registration=twilio_registration.registration,
)

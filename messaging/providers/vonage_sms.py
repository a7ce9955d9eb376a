"""How does Vonage's SMS API carry an SMS: the send, its reply, and its webhooks, as values.

The older of Vonage's two APIs, and the only one that can say a text is to be shown at once (class 0). A long
text is several parts, each with an id and receipts of its own, all with our one reference. Any receipt
proves that the attempt was taken, and the failure of a part is the failure of the text. But only the first part, whose
id the reply names, may say that it was delivered; hence the mark on the reference of a long text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import httpx

from messaging.domain import segments
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
from messaging.providers.vonage_sms_errors import ASYNC, BLAMELESS, SYNC
from messaging.providers.vonage_sms_inbound import inbound

_PRODUCT = "SMS"
_LONGEST_CALLBACK = 100
_LONGEST_REFERENCE = 40
_LONG_TEXT = "-"
"""Follows the reference of a text in several parts."""
_TTL = (20_000, 604_800_000)
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_CODE = re.compile(r"[0-9]{1,3}")
_WAIT = re.compile(r"wait \[ ?([0-9]{1,8}) ?\]")
_RANK = (
    Kind.AMBIGUOUS,
    Kind.OPTED_OUT,
    Kind.RECIPIENT,
    Kind.SENDER,
    Kind.CONFIG,
    Kind.RATE_LIMITED,
    Kind.TRANSIENT,
)
"""Of several parts that were refused, whose reason decides."""

# A receipt of any kind proves that Vonage took the message.
_EVENTS = {
    "accepted": Event.ACCEPTED,
    "buffered": Event.ACCEPTED,
    "unknown": Event.ACCEPTED,
    "delivered": Event.DELIVERED,
    "failed": Event.UNDELIVERED,
    "rejected": Event.UNDELIVERED,
    "expired": Event.UNDELIVERED,
}


@lru_cache(maxsize=1024)
def _endpoint(base_url: str) -> tuple[httpx.URL, posting.Headers]:
    url = httpx.URL(base_url.rstrip("/") + "/sms/json")
    return url, [(b"Host", url.netloc), *posting.FORM]


def request(account: ProviderAccount, out: Outbound) -> httpx.Request:
    """The one POST that sends `out`.

    A receipt's address may have a hundred characters, so it names the account and not the attempt: the
    reference does that. Where even that is too long, the account's own setting must lead to us.
    """
    url, headers = _endpoint(account.base_url)
    size = segments.measure(out.body)
    form = {
        "api_key": account.username,
        "api_secret": account.secret,
        "from": vonage_numbers.theirs(out.sender),
        "to": vonage_numbers.theirs(out.to),
        "text": out.body,
        "client-ref": _marked(out.reference) if size.segments > 1 else out.reference,
    }
    if size.encoding == "UCS-2":
        form["type"] = "unicode"
    if out.flash:
        form["message-class"] = "0"
    if out.validity is not None:
        milliseconds = int(out.validity / timedelta(milliseconds=1))
        form["ttl"] = str(min(max(milliseconds, _TTL[0]), _TTL[1]))
    callback = out.callback_url.partition("?")[0]
    if len(callback) <= _LONGEST_CALLBACK:
        form["callback"] = callback
    return posting.post(url, headers, urlencode(form).encode())


def _marked(reference: str) -> str:
    return (reference + _LONG_TEXT)[:_LONGEST_REFERENCE]


def outcome(response: httpx.Response) -> Outcome:
    """What Vonage's reply to a send says became of it: one entry for each part.

    If one part was taken, the text was: sending it again would repeat that part.
    """
    status = response.status_code
    if status == 429:
        wait = replies.retry_after(response.headers)
        return replace(SYNC["10"], code="http_429", retry_after=wait)
    if 300 <= status < 500 and status != 408:
        detail = "Vonage refused the request without a reason."
        return Failure(Kind.CONFIG, f"http_{status}", detail)
    parts = replies.objects(replies.json_object(response).get("messages"))
    if not 200 <= status < 300 or not parts:
        code = f"http_{status}" if status >= 300 else "unreadable"
        return Failure(Kind.AMBIGUOUS, code, "Vonage failed; it may have taken the message.")
    taken = [replies.word(part.get("message-id"), 65) for part in parts if _status(part) == "0"]
    if not taken:
        return min((_refused(part) for part in parts), key=lambda each: _RANK.index(each.kind))
    if not _ID.fullmatch(taken[0]):
        return Failure(Kind.AMBIGUOUS, "unreadable", "Vonage's reply names no message.")
    return Accepted(taken[0], "accepted" if len(taken) == len(parts) else "partial")


def _refused(part: Mapping[str, Any]) -> Failure:
    status = _status(part)
    known = SYNC.get(status)
    if known is None and not status:
        return Failure(Kind.AMBIGUOUS, "unreadable", "Vonage's reply has no status.")
    if known is None:
        detail = "Vonage refused the message with a status unknown to Posthorn."
        return Failure(Kind.CONFIG, status, detail)
    wait = _WAIT.search(replies.word(part.get("error-text"), 200))
    if known.kind is not Kind.RATE_LIMITED or wait is None:
        return known
    return replace(known, retry_after=timedelta(milliseconds=int(wait[1])))


def _status(part: Mapping[str, Any]) -> str:
    return _number(part.get("status"))


def _number(value: object) -> str:
    """A small number as text; empty if it is none."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if _CODE.fullmatch(text) else ""


def lookup(account: ProviderAccount, doubt: Doubt) -> httpx.Request:
    """The GET that lists what the account sent about the time of a doubtful attempt."""
    return vonage_reports.lookup(account, doubt, _PRODUCT)


def sightings(response: httpx.Response, doubt: Doubt) -> list[Sighting] | None:
    """The attempt, if the list has it; None if the list proves nothing."""
    return vonage_reports.sightings(response, doubt, _record)


def fetch(account: ProviderAccount, provider_message_id: str) -> httpx.Request:
    """The GET that asks for the part of this id."""
    return vonage_reports.fetch(account, provider_message_id, _PRODUCT)


def fetched(response: httpx.Response) -> DeliveryReport | None:
    """What a part looked up by its id says of itself."""
    return vonage_reports.fetched(response, _record)


def _record(record: Mapping[str, Any]) -> DeliveryReport | None:
    reference = replies.word(record.get("client_ref"), _LONGEST_REFERENCE)
    return _read(
        replies.word(record.get("message_id"), 65),
        replies.word(record.get("status")).lower(),
        _number(record.get("error_code")),
        reference.removesuffix(_LONG_TEXT),
        replies.moment(record.get("date_finalized")) or replies.moment(record.get("date_received")),
    )


def events(webhook: Webhook) -> list[RawEvent]:
    """The one event of a webhook, known again by the part, what it says and when the carrier said it.

    Not by the rest: Vonage signs anew, with a time and a number used once, whenever it posts.
    """
    said = vonage_signature.parameters(webhook.body)
    names = ("messageId", "status", "err-code", "scts")
    return [RawEvent(":".join(said.get(name, "") for name in names), webhook.body)]


def report(webhook: Webhook) -> DeliveryReport | None:
    """The receipt in a webhook; None for anything else, such as an inbound message."""
    said = vonage_signature.parameters(webhook.body)
    reference = said.get("client-ref", "")
    read = _read(
        replies.word(said.get("messageId"), 65),
        replies.word(said.get("status")),
        _number(said.get("err-code")),
        reference.removesuffix(_LONG_TEXT),
        _carrier_time(said.get("scts", "")),
    )
    if read is not None and read.event is Event.DELIVERED and reference.endswith(_LONG_TEXT):
        return replace(read, reference=None)
    return read


def _read(
    name: str, status: str, number: str, reference: str, at: datetime | None
) -> DeliveryReport | None:
    """What a receipt or a record says; None if it names no message or no status."""
    if not _ID.fullmatch(name) or not status:
        return None
    code = f"dlr-{number}" if number.strip("0") else None
    known = ASYNC.get(code or "")
    return DeliveryReport(
        provider_message_id=name,
        event=failure_tables.refined(_EVENTS.get(status), known),
        provider_status=status,
        code=code,
        detail=known.detail if known else None,
        reference=reference[:_LONGEST_REFERENCE] or None,
        at=at,
    )


def _carrier_time(stamp: str) -> datetime | None:
    """When a carrier said so: YYMMDDHHMM."""
    try:
        return datetime.strptime(stamp, "%y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None


PROVIDER = Provider(
    name="vonage_sms",
    base_url="https://rest.nexmo.com",
    abilities={Channel.SMS: Abilities(max_body=3200, flash=True, validity=True)},
    username="API key",
    options=(
        Option(
            vonage_signature.METHOD,
            f"How webhooks are signed: {', '.join(vonage_signature.METHODS)}; the first if empty.",
        ),
    ),
    request=request,
    outcome=outcome,
    lookup=lookup,
    sightings=sightings,
    absence_proof=timedelta(minutes=30),
    fetch=fetch,
    fetched=fetched,
    verify=vonage_signature.sms,
    report=report,
    events=events,
    inbound=inbound,
    dead_numbers=frozenset({"33", "dlr-3", "dlr-4"}),
    filtered=frozenset({"dlr-6"}),
    blameless=BLAMELESS,
)

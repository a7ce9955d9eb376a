"""How is a list of people written to at once, and each of them accounted for?

A list of at most 10,000 is a campaign whose messages are made where it is accepted: one transaction
keeps the campaign, a row for everybody on the list, and the messages. Who cannot be written to keeps
a row with the reason, so that the counts are always those of the whole list.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import ValidationError
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from messaging import intake
from messaging.domain import addresses
from messaging.domain.audience import Audience
from messaging.domain.campaign import CampaignRequest
from messaging.domain.errors import (
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
    PosthornError,
    UnavailableError,
)
from messaging.domain.lifecycle import Status
from messaging.domain.message import Channel
from messaging.domain.request import MAX_LIST, SendRequest, problems_of
from messaging.runtime import Runtime
from messaging.store import batches
from messaging.store.batches import Batch, Fate, Person, Recipient
from messaging.store.tenants import Tenant
from messaging.submission import Entry, Prepared, Receipt, Refused, Submission, Taken, prepare

_LONGEST_NAME = 128
_LONGEST_ADDRESS = 254


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody on the list: the address on the list's channel, and the message they are to get."""

    address: str
    """Normalised; as the caller wrote it if it is not valid."""
    request: SendRequest | None
    """Without one nothing is sent to them, for the reason given."""
    reason: str | None = None
    contact_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A list to be written to, of one at least; the addresses differ from each other."""

    title: str
    channel: Channel
    shared: Mapping[str, Any]
    """What all messages have in common, as `CampaignRequest` has it."""
    targets: Sequence[Target]
    door: str
    key: str | None = None
    fingerprint: bytes = b""
    """What makes two orders with the same key the same."""


@dataclass(frozen=True, slots=True)
class Taking:
    """A list that is kept."""

    id: UUID
    created_at: datetime
    accepted: int
    """How many messages wait to be sent, or are on their way."""
    failed: int
    """How many of the list were not, or will not be, written to."""


def submit(rt: Runtime, tenant: Tenant, order: Order) -> Taking:
    """Keep a list and its messages; a repeated idempotency key gets what is there, counted anew.

    Raises:
        InvalidRequestError: not one of its messages has a form that can be sent.
        PosthornError: as `intake.submit`.
    """
    batch_id, now = rt.new_id(), rt.now()
    name = name_of(order.title, batch_id)
    asked = [one.request for one in order.targets if one.request is not None]
    named = [request.model_copy(update={"campaign": name}) for request in asked]
    submission = Submission(tenant, [*named], order.key, order.fingerprint, order.door, bulk=True)
    prepared = prepare(rt, submission)
    batch = Batch(batch_id, name, kept({**order.shared, "name": name}), now)
    try:
        with rt.engine.begin() as db:
            answer = _keep(db, rt, prepared, batch, order)
    except DBAPIError:
        raise UnavailableError(intake.AWAY) from None
    intake.announce(rt, [prepared], [answer])
    if not answer.replayed:
        accepted = sum(isinstance(e, Taken) and under_way(e.status) for e in answer.entries)
        return Taking(batch.id, now, accepted, len(order.targets) - accepted)
    first = next(entry.id for entry in answer.entries if isinstance(entry, Taken))
    with rt.engine.connect() as db:
        return list_of(db, tenant, first)


def kept(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the messages of a list have in common, as a campaign keeps it.

    Raises:
        InvalidRequestError: everything that is wrong with it.
    """
    try:
        found = CampaignRequest.model_validate(asked).kept()
        if b"\\u0000" not in orjson.dumps(found):
            return found
    except ValidationError as error:
        raise InvalidRequestError(problems_of(error)) from None
    except TypeError:  # half of a surrogate pair
        pass
    raise InvalidRequestError([FieldProblem("#/body", "not_text", "must be plain text")])


def fingerprint(plain: Mapping[str, Any]) -> bytes:
    """What makes two orders the same, of what was asked for as plain JSON."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).digest()


def name_of(title: str, batch_id: UUID) -> str:
    """What the messages of a list carry as `campaign`: its title, and its id to tell it from others."""
    readable = "".join(c for c in title if c >= " " and c != "\x7f")
    return f"{readable[: _LONGEST_NAME - 37]} {batch_id}"


def title_of(name: str) -> str:
    """The title in a list's name."""
    return name[:-37]


def _keep(db: Connection, rt: Runtime, prepared: Prepared, batch: Batch, order: Order) -> Receipt:
    (answer,) = intake.keep(db, [prepared])
    if isinstance(answer, PosthornError):
        raise answer
    if answer.replayed:
        return answer
    refused = [entry for entry in answer.entries if isinstance(entry, Refused)]
    if refused and len(refused) == len(answer.entries):
        raise refused[0].error()
    batches.keep(db, prepared.submission.tenant.id, batch, list(_rows(rt, order, answer.entries)))
    return answer


def _rows(rt: Runtime, order: Order, entries: Sequence[Entry]) -> Sequence[Recipient]:
    left = iter(entries)
    rows = []
    for one in order.targets:
        address = one.address[:_LONGEST_ADDRESS]
        key = addresses.key(rt.settings.pepper, order.channel.value, one.address)
        message_id, reason = None, one.reason
        if one.request is not None:
            entry = next(left)
            if isinstance(entry, Taken):
                message_id = entry.id
            else:
                reason = entry.problems[0].code
        rows.append(Recipient(key, address, message_id, reason, one.contact_id))
    return rows


_OVER = frozenset(
    {
        Status.FAILED, Status.UNDELIVERABLE, Status.OPTED_OUT, Status.CANCELED,
        Status.BLOCKED_COMPLIANCE, Status.BLOCKED_BILLING, Status.BLOCKED_MISSING_CAMPAIGN,
    }
)  # fmt: skip
"""The statuses of a message that is not on its way to anybody."""


def under_way(status: Status) -> bool:
    """Whether a message has been sent, or still may be."""
    return status not in _OVER


def list_of(db: Connection, tenant: Tenant, message_id: UUID) -> Taking:
    """The list a message was on, counted anew.

    Raises:
        NotFoundError: it is no longer kept.
    """
    batch = batches.of_message(db, tenant.id, message_id)
    if batch is None:
        raise NotFoundError(GONE)
    found = batches.fates(db, batch.id)
    accepted = count(found)
    return Taking(batch.id, batch.created_at, accepted, len(found) - accepted)


GONE = "what this key made is no longer kept"


def count(found: Sequence[Fate]) -> int:
    """How many of a list were sent a message or wait for theirs."""
    return sum(one.status is not None and under_way(one.status) for one in found)


def people(
    rt: Runtime, tenant: Tenant, audience: Audience, channel: Channel
) -> tuple[list[Person] | None, list[str]]:
    """Everybody in an audience, and the lead ids in it that nobody has; None for what is no short list."""
    asked = audience.lead_ids
    with rt.engine.connect() as db:
        lost = batches.strangers(db, tenant.id, asked) if asked is not None else []
        left = MAX_LIST - len(lost)
        if left < 0 or batches.exceeds(db, tenant.id, audience, left):
            return None, lost
        return batches.people(db, tenant.id, audience, channel, MAX_LIST), lost


def look(rt: Runtime, tenant: Tenant, batch_id: UUID) -> tuple[Batch, list[Fate]]:
    """A list that one transaction kept, and what has become of everybody on it.

    Raises:
        NotFoundError: no such list of this tenant.
    """
    with rt.engine.connect() as db:
        batch = batches.find(db, tenant.id, batch_id, MAX_LIST)
        if batch is None:
            raise NotFoundError("no campaign of yours has this id")
        return batch, batches.fates(db, batch_id)

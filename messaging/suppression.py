"""STOP wins: what it takes so that nobody is written to after they said so (law 7).

    STOP: lock the recipients | tell the ledger, suppress, cancel what waits | commit
    dispatch: hold the recipients | facts -> judge -> open attempts | send | release

Whoever holds a recipient makes the other wait. So a STOP commits after everything that was decided
before it is really on the wire, and whatever is decided later sees the suppression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging import audit
from messaging.domain import addresses
from messaging.domain.addresses import AddressProblem
from messaging.domain.compliance.facts import SuppressionKind
from messaging.domain.compliance.verdicts import Reason
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import Channel
from messaging.domain.recipients import address_of
from messaging.domain.suppression_request import StopRequest, kind_of, problems
from messaging.runtime import Runtime
from messaging.store import suppression_reads, suppressions
from messaging.store.messages import Move, move
from messaging.store.suppression_reads import Entry, Held, Place
from messaging.store.suppressions import NewSuppression
from messaging.store.tenants import Tenant

_PHONE = (Channel.SMS, Channel.MMS)
_WAITING = (Status.SCHEDULED, Status.QUEUED)
_REASONS = {SuppressionKind.UNREACHABLE: Reason.UNREACHABLE}


@dataclass(frozen=True, slots=True)
class Suppressed:
    """What suppressing somebody came to."""

    new: int
    """Suppressions that did not hold before."""
    canceled: int
    """Messages that will not leave because of it."""


def keys(pepper: bytes, channel: Channel, address: str) -> dict[Channel, bytes]:
    """The channels one STOP on `channel` covers, each with what stands for the address there.

    A phone is one person: SMS and MMS stop together; an e-mail address and an Instagram id each stand
    alone. `address` must be normalised.
    """
    channels = _PHONE if channel.by_phone else (channel,)
    return {each: addresses.key(pepper, each.value, address) for each in channels}


def suppress(db: Connection, rows: Sequence[NewSuppression]) -> Suppressed:
    """Suppress recipients and cancel whatever of theirs waits, in the caller's transaction.

    Canceled is what is scheduled or queued within the row's scope, also what was deferred or waits
    for a retry; not our own answers to STOP and HELP. A row older than the person's latest lift is
    told to the ledger and changes nothing.

    Call it once per transaction, with a few hundred rows at most, and before that transaction writes
    any message: it waits here for dispatches that hold these recipients.
    """
    suppressions.lock(db, [row.recipient_key for row in rows])
    added = suppressions.add(db, rows)
    waiting = suppressions.waiting(db, added.holding, _WAITING)
    canceled = move(
        db,
        [
            Move(
                message.id,
                message.epoch,
                message.status,
                Event.CANCELED,
                Status.CANCELED,
                reason=_REASONS.get(message.kind, Reason.OPTED_OUT),
            )
            for message in waiting
        ],
    )
    return Suppressed(added.new, len(canceled))


def lift(
    db: Connection,
    tenant_id: UUID,
    channel: Channel,
    recipient_key: bytes,
    *,
    source: str,
    evidence: str | None = None,
    at: datetime | None = None,
    kind: SuppressionKind = SuppressionKind.OPT_OUT,
) -> bool:
    """End somebody's opt-outs, in the caller's transaction; False if nothing was lifted.

    A START older than the STOP is ignored: only what was said not later than `at` (now, if not
    given) ends. Other kinds end only when they are named, since no word of the person undoes them.
    """
    suppressions.lock(db, [recipient_key])
    ended = suppressions.lift(
        db, tenant_id, channel, recipient_key, kind=kind, source=source, evidence=evidence, at=at
    )
    return ended > 0


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a tenant's recipients, without their address."""

    tenant_id: UUID
    channel: Channel
    """Where they were asked for."""
    keys: dict[Channel, bytes]
    """Every channel that one STOP covers, and what stands for the address there."""


def person(rt: Runtime, tenant: Tenant, channel: Channel, to: str, pointer: str = "#/to") -> Person:
    """Who is at this address.

    Raises:
        InvalidRequestError: it is not an address of this channel.
    """
    address = address_of(channel, to, tenant.default_region)
    if isinstance(address, AddressProblem):
        raise InvalidRequestError([FieldProblem(pointer, address.code, address.detail)])
    return Person(tenant.id, channel, keys(rt.settings.pepper, channel, address))


def stop(rt: Runtime, tenant: Tenant, request: StopRequest) -> Suppressed:
    """Suppress one person, in a transaction of its own.

    Raises:
        InvalidRequestError: not an address, a source that is ours, or a future time.
    """
    wrong = problems(request, rt.now())
    if wrong:
        raise InvalidRequestError(wrong)
    who = person(rt, tenant, request.channel, request.to)
    rows = [
        NewSuppression(
            tenant.id,
            channel,
            key,
            request.source.value,
            request.evidence,
            kind_of(request.source),
            request.scope.value,
            request.at,
        )
        for channel, key in who.keys.items()
    ]
    with rt.engine.begin() as db:
        return suppress(db, rows)


def start(
    rt: Runtime,
    who: Person,
    *,
    source: str,
    kind: SuppressionKind = SuppressionKind.OPT_OUT,
    evidence: str | None = None,
) -> bool:
    """Lift one person's suppressions of a kind, in a transaction of its own; False if there were none."""
    with rt.engine.begin() as db:
        suppressions.lock(db, list(who.keys.values()))
        lifted = [
            lift(db, who.tenant_id, channel, key, source=source, evidence=evidence, kind=kind)
            for channel, key in who.keys.items()
        ]
        if any(lifted):
            # Whose it was is in the ledger, under the person's key.
            audit.note(db, who.tenant_id, "suppression.lifted", f"{who.channel.value} {kind.value}")
    return any(lifted)


def holding(rt: Runtime, who: Person) -> list[Held]:
    """What holds for one person on the channel they were asked for, oldest first."""
    with rt.engine.connect() as db:
        return suppression_reads.of_person(db, who.tenant_id, who.channel, who.keys[who.channel])


def history(rt: Runtime, who: Person, limit: int = 1000) -> list[Entry]:
    """The newest lines of the ledger about one person on that channel, oldest first."""
    key = who.keys[who.channel]
    with rt.engine.connect() as db:
        return suppression_reads.history(db, who.tenant_id, who.channel, key, limit)


def page(rt: Runtime, tenant: Tenant, after: Place | None, limit: int) -> list[Held]:
    """Up to `limit` of what holds for a tenant, in the order of channel and key."""
    with rt.engine.connect() as db:
        return suppression_reads.page(db, tenant.id, after, limit)

"""How is a crowd written to that is too large for one transaction, and each of them accounted for?

It becomes a campaign like any other (`expansion`) that has begun by itself: one transaction keeps it and a
row for everybody who cannot be written to, and counts the others. Nobody is read into memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from messaging import batches, intake
from messaging.batches import Taking
from messaging.campaign_texts import SOMEBODY
from messaging.domain import addresses
from messaging.domain.audience import Audience
from messaging.domain.campaign import CampaignRequest
from messaging.domain.errors import (
    FieldProblem,
    IdempotencyBusyError,
    IdempotencyReusedError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from messaging.domain.message import Channel
from messaging.domain.request import MAX_LIST
from messaging.domain.verbatim import STAND_INS, verbatim
from messaging.queues import Task
from messaging.runtime import Runtime
from messaging.store import batches as store
from messaging.store import campaigns, idempotency
from messaging.store.batches import Batch, Recipient
from messaging.store.idempotency import Kept
from messaging.store.tenants import Tenant
from messaging.submission import Refused, Submission, prepare

_TEXTS = ("body", "subject", "html")
MOST = 1_000_000
"""Contacts that may be written to at once."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Whoever an audience means, to be written to: the same text to all, as it stands."""

    title: str
    channel: Channel
    shared: Mapping[str, Any]
    """The text and all else that the messages have in common, as `CampaignRequest` has it."""
    criteria: Mapping[str, Any]
    """The audience as JSON."""
    meant: Audience
    lost: Sequence[str]
    """The lead ids in it that nobody has."""
    spared: str | None
    """An address, normalised, that is not written to, whoever has it."""
    door: str
    key: str | None = None
    fingerprint: bytes = b""


def submit(rt: Runtime, tenant: Tenant, crowd: Crowd) -> Taking:
    """Begin a campaign to everybody in an audience; its messages are made afterwards, in chunks.

    Accepted are those who have an address. A repeated key gets what is there, counted anew.

    Raises:
        InvalidRequestError: it has no form that can be sent, is to more than a million, or a test's.
        PosthornError: as `intake.submit`.
    """
    batch_id, now = rt.new_id(), rt.now()
    batch = Batch(batch_id, batches.name_of(crowd.title, batch_id), {}, now)
    batch = replace(batch, request=_request(rt, tenant, crowd, batch.name))
    try:
        with rt.engine.begin() as db:
            used = _used(db, tenant, crowd.key, crowd.fingerprint)
            if used is not None:
                return _taking(db, tenant, used)
            accepted, failed = _begin(db, rt, tenant, crowd, batch)
            if crowd.key is not None:
                result = {"campaign": str(batch_id), "accepted": accepted, "failed": failed}
                kept = Kept(crowd.fingerprint, [result])
                idempotency.keep(db, [(tenant.id, crowd.key, kept)])
    except DBAPIError:
        raise UnavailableError(intake.AWAY) from None
    rt.hints.ring(Task.CAMPAIGNS)
    return Taking(batch_id, now, accepted, failed)


def _request(rt: Runtime, tenant: Tenant, crowd: Crowd, name: str) -> Mapping[str, Any]:
    """A campaign's request as it is kept, if somebody could be sent what it says."""
    if tenant.sandboxed:
        detail = f"a test key writes to at most {MAX_LIST:,} contacts at once; narrow it down"
        raise InvalidRequestError([FieldProblem("#/audience", "too_many", detail)])
    said = {field: crowd.shared[field] for field in _TEXTS if field in crowd.shared}
    texts = {field: verbatim(text) for field, text in said.items()}
    defaults = {"defaults": STAND_INS} if texts != said else {}
    asked = {**crowd.shared, **texts, **defaults, "audience": crowd.criteria, "name": name}
    kept = batches.kept(asked)
    one = CampaignRequest.model_validate(kept).message(SOMEBODY[crowd.channel])
    (entry,) = prepare(rt, Submission(tenant, [one], None, b"", crowd.door)).entries
    if isinstance(entry, Refused):
        raise entry.error()
    return kept


def _begin(
    db: Connection, rt: Runtime, tenant: Tenant, crowd: Crowd, batch: Batch
) -> tuple[int, int]:
    """Keep the campaign, and who it cannot reach; how many it can, and cannot."""
    pepper, channel = rt.settings.pepper, crowd.channel
    on = Channel.SMS if channel.by_phone else channel  # as campaigns write people down
    lost = [Recipient(addresses.key(pepper, on.value, ref), ref, None) for ref in crowd.lost]
    spared = None if crowd.spared is None else addresses.key(pepper, on.value, crowd.spared)
    store.begin(db, tenant.id, batch)
    accepted, failed = store.sort_out(db, tenant.id, batch.id, crowd.meant, on, spared, lost)
    if accepted + failed > MOST:
        detail = f"means more than {MOST:,} contacts; narrow it down"
        raise InvalidRequestError([FieldProblem("#/audience", "too_many", detail)])
    return accepted, failed


def earlier(rt: Runtime, tenant: Tenant, key: str | None, fingerprint: bytes) -> Taking | None:
    """What was made of a list under this key, counted anew; None if it was not used.

    Raises:
        PosthornError: as `intake.submit`; the list may be gone, too.
    """
    if key is None or tenant.sandboxed:  # a test's list is short, and found where it is kept
        return None
    try:
        with rt.engine.begin() as db:
            used = _used(db, tenant, key, fingerprint)
            return None if used is None else _taking(db, tenant, used)
    except DBAPIError:
        raise UnavailableError(intake.AWAY) from None


def _used(db: Connection, tenant: Tenant, key: str | None, fingerprint: bytes) -> Kept | None:
    """What a key was used for; nobody else uses it until the transaction ends."""
    if key is None:
        return None
    (free,) = idempotency.lock(db, [(tenant.id, key)])
    if not free:
        raise IdempotencyBusyError(intake.BUSY)
    used = idempotency.find(db, [(tenant.id, key)]).get((tenant.id, key))
    if used is not None and used.fingerprint != fingerprint:
        raise IdempotencyReusedError(intake.REUSED)
    return used


def _taking(db: Connection, tenant: Tenant, used: Kept) -> Taking:
    first = next(result for result in used.results if "campaign" in result or "id" in result)
    if "campaign" not in first:
        return batches.list_of(db, tenant, UUID(first["id"]))
    campaign = campaigns.find(db, tenant.id, UUID(first["campaign"]))
    if campaign is None:
        raise NotFoundError(batches.GONE)
    if campaign.snapshot_at is None:  # whom it reaches is about to be written down
        return Taking(campaign.id, campaign.created_at, first["accepted"], first["failed"])
    counts = campaigns.counts(db, campaign)
    sent = sum(n for status, n in counts.by_status.items() if batches.under_way(status))
    accepted = counts.waiting + sent
    return Taking(campaign.id, campaign.created_at, accepted, counts.total - accepted)

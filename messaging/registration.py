"""How do registrations change, and whom does that set free?

    change a brand, campaign, number or pool | commit | forget what was known | release

A message that is blocked for want of a registration is held. Whatever may clear a sender leaves a
mark with its tenant; what was held before it is queued and judged again, by us at once or by the
sweep, and held again if it still may not go.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypedDict
from uuid import UUID

from phonenumbers import SUPPORTED_REGIONS
from sqlalchemy.engine import Connection

from messaging.domain.errors import FieldProblem, InvalidRequestError, NotFoundError
from messaging.domain.lifecycle import Event, Status, advance
from messaging.domain.message import Sender
from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    RegistrationState,
    ReplyOwner,
    SenderKind,
    Verification,
    overtakes,
)
from messaging.runtime import STALE_FOR, Runtime
from messaging.store import registration_refreshes, registrations
from messaging.store.messages import Move, move
from messaging.store.registration_refreshes import Due
from messaging.store.registrations import Brand, TendlcCampaign
from messaging.store.tenants import Tenant

_BATCH = 500
_AT_ONCE = 4
"""Batches a caller waits for; the sweep sees to the rest."""


class Followed(StrEnum):
    """What a provider's answer about a registration did."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    STAYS_SUSPENDED = "stays_suspended"
    """The answer is older than the suspension."""
    OVERTAKEN = "overtaken"
    """Something was said of it while the provider was asked."""


class SenderChange(TypedDict, total=False):
    """What may be said of a number; what is left out stays as it is."""

    campaign: str | None
    """The 10DLC campaign it is on, by name; None takes it off."""
    verification: Verification
    provider_verification_id: str | None
    """Of a toll-free number: its verification's id at the provider, which is asked about it then."""
    reply_owner: ReplyOwner
    healthy: bool


def put_brand(rt: Runtime, tenant: Tenant, brand: Brand) -> None:
    """Make a brand, or change the one of this name.

    Raises:
        InvalidRequestError: the tenant has no such account.
    """
    with rt.engine.begin() as db:
        if not registrations.put_brand(db, tenant.id, rt.new_id(), brand):
            raise InvalidRequestError(
                [FieldProblem("#/account", "unknown_account", "no account of yours has this name")]
            )
        _mark(db, tenant, clears=brand.status is BrandStatus.ACTIVE)
    _changed(rt, tenant.id)


def put_campaign(rt: Runtime, tenant: Tenant, campaign: TendlcCampaign) -> None:
    """Make a 10DLC campaign, or change the one of this name.

    Raises:
        InvalidRequestError: the tenant has no such brand.
    """
    with rt.engine.begin() as db:
        if not registrations.put_campaign(db, tenant.id, rt.new_id(), campaign):
            raise InvalidRequestError(
                [FieldProblem("#/brand", "unknown_brand", "no brand of yours has this name")]
            )
        _mark(db, tenant, clears=campaign.status is CampaignStatus.VERIFIED)
    _changed(rt, tenant.id)


def change_sender(rt: Runtime, tenant: Tenant, sender_id: UUID, change: SenderChange) -> Sender:
    """Change what is said of a number; the sender as it is then.

    Raises:
        NotFoundError: the tenant has no such sender.
        InvalidRequestError: it has no such campaign, or the number needs no verification.
    """
    _check_toll_free(rt, tenant, sender_id, change)
    values: dict[str, object] = {k: v for k, v in change.items() if k != "campaign"}
    with rt.engine.begin() as db:
        if "campaign" in change:
            values["tendlc_campaign_id"] = _campaign(db, tenant, change["campaign"])
        if values and not registrations.change_senders(db, tenant.id, [sender_id], values):
            raise NotFoundError("no sender of yours has this id")
        _mark(db, tenant, clears=bool(change.keys() & {"campaign", "verification"}))
    _changed(rt, tenant.id)
    found = rt.senders_of(tenant.id).candidates.by_id.get(sender_id)
    if found is None:
        raise NotFoundError("no sender of yours has this id")
    return found


def _check_toll_free(rt: Runtime, tenant: Tenant, sender_id: UUID, change: SenderChange) -> None:
    known = rt.senders_of(tenant.id).candidates.by_id.get(sender_id)
    if known is None or known.kind is SenderKind.TOLL_FREE:
        return
    if change.get("provider_verification_id") is not None:
        detail = "only a toll-free number has a verification of its own"
        raise InvalidRequestError(
            [FieldProblem("#/provider_verification_id", "not_toll_free", detail)]
        )


def follow(
    rt: Runtime, due: Due, said: RegistrationState, as_of: datetime, *, again: timedelta
) -> Followed:
    """Take over what a provider answered about a registration; it is asked again after `again`.

    `as_of` is when that became so there, or when the provider was asked. What anybody said since it
    was asked stays, and so does a suspension from after `as_of`.
    """
    with rt.engine.begin() as db:
        known = registration_refreshes.lock(db, due)
        if known is None:
            return Followed.OVERTAKEN
        changes = overtakes(said, as_of, known.state, known.since)
        if changes:
            registration_refreshes.state(db, due, said)
            if said in {BrandStatus.ACTIVE, CampaignStatus.VERIFIED}:
                registrations.clear(db, due.tenant_id)
        registration_refreshes.answered(db, due, again)
    if changes:
        _changed(rt, due.tenant_id)
        return Followed.CHANGED
    return Followed.UNCHANGED if said == known.state else Followed.STAYS_SUSPENDED


def _campaign(db: Connection, tenant: Tenant, name: str | None) -> UUID | None:
    found = None if name is None else registrations.campaign_id(db, tenant.id, name)
    if name is not None and found is None:
        raise InvalidRequestError(
            [FieldProblem("#/campaign", "unknown_campaign", "no 10DLC campaign has this name")]
        )
    return found


def limit_pool(rt: Runtime, tenant: Tenant, name: str, regions: frozenset[str] | None) -> None:
    """Say which countries (ISO 3166, two letters) a pool may write to; None: wherever you may.

    Raises:
        NotFoundError: the tenant has no such pool.
        InvalidRequestError: there is no such country.
    """
    if regions is not None and not regions <= SUPPORTED_REGIONS:
        problem = FieldProblem(
            "#/regions", "unknown_region", "each must be a country's two capital letters, as US"
        )
        raise InvalidRequestError([problem])
    with rt.engine.begin() as db:
        if not registrations.limit_pool(db, tenant.id, name, regions):
            raise NotFoundError("no pool of yours has this name")
    rt.forget(tenant.id)


def brands(rt: Runtime, tenant: Tenant) -> list[Brand]:
    """A tenant's brands, by name."""
    with rt.engine.connect() as db:
        return registrations.brands(db, tenant.id)


def campaigns(rt: Runtime, tenant: Tenant) -> list[TendlcCampaign]:
    """A tenant's 10DLC campaigns, by name."""
    with rt.engine.connect() as db:
        return registrations.campaigns(db, tenant.id)


def pools(rt: Runtime, tenant: Tenant) -> dict[str, list[str] | None]:
    """A tenant's pools by name, each with the countries it may write to (None: wherever you may)."""
    with rt.engine.connect() as db:
        return registrations.pools(db, tenant.id)


def _mark(db: Connection, tenant: Tenant, *, clears: bool) -> None:
    if clears:
        registrations.clear(db, tenant.id)


def _changed(rt: Runtime, tenant_id: UUID) -> None:
    rt.forget(tenant_id)
    release(rt, tenant_id, rounds=_AT_ONCE)


def release(rt: Runtime, tenant_id: UUID | None = None, *, rounds: int = 50) -> int:
    """Queue what was held for want of a registration since before the latest one; returns how many.

    Of every tenant, unless one is named. It falls due, and the sweep rings for it, when no process
    can go on by the old registrations.
    """
    released = 0
    for _ in range(rounds):
        with rt.engine.begin() as db:
            taken, held = registrations.free(
                db,
                Status.BLOCKED_MISSING_CAMPAIGN,
                _BATCH,
                # Twice as long: who judges by the old ones may commit a little later.
                slack=2 * STALE_FOR,
                tenant_id=tenant_id,
            )
            if held:
                registrations.forgive(db, [message_id for message_id, _ in held])
            released += len(move(db, [_unblocked(rt, *row) for row in sorted(held)]))
        if taken < _BATCH:
            break
    return released


def _unblocked(rt: Runtime, message_id: UUID, epoch: int) -> Move:
    before, event = Status.BLOCKED_MISSING_CAMPAIGN, Event.UNBLOCKED
    after = advance(before, event)
    if after is None:  # pragma: no cover - an event of our own, which the table allows
        raise AssertionError(event)
    due = rt.now() + STALE_FOR
    return Move(message_id, epoch, before, event, after, reason="registered", due_at=due)

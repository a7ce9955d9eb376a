"""How do registrations change, and whom does that set free?

    change a brand, campaign, sender or pool | commit | forget what was known | release

A message that is blocked for want of a registration is held. Whatever may clear a sender leaves a
mark with its tenant; what was held before it is queued and judged again, by us at once or by the
sweep, and held again if it still may not go.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging import audit
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.domain.lifecycle import Event, Status, advance
from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    RegistrationState,
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
        audit.note(db, tenant.id, "brand.changed", brand.name)
    changed(rt, tenant.id)


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
        audit.note(db, tenant.id, "tendlc_campaign.changed", campaign.name)
    changed(rt, tenant.id)


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
        changed(rt, due.tenant_id)
        return Followed.CHANGED
    return Followed.UNCHANGED if said == known.state else Followed.STAYS_SUSPENDED


def brands(rt: Runtime, tenant: Tenant) -> list[Brand]:
    """A tenant's brands, by name."""
    with rt.engine.connect() as db:
        return registrations.brands(db, tenant.id)


def campaigns(rt: Runtime, tenant: Tenant) -> list[TendlcCampaign]:
    """A tenant's 10DLC campaigns, by name."""
    with rt.engine.connect() as db:
        return registrations.campaigns(db, tenant.id)


def _mark(db: Connection, tenant: Tenant, *, clears: bool) -> None:
    if clears:
        registrations.clear(db, tenant.id)


def changed(rt: Runtime, tenant_id: UUID) -> None:
    """Go by what was just committed, and queue what it sets free."""
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

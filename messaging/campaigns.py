"""Campaigns as people handle them: looked at, started, paused, resumed, canceled, retried.

What follows from it is done by the clock (`messaging.expansion`); here only the row says what is wanted.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging import audit
from messaging.campaign_drafts import found, mine
from messaging.domain.campaign_states import CampaignState, Step, step
from messaging.domain.errors import ConflictError, NotFoundError
from messaging.domain.failures import Kind
from messaging.domain.retry import ATTEMPTS_EXHAUSTED
from messaging.queues import Task
from messaging.runtime import Runtime
from messaging.store import campaign_recipients, campaigns
from messaging.store.campaign_recipients import RecipientView
from messaging.store.campaigns import Campaign, Counts
from messaging.store.tenants import Tenant


class Failed(StrEnum):
    """Whose messages are sent again."""

    TRANSIENT = "transient"
    """Those that might have gone well at another time."""
    ALL = "all"


_TRANSIENT = (
    ATTEMPTS_EXHAUSTED, Kind.NOT_SENT.value, Kind.TRANSIENT.value, Kind.RATE_LIMITED.value,
    "no_sender", "no_sender_in_pool",
)  # fmt: skip


def get(rt: Runtime, tenant: Tenant, campaign_id: UUID) -> tuple[Campaign, Counts]:
    """A campaign, and what has become of its recipients, as of one moment.

    Raises:
        NotFoundError: no such campaign of this tenant.
    """
    with rt.engine.connect().execution_options(isolation_level="REPEATABLE READ") as db:
        campaign = found(campaigns.find(db, tenant.id, campaign_id))
        return campaign, campaigns.counts(db, campaign)


def page(rt: Runtime, tenant: Tenant, before: UUID | None, limit: int) -> list[Campaign]:
    """The tenant's campaigns, newest first."""
    with rt.engine.connect() as db:
        return campaigns.page(db, tenant.id, before, limit)


def recipients(
    rt: Runtime, tenant: Tenant, campaign_id: UUID, state: str | None, after: int, limit: int
) -> list[RecipientView]:
    """Recipients in their order, behind place `after`; those in one state if it is given.

    Raises:
        NotFoundError: no such campaign of this tenant.
    """
    with rt.engine.connect() as db:
        campaign = found(campaigns.find(db, tenant.id, campaign_id))
        ended = campaign.state in {CampaignState.CANCELING, CampaignState.CANCELED}
        return campaign_recipients.page(
            db, campaign.id, canceled=ended, state=state, after=after, limit=limit
        )


def start(rt: Runtime, tenant: Tenant, campaign_id: UUID) -> Campaign:
    """Start it: now, or at its time.

    Raises:
        NotFoundError, ConflictError: as `pause`.
    """
    with rt.engine.begin() as db:
        campaign, now = mine(db, tenant, campaign_id), rt.now()
        later = campaign.scheduled_for is not None and campaign.scheduled_for > now
        if "audience" not in campaign.request and not campaign.targets:
            raise ConflictError("it is to nobody; add recipients, or make one with an audience")
        waits = later and campaign.state is CampaignState.DRAFT
        _step(db, campaign, Step.SCHEDULE if waits else Step.START, now)
        if waits:
            campaigns.note(db, campaign.id, next_at=campaign.scheduled_for)
        changed = found(campaigns.find(db, tenant.id, campaign.id))
    rt.hints.ring(Task.CAMPAIGNS)
    return changed


def start_named(rt: Runtime, tenant: Tenant, name: str) -> Campaign:
    """Start the campaign of this name: now, or at its time.

    Raises:
        NotFoundError, ConflictError: as `pause`.
    """
    with rt.engine.connect() as db:
        campaign_id = campaigns.id_of(db, tenant.id, name)
    if campaign_id is None:
        raise NotFoundError("no campaign of yours has this name")
    return start(rt, tenant, campaign_id)


def pause(rt: Runtime, tenant: Tenant, campaign_id: UUID) -> Campaign:
    """Let nothing more leave: what has no message yet gets none, what is queued is put off.

    A process may go on for the two seconds it knows no better.

    Raises:
        NotFoundError: no such campaign of this tenant.
        ConflictError: its state does not allow it.
    """
    changed = _stepped(rt, tenant, campaign_id, Step.PAUSE, reason="asked")
    rt.forget(tenant.id)
    return changed


def resume(rt: Runtime, tenant: Tenant, campaign_id: UUID) -> Campaign:
    """Let it go on; what was put off is due at once. A canary that was waited for is over.

    Raises:
        NotFoundError, ConflictError: as `pause`.
    """
    with rt.engine.begin() as db:
        campaign, now = mine(db, tenant, campaign_id), rt.now()
        canary = None if campaign.state_reason == "canary" else campaign.canary
        _step(db, campaign, Step.RESUME, now, canary=canary, paced_at=now)
        campaigns.promote(db, campaign)
        changed = found(campaigns.find(db, tenant.id, campaign.id))
    rt.forget(tenant.id)
    rt.hints.ring(Task.CAMPAIGNS)
    return changed


def cancel(rt: Runtime, tenant: Tenant, campaign_id: UUID) -> Campaign:
    """Call it off: nobody who has no message yet gets one, and what waits is taken back.

    Raises:
        NotFoundError, ConflictError: as `pause`.
    """
    changed = _stepped(rt, tenant, campaign_id, Step.CANCEL, reason="asked")
    rt.forget(tenant.id)
    rt.hints.ring(Task.CAMPAIGNS)
    return changed


def retry(rt: Runtime, tenant: Tenant, campaign_id: UUID, which: Failed) -> tuple[Campaign, int]:
    """Write again to those of a finished campaign whose message failed; how many they are.

    Never to somebody who may have got it after all (`unknown_outcome`). The messages that failed stay.

    Raises:
        NotFoundError, ConflictError: as `pause`.
    """
    reasons = None if which is Failed.ALL else _TRANSIENT
    with rt.engine.begin() as db:
        campaign, now = mine(db, tenant, campaign_id), rt.now()
        if step(campaign.state, Step.RETRY) is None:
            raise _conflict(campaign, Step.RETRY)
        again = campaign_recipients.try_again(db, campaign.id, reasons)
        if again:
            _step(db, campaign, Step.RETRY, now, expanded_to=0, paced_at=now, finished_at=None)
        changed = found(campaigns.find(db, tenant.id, campaign.id))
    rt.hints.ring(Task.CAMPAIGNS)
    return changed, again


def _stepped(
    rt: Runtime, tenant: Tenant, campaign_id: UUID, what: Step, reason: str | None = None
) -> Campaign:
    with rt.engine.begin() as db:
        campaign = mine(db, tenant, campaign_id)
        _step(db, campaign, what, rt.now(), reason=reason)
        return found(campaigns.find(db, tenant.id, campaign.id))


def _step(
    db: Connection,
    campaign: Campaign,
    what: Step,
    now: datetime,
    *,
    reason: str | None = None,
    **values: Any,
) -> None:
    if not campaigns.move(db, campaign, what, now, reason=reason, **values):
        raise _conflict(campaign, what)
    audit.note(db, campaign.tenant_id, f"campaign.{_WORDS[what]}", campaign.name)


def _conflict(campaign: Campaign, what: Step) -> ConflictError:
    word = "started" if what is Step.SCHEDULE else _WORDS[what]
    return ConflictError(f"a campaign that is {campaign.state} cannot be {word}")


_WORDS = {
    Step.START: "started",
    Step.SCHEDULE: "scheduled",
    Step.PAUSE: "paused",
    Step.RESUME: "resumed",
    Step.CANCEL: "canceled",
    Step.RETRY: "retried",
}

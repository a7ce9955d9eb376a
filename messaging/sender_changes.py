"""What of a sender changes once it is there? Its registration, its state, its limits and its pools."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging import audit, registration
from messaging.domain.addresses import region_of
from messaging.domain.errors import FieldProblem, InvalidRequestError, NotFoundError
from messaging.domain.registration import answers_unless_said
from messaging.domain.sender_health import SenderState
from messaging.domain.sender_request import (
    SenderPatch,
    problems_with,
    usual_capabilities,
    usual_mps,
)
from messaging.domain.warm_up import carrier_day
from messaging.runtime import Runtime
from messaging.store import fleet, fleet_views, registrations, sender_states
from messaging.store.fleet import Known
from messaging.store.fleet_views import SenderView
from messaging.store.sender_states import OPERATOR, Entered, Entry
from messaging.store.tenants import Tenant

_NONE_OF_YOURS = "no sender of yours has this id"
_FREEING = {"campaign", "verification", "capabilities", "country", "pools", "state", "is_default"}
"""Whatever of these is said may let something be sent that is held."""
_COLUMNS = ("verification", "provider_verification_id", "owner", "daily_recipients", "is_default")


def views(rt: Runtime, tenant: Tenant) -> list[SenderView]:
    """A tenant's senders that are in use, with what they did today."""
    with rt.engine.connect() as db:
        return fleet_views.read(db, tenant.id)


def view(rt: Runtime, tenant: Tenant, sender_id: UUID) -> tuple[SenderView, list[Entered]]:
    """One sender, retired or not, and its latest states, newest first.

    Raises:
        NotFoundError: the tenant has no such sender.
    """
    with rt.engine.connect() as db:
        found = fleet_views.read(db, tenant.id, sender_id)
        if not found:
            raise NotFoundError(_NONE_OF_YOURS)
        return found[0], sender_states.history(db, sender_id)


def named(rt: Runtime, tenant: Tenant, name: str) -> UUID:
    """The id of a sender by its address or its id.

    Raises:
        NotFoundError: the tenant has no such sender in use.
    """
    with rt.engine.connect() as db:
        found = fleet.find(db, tenant.id, name)
    if found is None:
        raise NotFoundError("no sender of this tenant has this address or id")
    return found


def retire(rt: Runtime, tenant: Tenant, sender_id: UUID) -> None:
    """Take a sender out of use for ever.

    Raises:
        NotFoundError: the tenant has no such sender in use.
    """
    change(rt, tenant, sender_id, SenderPatch(state=SenderState.RETIRED))


def change(rt: Runtime, tenant: Tenant, sender_id: UUID, patch: SenderPatch) -> SenderView:
    """Change what is set in `patch`; the sender as it is then.

    Raises:
        NotFoundError: the tenant has no such sender in use.
        InvalidRequestError: it has no such campaign or pool, or that cannot be true of the sender.
    """
    said = patch.model_fields_set
    with rt.engine.begin() as db:
        known = fleet.lock(db, tenant.id, sender_id)
        if known is None:
            raise NotFoundError(_NONE_OF_YOURS)
        wrong = problems_with(patch, known.channel, known.kind, "#")
        values = _values(rt, patch, known)
        if "campaign" in said:
            campaign = _campaign(db, tenant, patch.campaign, wrong)
            values["tendlc_campaign_id"] = campaign
        pools = _pools(db, tenant, patch, wrong) if "pools" in said else None
        if wrong:
            raise InvalidRequestError(wrong)
        if values:
            registrations.change_senders(db, tenant.id, [sender_id], values)
        if pools is not None:
            fleet.belong(db, sender_id, pools)
        if "state" in said:
            entry = Entry(sender_id, None, patch.state, OPERATOR, measured_since=rt.now())
            sender_states.enter(db, [entry])
        if said & _FREEING:
            registrations.clear(db, tenant.id)
        retired = patch.state is SenderState.RETIRED
        audit.note(
            db, tenant.id, "sender.retired" if retired else "sender.changed", sender_id, said
        )
    registration.changed(rt, tenant.id)
    return view(rt, tenant, sender_id)[0]


def _values(rt: Runtime, patch: SenderPatch, known: Known) -> dict[str, Any]:
    """The columns to set; what is null becomes what is usual."""
    said = patch.model_fields_set
    values: dict[str, Any] = {name: getattr(patch, name) for name in _COLUMNS if name in said}
    if "mps" in said:
        values["mps"] = patch.mps or usual_mps(known.kind)
    if "capabilities" in said:
        able = patch.capabilities or usual_capabilities(known.channel)
        values["capabilities"] = sorted(able)
    if "country" in said:
        numbered = known.address.startswith("+")
        values["country"] = patch.country or (region_of(known.address) if numbered else None)
    if "reply_owner" in said:
        values["reply_owner"] = patch.reply_owner or answers_unless_said(known.kind)
    if said & {"ramp", "ramp_level"}:
        steps = patch.ramp if "ramp" in said else known.ramp
        level = min(patch.ramp_level, len(steps or ()))
        values |= {"ramp": steps, "ramp_level": level, "ramp_since": carrier_day(rt.now())}
    return values


def _campaign(
    db: Connection, tenant: Tenant, name: str | None, wrong: list[FieldProblem]
) -> UUID | None:
    if name is None:
        return None
    found = fleet.campaign_ids(db, tenant.id).get(name)
    if found is None:
        detail = "no 10DLC campaign of yours has this name"
        wrong.append(FieldProblem("#/campaign", "unknown_campaign", detail))
    return found


def _pools(
    db: Connection, tenant: Tenant, patch: SenderPatch, wrong: list[FieldProblem]
) -> list[UUID]:
    known = fleet.pool_ids(db, tenant.id)
    for i, name in enumerate(patch.pools):
        if name not in known:
            detail = "no pool of yours has this name; make it first"
            wrong.append(FieldProblem(f"#/pools/{i}", "unknown_pool", detail))
    return sorted({known[name] for name in patch.pools if name in known})

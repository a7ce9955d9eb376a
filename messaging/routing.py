"""Which sender carries a message, from everything a process knows, and how that choice is written down."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from messaging.domain import areas, selection
from messaging.domain.bindings import BindingKind
from messaging.domain.candidates import Candidates
from messaging.domain.choice import Choice, History, NoSender, Trace
from messaging.runtime import TenantSenders
from messaging.store.facts import Case

_TOLD_ABSENT = 3


def choose(
    case: Case, candidates: Candidates, known: TenantSenders, now: datetime
) -> Choice | NoSender:
    """The sender of one claimed message; books it, so that the next one sees a busier sender."""
    found = selection.choose(case.message, candidates, history_of(case, known), now)
    if isinstance(found, Choice):
        known.headroom.book(found.sender, case.message.segments, now.timestamp())
    return found


def history_of(case: Case, known: TenantSenders) -> History:
    """What speaks for some of a tenant's senders."""
    message, bindings = case.message, known.bindings
    history = History(
        sticky_sender_id=case.sticky_sender_id,
        lead_sender_id=case.lead_sender_id,
        area=areas.area_of(message.recipient),
        tiers=known.tiers,
        headroom=known.headroom,
    )
    if case.sticky_sender_id is not None:
        history.grace = timedelta(hours=known.policy.sender_health.grace_hours)
    if bindings.bound:
        history.preferred_sender_ids = bindings.tenant.sender_ids
        campaign = bindings.get(BindingKind.CAMPAIGN, message.campaign)
        bound = campaign | bindings.get(BindingKind.SOURCE, message.source)
        history.campaign_sender_ids, history.campaign_pool_ids = bound.sender_ids, bound.pool_ids
        if bound.account_ids:
            history.tiers = (*(frozenset({id_}) for id_ in bound.account_ids), *known.tiers)
    pool = known.pool_settings.get(message.pool_id) if message.pool_id is not None else None
    if pool is not None:
        history.sticky, history.local, history.within_km = pool.sticky, pool.local, pool.local_km
    return history


def told(trace: Trace, chosen: UUID | None) -> dict[str, Any]:
    """A trace as it is kept: ids and words, no address."""
    told: dict[str, Any] = {"candidates": trace.candidates}
    if chosen is not None:
        told["chosen"] = chosen
    if trace.passed:
        told["passed"] = [(p.sender_id, p.under, p.why, p.free_at) for p in trace.passed]
    if trace.absent:
        told["absent"] = Counter(why.value for _, why in trace.absent)
        told["absent_first"] = trace.absent[:_TOLD_ABSENT]
    return told

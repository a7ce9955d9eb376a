"""Which sender carries a message, from everything a process knows, and how that choice is written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from messaging.breakers import Route
from messaging.domain import areas, selection
from messaging.domain.bindings import BindingKind
from messaging.domain.candidates import Candidates, Pass, carries
from messaging.domain.choice import Choice, History, NoSender, Trace
from messaging.domain.compliance.places import place_of
from messaging.domain.message import Message, ProviderAccount
from messaging.judgement import candidates_for
from messaging.runtime import Runtime, TenantSenders
from messaging.store.facts import Case

_TOLD_ABSENT = 3


class Ways(NamedTuple):
    """What is known of the provider accounts a message might take."""

    avoid: dict[UUID, Pass]
    """Those that are down for its route, or did not take it before, and which of the two."""
    probing: list[UUID]
    """Those that are half-open, and wait for somebody to try them."""


def choose(
    case: Case,
    candidates: Candidates,
    known: TenantSenders,
    ways: Ways,
    now: datetime,
) -> Choice | NoSender:
    """The sender of one claimed message; books it, so that the next one sees a busier sender."""
    history = history_of(case, known)
    history.avoid, history.probing = ways
    found = selection.choose(case.message, candidates, history, now)
    if isinstance(found, Choice):
        known.headroom.book(found.sender, case.message.segments, now.timestamp())
        if len(found.among) > 1:
            account_id = found.sender.account_id
            known.balance.book(account_id, case.message.segments, found.among)
    return found


def ways(
    rt: Runtime,
    message: Message,
    known: TenantSenders,
    country: str | None,
    under_way: Mapping[Route, int],
) -> Ways:
    """What is known of the accounts; `under_way` are the batch's messages already meant for a route."""
    found = Ways(dict.fromkeys(message.failed_account_ids, Pass.PROVIDER_FAILED), [])
    circuits = rt.breakers.circuits()
    if circuits:
        for account_id in known.accounts:
            route = Route(account_id, message.channel, country)
            circuit = circuits.get(str(route))
            if circuit is None:
                continue
            if rt.breakers.room(circuit) > under_way.get(route, 0):
                found.probing.append(account_id)
            else:
                found.avoid[account_id] = Pass.PROVIDER_DOWN
    return found


def until_some_route(
    rt: Runtime, message: Message, known: TenantSenders, country: str | None
) -> float:
    """In how many seconds a message that found every route down looks again."""
    circuits = rt.breakers.circuits()
    routes = (str(Route(account_id, message.channel, country)) for account_id in known.accounts)
    waits = [
        rt.breakers.look_again(circuits[route], rt.rng.random())
        for route in routes
        if route in circuits
    ]
    return min(waits, default=0.0) + _LEAST_WAIT


def elsewhere(rt: Runtime, message: Message, account: ProviderAccount) -> bool:
    """Whether some other account could carry a message that this one has not failed before."""
    if message.sender_id is not None or account.id in message.failed_account_ids:
        return False
    passed = {account.id, *message.failed_account_ids}
    known = rt.senders_of(message.tenant_id)
    if known.accounts.keys() <= passed:
        return False
    candidates = candidates_for(message, known, place_of(message).country)
    serving = candidates.serving(place_of(message).country).by_id.values()
    return any(
        carries(s, message.channel) and s.healthy and s.account_id not in passed for s in serving
    )


_LEAST_WAIT = 0.2


def history_of(case: Case, known: TenantSenders) -> History:
    """What speaks for some of a tenant's senders."""
    message, bindings = case.message, known.bindings
    history = History(
        sticky_sender_id=case.sticky_sender_id,
        lead_sender_id=case.lead_sender_id,
        area=areas.area_of(message.recipient),
        tiers=known.tiers,
        headroom=known.headroom,
        balance=known.balance,
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

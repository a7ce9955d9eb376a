"""What happens to each message of a batch: judged, given a sender, and sent now or later.

    judge -> choose -> within the account's limit -> reserve every rate -> a plan

Nothing is written and nothing is sent here; `dispatch` does both with the plan it gets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from messaging import routing
from messaging.breakers import Route
from messaging.charging import affordable
from messaging.domain import compliance
from messaging.domain.candidates import Candidates
from messaging.domain.choice import Choice, Lack
from messaging.domain.compliance import Allow
from messaging.domain.compliance.places import place_of
from messaging.domain.compliance.verdicts import ALLOW
from messaging.domain.explanation import SENDER
from messaging.domain.lifecycle import Event
from messaging.domain.message import Category
from messaging.granting import admitted, may_repeat, reserve, within_accounts, within_velocity
from messaging.judgement import candidates_for, complete, judgement
from messaging.openings import Line, Opening, Plan, hold_back, move
from messaging.runtime import Runtime, TenantSenders
from messaging.store.facts import Case
from messaging.window import Window

_BUDGET_WAIT = timedelta(seconds=2)
_PASSES = {
    Lack.NO_HEALTHY_SENDER: timedelta(minutes=1),
    Lack.DAILY_LIMITS: timedelta(minutes=15),
}
"""What may pass by itself, and when it is looked at again."""


def decide(rt: Runtime, window: Window, cases: Sequence[Case], line: Line) -> Plan:
    """Judge each case, choose its sender, and see who may go now and who must wait."""
    plan = Plan()
    now = rt.now()
    wishes: list[tuple[Case, Opening]] = []
    lately: defaultdict[tuple[UUID, bytes, Category], list[datetime]] = defaultdict(list)
    for case in cases:
        message, facts = case.message, case.facts
        known = rt.senders_of(message.tenant_id)
        country = place_of(message).country
        complete(facts, message, known, country)
        sent = lately[message.tenant_id, message.recipient_key, message.category]
        if message.category is not Category.TRANSACTIONAL:
            facts.recent += tuple(sent)
        verdict = compliance.judge(message, facts, now)
        if not isinstance(verdict, Allow):
            hold_back(plan, case, verdict, now)
            continue
        serving = candidates_for(message, known, country).serving(country)
        opening = _choose(rt, case, serving, known, plan, now, country)
        if opening is not None:
            opening.until = verdict.until
            wishes.append((case, opening))
            sent.append(now)
    granted = reserve(rt, within_accounts(rt, window, wishes, plan, now), plan, now, line)
    granted = affordable(rt, within_velocity(rt, granted, plan, now), plan, now, line)
    for case, opening in admitted(rt, granted, plan, now):
        plan.openings.append((case, opening))
        choice = opening.choice
        kept = judgement("dispatch", case.message, case.facts, Allow(opening.until), now)
        kept.trace = routing.told(choice.trace, choice.sender.id)
        plan.judgements.append(kept)
        plan.moves.append(
            move(
                case,
                Event.ATTEMPTED,
                account_id=opening.account.id,
                sender_id=choice.sender.id,
                selection_reason=choice.reason,
                warms_up=choice.sender.warming,
            )
        )
    return plan


def _choose(
    rt: Runtime,
    case: Case,
    candidates: Candidates,
    known: TenantSenders,
    plan: Plan,
    now: datetime,
    country: str | None,
) -> Opening | None:
    ways = routing.ways(rt, case.message, known, country, plan.under_way)
    found = routing.choose(case, candidates, known, ways, now)
    if isinstance(found, Choice):
        account = known.accounts[found.sender.account_id]
        route = Route(account.id, case.message.channel, country)
        if not may_repeat(rt, case, account, plan):
            plan.waits[case.message.id] = now + _BUDGET_WAIT * (1 + rt.rng.random())
            return None
        plan.under_way[route] += 1
        return Opening(found, account, route)
    if found.reason is Lack.PROVIDER_DOWN:
        wait = routing.until_some_route(rt, case.message, known, country)
        plan.waits[case.message.id] = now + timedelta(seconds=wait)
        return None
    kept = judgement("dispatch", case.message, case.facts, ALLOW, now)
    kept.outcome, kept.rule, kept.reason = "block", SENDER, found.reason
    kept.trace = routing.told(found.trace, None)
    if found.reason in _PASSES:
        # Nothing is lost over what may pass by itself; the reason shows why it waits.
        kept.outcome, kept.until = "defer", now + _PASSES[found.reason]
        plan.moves.append(move(case, Event.DEFERRED, reason=found.reason, due_at=kept.until))
    else:
        plan.refuse(case, Event.REFUSED, found.reason)
    plan.judgements.append(kept)
    return None

"""Who of a batch can be paid for? The last question before routes, and only of tenants that are billed.

What is granted here is written down with the attempts (`Plan.charges`); until then the purse is
locked. Who has no money is blocked and held, who only has to wait for another day waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from messaging.domain.compliance.places import place_of
from messaging.domain.compliance.verdicts import ALLOW
from messaging.domain.lifecycle import Event
from messaging.domain.pricing import Card, cost_of
from messaging.domain.spending import Ask, Billing, Purse, Short, next_day
from messaging.judgement import judgement
from messaging.openings import Line, Opening, Plan, move
from messaging.runtime import Runtime
from messaging.store.balances import Charge, Standing
from messaging.store.facts import Case

RULE = "billing"
"""The `rule` of a verdict that no rule gave: there was no money for it."""

_Pair = tuple[Case, Opening]


def affordable(
    rt: Runtime, granted: Sequence[_Pair], plan: Plan, now: datetime, line: Line
) -> list[_Pair]:
    """Those whose tenants can pay for them, and those of tenants that are not billed."""
    cards = {
        case.message.tenant_id: rt.senders_of(case.message.tenant_id).card for case, _ in granted
    }
    if not any(cards.values()):
        return list(granted)
    billed = {
        case.message.id: (case, opening)
        for case, opening in granted
        if cards[case.message.tenant_id] is not None
    }
    tenants = {case.message.tenant_id for case, _ in billed.values()}
    purses, standing = line.purses(tenants, list(billed))
    for message_id in sorted(billed):  # ids are in the order of time
        case, opening = billed[message_id]
        card, purse = cards[case.message.tenant_id], purses.get(case.message.tenant_id)
        if card is None or purse is None or message_id not in standing:
            continue
        known = standing[message_id]
        short = _charge(plan, purse, known, case, _cost(case, opening, card))
        if short is None:
            continue
        del billed[message_id]
        _hold_back(plan, case, short, now)
    return [
        pair
        for pair in granted
        if cards[pair[0].message.tenant_id] is None or pair[0].message.id in billed
    ]


def _cost(case: Case, opening: Opening, card: Card) -> Decimal | None:
    country = place_of(case.message).country
    return cost_of(case.message, opening.account.provider, country, card)


def _charge(
    plan: Plan, purse: Purse, known: Standing, case: Case, amount: Decimal | None
) -> Short | None:
    message = case.message
    charge = Charge(message.id, message.tenant_id, message.campaign, amount)
    short = None
    if known.excluded:
        charge.amount, charge.status = Decimal(0), Billing.EXCLUDED
    else:
        short = purse.take(Ask(message.id, amount, message.campaign, known.held))
        if short is None and amount is not None:
            charge.need, charge.status = amount - known.held, Billing.RESERVED
    if short is None or not known.held:  # what is reserved for it says what it was reserved at
        plan.charges.append(charge)
    return short


def _hold_back(plan: Plan, case: Case, short: Short, now: datetime) -> None:
    """Until another day, or until somebody pays; the reason says which."""
    kept = judgement("dispatch", case.message, case.facts, ALLOW, now)
    kept.rule, kept.reason = RULE, short.value
    plan.judgements.append(kept)
    if short is not Short.DAY:
        kept.outcome = "block"
        plan.refuse(case, Event.BLOCKED_BILLING, short.value)
        return
    until = next_day(now)
    kept.outcome, kept.until = "defer", min(until, case.message.expires_at or until)
    plan.moves.append(move(case, Event.DEFERRED, reason=short.value, due_at=kept.until))

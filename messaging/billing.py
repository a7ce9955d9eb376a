"""Who is billed, at which prices, and what does money set free?

    enable | price | top up, cap | commit | forget what was known | release

A tenant without a balance is not billed. What cannot be paid for is blocked and held; whatever eases
that leaves a mark with the balance, and what fits now is queued and judged again, oldest first, at once
or by the sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging import audit
from messaging.domain import billing_request
from messaging.domain.errors import ConflictError, NotFoundError
from messaging.domain.file_problems import FileProblems, text_of
from messaging.domain.lifecycle import Event, Status, advance
from messaging.domain.pricing import Card, Price
from messaging.domain.spending import NOTHING, Ask, Purse, Short, next_day
from messaging.runtime import STALE_FOR, Runtime
from messaging.store import balances, budgets, prices
from messaging.store.budgets import Blocked, Budget
from messaging.store.messages import Move, move
from messaging.store.prices import PriceView
from messaging.store.tenants import Tenant

_TICK = 1_000
_BATCH = 500
_AT_ONCE = 4
"""Batches a caller waits for; the sweep sees to the rest."""
_WOKEN = 5_000
_OURS = frozenset(Short)
"""What we blocked; what a provider did for want of its money is set free by an operator."""
NOT_BILLED = "this tenant is not billed; 'posthorn billing enable' begins that"


def enable(rt: Runtime, tenant: Tenant, currency: str) -> None:
    """Bill a tenant from now on, from a balance of 0.

    Raises:
        ConflictError: it is billed already.
    """
    with rt.engine.begin() as db:
        if not budgets.enable(db, tenant.id, currency):
            raise ConflictError("this tenant is billed already")
        audit.note(db, tenant.id, "budget.changed", fields=["enabled"])
    rt.forget(tenant.id)


def show(rt: Runtime, tenant: Tenant) -> Budget:
    """What a tenant may spend, and has spent today.

    Raises:
        NotFoundError: it is not billed.
    """
    with rt.engine.connect() as db:
        found = budgets.show(db, tenant.id, rt.now().date())
    if found is None:
        raise NotFoundError(NOT_BILLED)
    return found


def top_up(rt: Runtime, tenant: Tenant, amount: Decimal) -> Budget:
    """Add to a balance (or take from it, below 0), and set free what it pays for.

    Raises:
        NotFoundError: the tenant is not billed.
    """
    with rt.engine.begin() as db:
        if not budgets.top_up(db, tenant.id, amount, rt.now().date()):
            raise NotFoundError(NOT_BILLED)
        audit.note(db, tenant.id, "balance.topped_up")
    release(rt, tenant.id, rounds=_AT_ONCE)
    return show(rt, tenant)


def cap_day(rt: Runtime, tenant: Tenant, cap: Decimal | None) -> Budget:
    """Say what a day (UTC) may cost; None lifts the cap. What waits for tomorrow is asked about again.

    Raises:
        NotFoundError: the tenant is not billed.
    """
    with rt.engine.begin() as db:
        if not budgets.cap_day(db, tenant.id, cap):
            raise NotFoundError(NOT_BILLED)
        audit.note(db, tenant.id, "budget.changed", fields=["day_cap"])
    _wake(rt, tenant)
    release(rt, tenant.id, rounds=_AT_ONCE)
    return show(rt, tenant)


def _wake(rt: Runtime, tenant: Tenant) -> None:
    """What the new cap has no room for, either, is put off again."""
    woken = _WOKEN
    while woken == _WOKEN:
        with rt.engine.begin() as db:
            woken = budgets.wake(db, tenant.id, Short.DAY.value, next_day(rt.now()), _WOKEN)


def cap_campaign(rt: Runtime, tenant: Tenant, campaign: str, cap: Decimal | None) -> Budget:
    """Say what a campaign may cost in all, what it has cost included; None lifts the cap.

    Raises:
        NotFoundError: the tenant is not billed.
    """
    with rt.engine.begin() as db:
        if not balances.purses(db, [tenant.id], rt.now().date()):
            raise NotFoundError(NOT_BILLED)
        budgets.cap_campaign(db, tenant.id, campaign, cap)
        audit.note(db, tenant.id, "budget.changed", campaign, ["cap"])
    release(rt, tenant.id, rounds=_AT_ONCE)
    return show(rt, tenant)


def set_prices(
    rt: Runtime, tenant: Tenant, new: Sequence[Price], since: datetime | None = None
) -> None:
    """Keep prices, from now or another time on: the tenant's `own`, and everybody's.

    What was reserved keeps its price. Messages of this tenant that had none are tried again.
    """
    _keep_prices(rt, tenant, {since: list(new)})


def import_prices(
    rt: Runtime,
    tenant: Tenant,
    content: bytes,
    *,
    own: bool,
    tick: Callable[[int], None] = lambda _lines: None,
) -> int:
    """Keep every price of a CSV file (`domain.billing_request`), or none; how many there were.

    Raises:
        InvalidRequestError: with a pointer to line and field, the first hundred problems.
    """
    found: dict[datetime | None, list[Price]] = {}
    wrong, number, count = FileProblems(), 0, 0
    for number, row in billing_request.prices(text_of(content)):
        if isinstance(row, list):
            wrong.add(number, row)
        else:
            found.setdefault(row.since, []).append(row.price(own=own))
            count += 1
        if number % _TICK == 0:
            tick(number)
    tick(number)
    wrong.refuse()
    _keep_prices(rt, tenant, found)
    return count


def _keep_prices(rt: Runtime, tenant: Tenant, new: Mapping[datetime | None, list[Price]]) -> None:
    now = rt.now()
    with rt.engine.begin() as db:
        for since, some in new.items():
            prices.add(db, tenant.id, [price for price in some if price.own], since or now)
            prices.add(db, None, [price for price in some if not price.own], since or now)
        audit.note(db, tenant.id, "rate_card.changed")
    rt.forget(tenant.id)
    _all_of(rt, tenant.id, only=Short.NO_PRICE)


def listed(rt: Runtime, tenant: Tenant) -> list[PriceView]:
    """Every price there is for a tenant: its own, then everybody's; also those of before and to come."""
    with rt.engine.connect() as db:
        return prices.listed(db, tenant.id)


def card(rt: Runtime, tenant: Tenant) -> Card | None:
    """The prices that hold for a tenant now (`pricing.price_of`, `range_of`); None if it is not billed."""
    return rt.senders_of(tenant.id).card


def release_all(rt: Runtime, tenant: Tenant) -> int:
    """Queue all that is blocked for want of money, ours or a provider's; returns how many."""
    return _all_of(rt, tenant.id)


def release(rt: Runtime, tenant_id: UUID | None = None, *, rounds: int = 50) -> int:
    """Queue what was blocked for want of money and fits now, oldest first; returns how many.

    Of every tenant where something changed, unless one is named.
    """
    with rt.engine.connect() as db:
        waiting = budgets.eased(db, tenant_id)
    return sum(_release(rt, tenant, at, rounds) for tenant, at in waiting)


def _release(rt: Runtime, tenant_id: UUID, eased_at: datetime, rounds: int) -> int:
    """One tenant's. What was queued here is not reserved yet, so it is counted against the purse."""
    released, promised, last = 0, NOTHING, None
    for _ in range(rounds):
        with rt.engine.begin() as db:
            purse = balances.purses(db, [tenant_id], rt.now().date())[tenant_id]
            before = purse.balance = purse.balance - promised
            found = budgets.blocked(db, tenant_id, last, _BATCH)
            fitting = [each for each in found if _fits(each, purse)]
            promised += before - purse.balance
            released += _free(rt, db, fitting)
            if len(found) == _BATCH and fitting:
                last = found[-1]
                continue
            if not released:  # otherwise the sweep looks once more, when what was queued has paid
                budgets.done(db, tenant_id, eased_at)
            break
    return released


def _fits(blocked: Blocked, purse: Purse) -> bool:
    if blocked.epoch is None:  # it was called off meanwhile: only its row is taken
        return True
    if blocked.reason not in _OURS or blocked.reason == Short.NO_PRICE:
        return False
    ask = Ask(blocked.message_id, blocked.amount, blocked.campaign)
    purse.spent_today = NOTHING  # what waits for another day only is no longer blocked
    return purse.take(ask) is None


def _all_of(rt: Runtime, tenant_id: UUID, only: Short | None = None) -> int:
    released, last = 0, None
    while True:
        with rt.engine.begin() as db:
            found = budgets.blocked(db, tenant_id, last, _BATCH)
            chosen = [each for each in found if only is None or each.reason == only]
            released += _free(rt, db, chosen)
        if len(found) < _BATCH:
            return released
        last = found[-1]


def _free(rt: Runtime, db: Connection, chosen: Sequence[Blocked]) -> int:
    """Queue blocked messages whose rows in `held` are locked; returns how many still were."""
    budgets.unhold(db, [each.message_id for each in chosen])
    before, event = Status.BLOCKED_BILLING, Event.UNBLOCKED
    after = advance(before, event)
    if after is None:  # pragma: no cover - an event of our own, which the table allows
        raise AssertionError(event)
    due = rt.now() + STALE_FOR  # when no process goes by the old prices any more
    steps = [
        Move(
            each.message_id,
            each.epoch,
            before,
            event,
            after,
            reason="paid",
            due_at=due if each.reason == Short.NO_PRICE else None,
        )
        for each in sorted(chosen, key=lambda each: each.message_id)
        if each.epoch is not None
    ]
    return len(move(db, steps))

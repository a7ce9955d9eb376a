"""Of those that have a sender, who may go now: within accounts, rates, routes, and what goes abroad?

Whoever may not waits in Postgres, each until its own time, and is claimed again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from messaging import limits
from messaging.domain import compliance
from messaging.domain.compliance import Allow
from messaging.domain.compliance.places import place_of
from messaging.domain.message import ProviderAccount
from messaging.domain.rates import Distinct, Limit
from messaging.limits import Ledger
from messaging.openings import Line, Opening, Plan, hold_back
from messaging.runtime import Runtime
from messaging.store.facts import Case
from messaging.velocity import prefix_of
from messaging.window import Window

_LONGEST_ACCOUNT_WAIT = 30.0
_PROBE_WAIT = timedelta(seconds=0.2)
_FULL_FOR = timedelta(minutes=1)
"""How long a sender at its daily limit is passed over unasked: somebody may raise the limit."""


def may_repeat(rt: Runtime, case: Case, account: ProviderAccount, plan: Plan) -> bool:
    """Whether the account's budget has room for a message it had before."""
    if account.id not in case.message.failed_account_ids:
        return True
    left = plan.repeats.get(account.id)
    if left is None:
        left = rt.breakers.repeats_left(account.id)
    plan.repeats[account.id] = left - 1
    return left > 0


def admitted(
    rt: Runtime, granted: Sequence[tuple[Case, Opening]], plan: Plan, now: datetime
) -> list[tuple[Case, Opening]]:
    """Those whose route lets them through; the last probe may have gone to another worker."""
    if not rt.breakers.circuits():
        return list(granted)
    admitted = []
    for case, opening in granted:
        if rt.breakers.admit(opening.route):
            admitted.append((case, opening))
        else:
            plan.waits[case.message.id] = now + _PROBE_WAIT * (1 + rt.rng.random())
    return admitted


def within_velocity(
    rt: Runtime, granted: Sequence[tuple[Case, Opening]], plan: Plan, now: datetime
) -> list[tuple[Case, Opening]]:
    """Those whose destination abroad has not had its share of the hour; the rest are deferred."""
    abroad = [pair for pair in granted if _goes_abroad(pair[0])]
    if not abroad:
        return list(granted)
    waits = rt.velocity.take([_shares(case) for case, _ in abroad], now)
    slow = {}
    for (case, _), wait in zip(abroad, waits, strict=True):
        if wait > 0:
            case.facts.velocity_until = now + timedelta(seconds=wait)
            slow[case.message.id] = case
    for case in slow.values():
        verdict = compliance.judge(case.message, case.facts, now)
        if not isinstance(verdict, Allow):  # always: the rule has just been given its reason
            hold_back(plan, case, verdict, now)
    return [pair for pair in granted if pair[0].message.id not in slow]


def _goes_abroad(case: Case) -> bool:
    """Whether it goes to a number elsewhere, which is what toll fraud lives on."""
    message = case.message
    return message.channel.by_phone and place_of(message).country != case.facts.home


def _shares(case: Case) -> tuple[tuple[str, int], ...]:
    """The limits a message abroad counts against."""
    tenant_id, limits = case.message.tenant_id, case.facts.policy.destinations
    return (
        (f"{tenant_id}", limits.international_per_hour),
        (f"{tenant_id}:{prefix_of(case.message.recipient)}", limits.prefix_per_hour),
    )


def within_accounts(
    rt: Runtime,
    window: Window,
    wishes: Sequence[tuple[Case, Opening]],
    plan: Plan,
    now: datetime,
) -> list[tuple[Case, Opening]]:
    """Those that fit under their account's limit of calls in flight.

    The rest wait in Postgres, each for its own place in the line at the pace the account has been
    answering, so that an account that hangs neither fills the window nor is asked about in a loop.
    """
    asked: Counter[UUID] = Counter()
    fitting = []
    for case, opening in wishes:
        account = opening.account
        asked[account.id] += 1
        beyond = window.in_flight(account.id) + asked[account.id] - account.max_in_flight
        if beyond <= 0:
            fitting.append((case, opening))
            continue
        wait = min(window.put_off(account, beyond), _LONGEST_ACCOUNT_WAIT)
        plan.waits[case.message.id] = now + timedelta(seconds=wait * (0.5 + rt.rng.random()))
    return fitting


def reserve(
    rt: Runtime,
    wishes: Sequence[tuple[Case, Opening]],
    plan: Plan,
    now: datetime,
    line: Line,
) -> list[tuple[Case, Opening]]:
    """Those that every rate they count against lets go now; the rest wait until it will."""
    ledger = Ledger(now)
    for case, opening in wishes:
        known, country = rt.senders_of(case.message.tenant_id), place_of(case.message).country
        ledger.add(
            case.message,
            opening.choice,
            opening.account,
            known,
            country,
            placed=case.message.id in line.placed,
        )
    reserved = rt.rates.reserve(ledger.limits, ledger.asks, line.past)
    plan.usage, plan.met = reserved.usage, limits.met(ledger, reserved.usage)
    granted = []
    for (case, opening), grant in zip(wishes, reserved.grants, strict=True):
        if grant.granted:
            granted.append((case, opening))
            continue
        plan.waits[case.message.id] = now + grant.wait
        if grant.place:
            plan.placed.add(case.message.id)
        if grant.refused_by is not None:
            _learn(rt, case, opening, ledger.limits[grant.refused_by], plan, now)
    return granted


def _learn(
    rt: Runtime, case: Case, opening: Opening, limit: Limit, plan: Plan, now: datetime
) -> None:
    """What a refusal says of the sender: the next message had better leave from another one."""
    headroom, sender = rt.senders_of(case.message.tenant_id).headroom, opening.choice.sender
    due = plan.waits[case.message.id]
    if isinstance(limit, Distinct):
        headroom.full(sender.id, min(due, now + _FULL_FOR).timestamp())
        plan.waits[case.message.id] = now
    elif limit.key == f"s:{sender.id}":
        headroom.busy(sender.id, due.timestamp())

"""What happens to each message of a batch: judged, given a sender, and sent now or later.

    judge -> choose -> within the account's limit -> reserve every rate -> a plan

Nothing is written and nothing is sent here; `dispatch` does both with the plan it gets.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from messaging import limits, routing
from messaging.domain import compliance
from messaging.domain.candidates import Candidates
from messaging.domain.choice import Choice, Lack
from messaging.domain.compliance import Allow, Block, Defer, Reason
from messaging.domain.compliance.places import place_of
from messaging.domain.compliance.verdicts import ALLOW
from messaging.domain.explanation import SENDER
from messaging.domain.lifecycle import Event, Status, advance
from messaging.domain.message import Category, ProviderAccount
from messaging.domain.rates import Distinct, Limit, Past, Usage
from messaging.judgement import candidates_for, complete, judgement
from messaging.limits import Ledger
from messaging.runtime import Runtime, TenantSenders
from messaging.store.facts import Case
from messaging.store.messages import Move
from messaging.store.verdicts import Judgement
from messaging.velocity import prefix_of
from messaging.window import Window

_LONGEST_ACCOUNT_WAIT = 30.0
_FULL_FOR = timedelta(minutes=1)
"""How long a sender at its daily limit is passed over unasked: somebody may raise the limit."""
_PASSES = {
    Lack.NO_HEALTHY_SENDER: timedelta(minutes=1),
    Lack.DAILY_LIMITS: timedelta(minutes=15),
}
"""What may pass by itself, and when it is looked at again."""


@dataclass(slots=True)  # not frozen: made for every message, and freezing doubles its price
class Opening:
    """An attempt about to be opened: who sends, why, through which account, and until when."""

    choice: Choice
    account: ProviderAccount
    until: datetime | None = None
    """Nothing may be delivered from then on."""


@dataclass
class Plan:
    """What happens to each message of a batch."""

    moves: list[Move] = field(default_factory=list)
    openings: list[tuple[Case, Opening]] = field(default_factory=list)
    waits: dict[UUID, datetime] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    unknown_lines: list[tuple[UUID, bytes, UUID]] = field(default_factory=list)
    """(tenant, recipient key, message) of numbers to be looked up."""
    placed: set[UUID] = field(default_factory=set)
    """Those of `waits` that have a place in a line at that time."""
    usage: Usage | None = None
    """What was reserved of each limit."""
    met: list[tuple[UUID, date, bytes]] = field(default_factory=list)
    """Whom senders with a daily limit write to: sender, day, recipient key."""

    def refuse(self, case: Case, event: Event, reason: str) -> None:
        """This message ends here."""
        self.moves.append(_move(case, event, reason=reason))
        self.refusals.append(reason)


@dataclass(frozen=True, slots=True)
class Line:
    """What the store knows of those who wait for a rate."""

    past: Callable[[], Past]
    """What was reserved before, should Redis have forgotten it."""
    placed: Collection[UUID] = ()
    """Whose time has come: an earlier refusal gave it to them."""


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
            _hold_back(plan, case, verdict, now)
            continue
        serving = candidates_for(message, known, country).serving(country)
        opening = _choose(case, serving, known, plan, now)
        if opening is not None:
            opening.until = verdict.until
            wishes.append((case, opening))
            sent.append(now)
    granted = _reserve(rt, _within_accounts(rt, window, wishes, plan, now), plan, now, line)
    for case, opening in _within_velocity(rt, granted, plan, now):
        plan.openings.append((case, opening))
        choice = opening.choice
        kept = judgement("dispatch", case.message, case.facts, Allow(opening.until), now)
        kept.trace = routing.told(choice.trace, choice.sender.id)
        plan.judgements.append(kept)
        plan.moves.append(
            _move(
                case,
                Event.ATTEMPTED,
                account_id=opening.account.id,
                sender_id=choice.sender.id,
                selection_reason=choice.reason,
                warms_up=choice.sender.warming,
            )
        )
    return plan


def _hold_back(plan: Plan, case: Case, verdict: Defer | Block, now: datetime) -> None:
    message = case.message
    plan.judgements.append(judgement("dispatch", message, case.facts, verdict, now))
    if isinstance(verdict, Block):
        plan.refuse(case, verdict.event, verdict.reason)
        return
    why = f"{verdict.reason}: {verdict.detail}" if verdict.detail else verdict.reason
    # What expires before then is looked at when it does, and not shown as waiting until then.
    until = min(verdict.until, message.expires_at or verdict.until)
    plan.moves.append(_move(case, Event.DEFERRED, reason=why, due_at=until))
    if verdict.reason is Reason.AWAITING_LOOKUP:
        plan.unknown_lines.append((message.tenant_id, message.recipient_key, message.id))


def _move(case: Case, event: Event, **details: object) -> Move:
    after = advance(Status.QUEUED, event)
    if after is None:  # pragma: no cover - every event used here leads out of `queued`
        raise AssertionError(event)
    message = case.message
    return Move(message.id, message.epoch, Status.QUEUED, event, after, **details)  # type: ignore[arg-type]


def _choose(
    case: Case, candidates: Candidates, known: TenantSenders, plan: Plan, now: datetime
) -> Opening | None:
    found = routing.choose(case, candidates, known, now)
    if isinstance(found, Choice):
        return Opening(found, known.accounts[found.sender.account_id])
    kept = judgement("dispatch", case.message, case.facts, ALLOW, now)
    kept.outcome, kept.rule, kept.reason = "block", SENDER, found.reason
    kept.trace = routing.told(found.trace, None)
    if found.reason in _PASSES:
        # Nothing is lost over what may pass by itself; the reason shows why it waits.
        kept.outcome, kept.until = "defer", now + _PASSES[found.reason]
        plan.moves.append(_move(case, Event.DEFERRED, reason=found.reason, due_at=kept.until))
    else:
        plan.refuse(case, Event.REFUSED, found.reason)
    plan.judgements.append(kept)
    return None


def _within_velocity(
    rt: Runtime, granted: Sequence[tuple[Case, Opening]], plan: Plan, now: datetime
) -> list[tuple[Case, Opening]]:
    """Those whose destination abroad has not had its share of the hour; the rest are deferred."""
    abroad = [pair for pair in granted if place_of(pair[0].message).country != pair[0].facts.home]
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
            _hold_back(plan, case, verdict, now)
    return [pair for pair in granted if pair[0].message.id not in slow]


def _shares(case: Case) -> tuple[tuple[str, int], ...]:
    """The limits a message abroad counts against."""
    tenant_id, limits = case.message.tenant_id, case.facts.policy.destinations
    return (
        (f"{tenant_id}", limits.international_per_hour),
        (f"{tenant_id}:{prefix_of(case.message.recipient)}", limits.prefix_per_hour),
    )


def _within_accounts(
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
        wait = min(beyond / window.rate(account), _LONGEST_ACCOUNT_WAIT)
        plan.waits[case.message.id] = now + timedelta(seconds=wait * (0.5 + rt.rng.random()))
    return fitting


def _reserve(
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

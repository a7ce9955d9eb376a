"""What happens to each message of a batch: judged, given a sender, and sent now or later.

    judge -> choose -> within the account's limit -> reserve the sender's rate -> a plan

Nothing is written and nothing is sent here; `dispatch` does both with the plan it gets.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from messaging.domain import compliance, selection
from messaging.domain.compliance import Allow, Block, Defer, Reason
from messaging.domain.compliance.places import place_of
from messaging.domain.lifecycle import Event, Status, advance
from messaging.domain.message import Category, ProviderAccount
from messaging.domain.selection import Candidates, Choice, History, Lack, NoSender
from messaging.judgement import candidates_for, complete, judgement
from messaging.runtime import Runtime, TenantSenders
from messaging.store.facts import Case
from messaging.store.messages import Move
from messaging.store.verdicts import Judgement
from messaging.throttle import Request
from messaging.velocity import prefix_of
from messaging.window import Window

_LONGEST_ACCOUNT_WAIT = 30.0
_SENDERS_RECOVER = timedelta(minutes=1)


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

    def refuse(self, case: Case, event: Event, reason: str) -> None:
        """This message ends here."""
        self.moves.append(_move(case, event, reason=reason))
        self.refusals.append(reason)


def decide(rt: Runtime, window: Window, cases: Sequence[Case]) -> Plan:
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
        opening = _choose(rt, case, serving, known, plan)
        if opening is not None:
            opening.until = verdict.until
            wishes.append((case, opening))
            sent.append(now)
    granted = _reserve(rt, _within_accounts(rt, window, wishes, plan, now), plan, now)
    for case, opening in _within_velocity(rt, granted, plan, now):
        plan.openings.append((case, opening))
        plan.judgements.append(
            judgement("dispatch", case.message, case.facts, Allow(opening.until), now)
        )
        plan.moves.append(
            _move(
                case,
                Event.ATTEMPTED,
                account_id=opening.account.id,
                sender_id=opening.choice.sender.id,
                selection_reason=opening.choice.reason,
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
    rt: Runtime, case: Case, candidates: Candidates, known: TenantSenders, plan: Plan
) -> Opening | None:
    history = History(sticky_sender_id=case.sticky_sender_id)
    match selection.choose(case.message, candidates, history):
        case Choice() as choice:
            return Opening(choice, known.accounts[choice.sender.account_id])
        case NoSender(reason=Lack.NO_HEALTHY_SENDER as reason):
            # May pass by itself, so nothing is lost over it; the reason shows why it waits.
            until = rt.now() + _SENDERS_RECOVER
            plan.moves.append(_move(case, Event.DEFERRED, reason=reason, due_at=until))
        case NoSender(reason=reason):
            plan.refuse(case, Event.REFUSED, reason)
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
    rt: Runtime, wishes: Sequence[tuple[Case, Opening]], plan: Plan, now: datetime
) -> list[tuple[Case, Opening]]:
    """Those whose sender may send now; the rest wait for their turn at the sender's rate."""
    by_sender: defaultdict[UUID, list[tuple[Case, Opening]]] = defaultdict(list)
    for case, opening in wishes:
        by_sender[opening.choice.sender.id].append((case, opening))
    requests = {
        sender_id: Request(
            group[0][1].choice.sender.mps, [case.message.segments for case, _ in group]
        )
        for sender_id, group in by_sender.items()
    }
    granted = []
    for sender_id, grant in rt.throttle.reserve(requests).items():
        group = by_sender[sender_id]
        granted += group[: grant.granted]
        due = now + grant.wait
        for case, opening in group[grant.granted :]:
            plan.waits[case.message.id] = due
            due += timedelta(seconds=case.message.segments / opening.choice.sender.mps)
    return granted

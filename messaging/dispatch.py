"""The main job: take what is ready as far as it can go right now.

    claim | judge -> choose -> reserve -> open the attempt | send -> decide -> record

The bars are commits. A claim is committed before its messages are looked at, so a worker that dies
over one leaves a list behind. Attempts are committed before the first byte leaves, and no transaction
is open while a provider is asked.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

import httpx
from sqlalchemy.engine import Connection

from messaging import callbacks, providers
from messaging.domain import compliance, selection
from messaging.domain.compliance import Allow, Block, Defer
from messaging.domain.failures import Failure
from messaging.domain.lifecycle import Event, Status, advance
from messaging.domain.message import ProviderAccount, Queue
from messaging.domain.selection import Choice, History, Lack, NoSender
from messaging.providers.base import Outbound
from messaging.queues import DISPATCH, Task
from messaging.runtime import Runtime
from messaging.store import backlog, facts
from messaging.store.backlog import Claim
from messaging.store.facts import Case
from messaging.store.messages import Move, move
from messaging.telemetry import tally
from messaging.throttle import Request
from messaging.window import Ticket, Window, unsendable

# A pump that found nothing looks a few more times before it ends: under a steady trickle that saves
# a Celery task per message. Urgent ones come one by one, and each would pay for starting a task.
_LINGER_SECONDS = {Queue.HIGH: 1.0, Queue.NORMAL: 0.05, Queue.LOW: 0.05, Queue.SUSPECT: 0.05}
_LINGER_LOOK = 0.05
_LINGER_STEP = 0.002
_STEP_SECONDS = 0.02
_LONGEST_ACCOUNT_WAIT = 30.0
_SENDERS_RECOVER = timedelta(minutes=1)


@dataclass
class Summary:
    """What one pump did, in the words Flower shows."""

    claimed: int = 0
    sent: int = 0
    waiting: int = 0
    blocked: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        blocked = ", ".join(f"{n} {reason}" for reason, n in sorted(self.blocked.items()))
        return (
            f"claimed {self.claimed}, put on the wire {self.sent}, waiting {self.waiting}, "
            f"refused {blocked or 0}"
        )


def pump(
    rt: Runtime,
    window: Window,
    queue: Queue,
    *,
    seconds: float,
    stopping: Callable[[], bool] = lambda: False,
) -> Summary:
    """Move messages of one queue into the window until none is due or `seconds` are over.

    `stopping` is asked before each claim: a worker that is shutting down takes nothing new.

    What is in flight at the end stays in the window. If the queue is not empty then, or was so full
    that another worker could help, a new hint is published.
    """
    summary = Summary()
    task = DISPATCH[queue]
    batch = 1 if queue is Queue.SUSPECT else rt.settings.claim_batch
    worthwhile = min(batch, max(1, rt.settings.window // 5))
    linger = _LINGER_SECONDS[queue]
    started = idle_since = time.monotonic()
    with window.driven():
        while time.monotonic() - started < seconds and not stopping():
            room = min(batch, window.room())
            if room < worthwhile:
                window.step(_STEP_SECONDS)
                idle_since = time.monotonic()
                continue
            rt.hints.listen(task)
            taken = take(rt, window, queue, room, summary)
            if taken == batch:
                rt.hints.call_help(task, every=seconds)
            if taken:
                window.step(0)
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since < linger:
                _wait_for_the_bell(rt, window, task)
            elif rt.hints.fall_asleep(task):
                return summary
    rt.hints.fall_asleep(task)
    rt.hints.hand_on(task)
    return summary


def _wait_for_the_bell(rt: Runtime, window: Window, task: Task) -> None:
    """Let calls go on until somebody rings; at most a moment, since what falls due rings nobody."""
    until = time.monotonic() + _LINGER_LOOK
    while time.monotonic() < until:
        window.step(_LINGER_STEP)
        if rt.hints.listen(task):
            return


def take(rt: Runtime, window: Window, queue: Queue, limit: int, summary: Summary) -> int:
    """Claim up to `limit` messages and decide each one's next step; returns how many were claimed."""
    with rt.engine.connect() as db:
        with db.begin():
            claim = backlog.claim(db, queue, limit, rt.settings.lease, rt.new_id())
        return _take_claimed(rt, window, db, claim, summary) if claim is not None else 0


def _take_claimed(
    rt: Runtime, window: Window, db: Connection, claim: Claim, summary: Summary
) -> int:
    begun = time.clock_gettime(time.CLOCK_BOOTTIME)
    with db.begin():
        cases = facts.gather(db, list(claim.epochs))
        plan = decide(
            rt, window, [c for c in cases if claim.epochs[c.message.id] == c.message.epoch]
        )
        if not backlog.finish(db, claim.id):
            return 0  # the sweep took the batch back; whatever we decided is void
        moved = move(db, plan.moves, rt.settings.lease)
        backlog.put_back(db, plan.waits)
    opened = [(case, opening) for case, opening in plan.openings if case.message.id in moved]
    send_before = begun + rt.settings.lease_seconds - rt.settings.provider_timeout_seconds - 1
    window.submit([_ticket(rt, case, opening, send_before) for case, opening in opened])
    summary.claimed += len(claim.epochs)
    summary.sent += len(opened)
    summary.waiting += len(plan.waits)
    summary.blocked.update(plan.refusals)
    if plan.refusals:
        rt.counters.add(tally("posthorn_messages_refused_total", rule=plan.refusals))
    return len(claim.epochs)


@dataclass(slots=True)  # not frozen: made for every message, and freezing doubles its price
class Opening:
    """An attempt about to be opened: who sends, why, and through which account."""

    choice: Choice
    account: ProviderAccount


@dataclass
class Plan:
    """What happens to each message of a batch."""

    moves: list[Move] = field(default_factory=list)
    openings: list[tuple[Case, Opening]] = field(default_factory=list)
    waits: dict[UUID, datetime] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)

    def refuse(self, case: Case, event: Event, reason: str) -> None:
        """This message ends here."""
        self.moves.append(_move(case, event, reason=reason))
        self.refusals.append(reason)


def decide(rt: Runtime, window: Window, cases: Sequence[Case]) -> Plan:
    """Judge each case, choose its sender, and see who may go now and who must wait."""
    plan = Plan()
    now = rt.now()
    wishes: list[tuple[Case, Opening]] = []
    for case in cases:
        match compliance.judge(case.message, case.facts, now):
            case Allow():
                opening = _choose(rt, case, plan)
                if opening is not None:
                    wishes.append((case, opening))
            case Defer(until=until, reason=reason):
                plan.moves.append(_move(case, Event.DEFERRED, reason=reason, due_at=until))
            case Block(event=event, reason=reason):
                plan.refuse(case, event, reason)
            case never:
                assert_never(never)
    for case, opening in _reserve(rt, _within_accounts(rt, window, wishes, plan, now), plan, now):
        plan.openings.append((case, opening))
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


def _move(case: Case, event: Event, **details: object) -> Move:
    after = advance(Status.QUEUED, event)
    if after is None:  # pragma: no cover - every event used here leads out of `queued`
        raise AssertionError(event)
    message = case.message
    return Move(message.id, message.epoch, Status.QUEUED, event, after, **details)  # type: ignore[arg-type]


def _choose(rt: Runtime, case: Case, plan: Plan) -> Opening | None:
    senders = rt.senders_of(case.message.tenant_id)
    history = History(sticky_sender_id=case.sticky_sender_id)
    match selection.choose(case.message, senders.candidates, history):
        case Choice() as choice:
            return Opening(choice, senders.accounts[choice.sender.account_id])
        case NoSender(reason=Lack.NO_HEALTHY_SENDER as reason):
            # May pass by itself, so nothing is lost over it; the reason shows why it waits.
            until = rt.now() + _SENDERS_RECOVER
            plan.moves.append(_move(case, Event.DEFERRED, reason=reason, due_at=until))
        case NoSender(reason=reason):
            plan.refuse(case, Event.REFUSED, reason)
    return None


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


def _ticket(rt: Runtime, case: Case, opening: Opening, send_before: float) -> Ticket:
    message, sender, account = case.message, opening.choice.sender, opening.account
    epoch = message.epoch + 1
    outbound = Outbound(
        message_id=message.id,
        epoch=epoch,
        to=message.recipient,
        sender=sender.address,
        body=message.body,
        callback_url=callbacks.address(rt.settings, account, message.id, epoch),
        validity=message.expires_at - rt.now() if message.expires_at else None,
    )
    return Ticket(
        message=message,
        epoch=epoch,
        sender=sender,
        account=account,
        request=_request(account, outbound),
        send_before=send_before,
        sticks=case.sticky_sender_id != sender.id,
    )


def _request(account: ProviderAccount, outbound: Outbound) -> httpx.Request | Failure:
    try:
        return providers.get(account.provider).request(account, outbound)
    except Exception as error:  # noqa: BLE001 - the attempts of the whole batch are open already
        return unsendable(error)

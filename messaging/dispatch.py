"""The main job: take what is ready as far as it can go right now.

    claim -> hold | judge -> choose -> reserve -> open the attempt | send -> let go -> decide -> record

The bars are commits. A claim is committed before its messages are looked at, so a worker that dies
over one leaves a list behind. Attempts are committed before the first byte leaves, and no transaction
is open while a provider is asked. The recipients of a batch are held from before the facts are read
until its requests are on the wire: a STOP waits for that, so nothing begins after it is committed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import httpx
from psycopg.errors import LockNotAvailable
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from messaging import callbacks, plan, providers, unsubscribing
from messaging.domain.failures import Failure
from messaging.domain.message import Channel, ProviderAccount, Queue, SelectionReason
from messaging.openings import Line, Opening
from messaging.providers.base import Outbound, unable
from messaging.queues import DISPATCH, Task
from messaging.runtime import Runtime
from messaging.store import (
    backlog,
    balances,
    claims,
    facts,
    number_facts,
    reservations,
    suppressions,
    verdicts,
)
from messaging.store.claims import Claim
from messaging.store.facts import Case
from messaging.store.messages import move
from messaging.telemetry import log, tally
from messaging.window import Ticket, Window, unsendable

# A pump that found nothing looks a few more times before it ends: under a steady trickle that saves
# a Celery task per message. Urgent ones come one by one, and each would pay for starting a task.
_LINGER_SECONDS = {Queue.HIGH: 1.0, Queue.NORMAL: 0.05, Queue.LOW: 0.05, Queue.SUSPECT: 0.05}
_LINGER_LOOK = 0.05
_LINGER_STEP = 0.002
_PATIENCE = 1.0
_PATIENT_STEP = dict.fromkeys(Queue, 0.02) | {Queue.HIGH: _LINGER_STEP}
"""Many pumps may wait for the same few messages, for minutes: looking every moment would cost a core."""
_STEP_SECONDS = 0.02
_HOLD_AGAIN = timedelta(seconds=1)


@dataclass
class Summary:
    """What one pump did, in the words Flower shows."""

    claimed: int = 0
    sent: int = 0
    waiting: int = 0
    blocked: Counter[str] = field(default_factory=Counter)
    fallbacks: Counter[UUID] = field(default_factory=Counter)
    """Messages that left from a last resort, by tenant: somebody forgot to set something up."""

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
    try:
        _pump(rt, window, queue, summary, seconds, stopping)
    finally:
        for tenant_id, messages in summary.fallbacks.items():
            log().warning("sender.fallback", tenant_id=str(tenant_id), messages=messages)
    return summary


def _pump(
    rt: Runtime,
    window: Window,
    queue: Queue,
    summary: Summary,
    seconds: float,
    stopping: Callable[[], bool],
) -> None:
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
            elif (soon := _due_soon(rt, queue)) is not None:
                _wait_for_the_bell(rt, window, task, soon, _PATIENT_STEP[queue])
            elif time.monotonic() - idle_since < linger:
                _wait_for_the_bell(rt, window, task, _LINGER_LOOK)
            elif rt.hints.fall_asleep(task):
                return
    rt.hints.fall_asleep(task)
    rt.hints.hand_on(task)


def _due_soon(rt: Runtime, queue: Queue) -> float | None:
    """In how many seconds the next message is due, if that is worth staying for.

    What waits for a rate comes back one by one, many a second; to be on time for each is what keeps
    the rate up.
    """
    with rt.reading() as db:
        seconds = backlog.next_due(db, queue)
    if seconds is None or seconds > _PATIENCE:
        return None
    return max(seconds, _LINGER_STEP)


def _wait_for_the_bell(
    rt: Runtime, window: Window, task: Task, seconds: float, step: float = _LINGER_STEP
) -> None:
    """Let calls go on until somebody rings; at most a moment, since what falls due rings nobody."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        window.step(min(left, step))
        if rt.hints.listen(task):
            return


def take(rt: Runtime, window: Window, queue: Queue, limit: int, summary: Summary) -> int:
    """Claim up to `limit` messages and decide each one's next step; returns how many were claimed."""
    with rt.engine.connect() as db:
        with db.begin():
            claim = claims.claim(db, queue, limit, rt.settings.lease, rt.new_id(), rt.turns[queue])
        if claim is None:
            return 0
        try:
            if _hold(db, claim):
                return _take_claimed(rt, window, db, claim, summary)
        except OperationalError as error:  # too many workers spend of one balance at once
            if not isinstance(error.orig, LockNotAvailable):
                raise
            _give_back(db, claim, error)
        finally:
            with db.begin():
                suppressions.release(db)
        return len(claim.epochs)


def _hold(db: Connection, claim: Claim) -> bool:
    """Hold the recipients of a batch; False if that took too long and the batch was given back.

    It may: a long list of STOPs has its locks until it is committed. Were the claim left to its
    lease, its messages would come back a minute later, and as suspects.
    """
    try:
        with db.begin():
            suppressions.hold(db, list(claim.epochs))
    except OperationalError as error:
        _give_back(db, claim, error)
        return False
    return True


def _give_back(db: Connection, claim: Claim, error: OperationalError) -> None:
    log().warning("dispatch.given_back", error=type(error.orig).__name__)
    with db.begin():
        suppressions.release(db)
        backlog.give_back(db, claim.id, _HOLD_AGAIN)


def _take_claimed(
    rt: Runtime, window: Window, db: Connection, claim: Claim, summary: Summary
) -> int:
    begun, today = time.clock_gettime(time.CLOCK_BOOTTIME), rt.now().date()
    with db.begin():
        cases = facts.gather(db, list(claim.epochs))
        decided = plan.decide(
            rt,
            window,
            [c for c in cases if claim.epochs[c.message.id] == c.message.epoch],
            Line(
                lambda: reservations.past(db, claim.id, rt.now()),
                lambda tenants, ids: balances.asked(db, tenants, ids, today),
                claim.placed,
            ),
        )
        if not backlog.finish(db, claim.id):
            return 0  # the sweep took the batch back; whatever we decided is void
        moved = move(db, decided.moves, rt.settings.lease)
        balances.keep(db, [c for c in decided.charges if c.message_id in moved], today)
        verdicts.keep(db, decided.judgements)
        reservations.keep(db, decided.usage, decided.met)
        backlog.put_back(db, decided.waits, decided.placed)
        number_facts.want(db, decided.unknown_lines)
    opened = [(case, opening) for case, opening in decided.openings if case.message.id in moved]
    send_before = begun + rt.settings.lease_seconds - rt.settings.provider_timeout_seconds - 1
    window.submit([_ticket(rt, case, opening, send_before) for case, opening in opened])
    window.start()
    summary.claimed += len(claim.epochs)
    summary.sent += len(opened)
    summary.waiting += len(decided.waits)
    summary.blocked.update(decided.refusals)
    _count(rt, summary, decided.refusals, opened)
    return len(claim.epochs)


def _count(
    rt: Runtime, summary: Summary, refusals: list[str], opened: Sequence[tuple[Case, Opening]]
) -> None:
    reasons = [opening.choice.reason.value for _, opening in opened]
    summary.fallbacks.update(
        case.message.tenant_id
        for case, opening in opened
        if opening.choice.reason is SelectionReason.FALLBACK_DEFAULT
    )
    bumps = tally("posthorn_senders_chosen_total", reason=reasons) if reasons else {}
    if refusals:
        bumps |= tally("posthorn_messages_refused_total", rule=refusals)
    rt.counters.add(bumps)


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
        validity=_validity(rt, message.expires_at, opening.until),
        flash=message.flash,
        channel=message.channel,
        reference=callbacks.reference(message.id, epoch),
        parts=message.parts,
        at=rt.now(),
    )
    if message.channel is Channel.EMAIL:
        unsubscribing.complete(rt, message, outbound)
    return Ticket(
        message=message,
        epoch=epoch,
        sender=sender,
        account=account,
        request=_request(account, outbound),
        send_before=send_before,
        route=opening.route,
        sticks=case.sticky_sender_id != sender.id,
    )


def _validity(rt: Runtime, *ends: datetime | None) -> timedelta | None:
    """How long the provider may hold the message: until it expires, or the hour is decent no more."""
    first = min((end for end in ends if end is not None), default=None)
    return first - rt.now() if first is not None else None


def _request(account: ProviderAccount, outbound: Outbound) -> httpx.Request | Failure:
    try:
        provider = providers.get(account.provider)
        return unable(provider, outbound) or provider.request(account, outbound)
    except Exception as error:  # noqa: BLE001 - the attempts of the whole batch are open already
        return unsendable(error)

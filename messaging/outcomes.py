"""What a provider's answer means for a message, written down.

The pump's window, receipts and the reconciler all end here: an attempt is settled once, by whoever
comes first with evidence, and the message moves by the lifecycle's table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import assert_never
from uuid import UUID

import httpx
from sqlalchemy.exc import DBAPIError
from tenacity import (
    AttemptManager,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from messaging import providers, refusals, routing
from messaging.blame import IN_A_ROW, Blamed
from messaging.breakers import Call
from messaging.domain import retry, sender_health
from messaging.domain.balance import SLOW_REPLY
from messaging.domain.failures import Accepted, Failover, Failure, Kind, Outcome
from messaging.domain.lifecycle import Event, Status, advance
from messaging.domain.registration import Lapse
from messaging.domain.retry import GiveUp, InDoubt, Policy, Retry
from messaging.domain.warm_up import next_carrier_midnight
from messaging.queues import Task
from messaging.refusals import Refusal
from messaging.runtime import STALE_FOR, Runtime
from messaging.store import attempts, facts, receipts, registrations, sender_states
from messaging.store.attempts import SettledBy, Settlement
from messaging.store.messages import Move, move
from messaging.store.sender_states import Entry
from messaging.telemetry import buckets, log, tally
from messaging.window import TOO_LATE, Result, Ticket

_AFTER_MIDNIGHT = timedelta(minutes=30)
"""Over which what a daily cap had put off is spread."""
_ATTEMPT_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SENT_BOUNDS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


@dataclass
class Page:
    """Everything one batch of results writes."""

    moves: list[Move] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)
    doubts: list[tuple[UUID, int, str]] = field(default_factory=list)
    stuck: list[tuple[UUID, UUID, UUID]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    lapses: list[tuple[UUID, Lapse]] = field(default_factory=list)


def record(rt: Runtime, results: Sequence[Result]) -> None:
    """Write down how calls ended. What happened must not be forgotten because the database blinked."""
    page = Page()
    kinds, calls, ended = [], [], []
    for result in results:
        outcome = read(result)
        ended.append((result.ticket.sender, outcome))
        kinds.append("accepted" if isinstance(outcome, Accepted) else outcome.kind.value)
        calls.append(_call(rt, result, outcome))
        _enter(rt, page, result.ticket, outcome)
    rt.breakers.record(calls)
    for once_more in persistently(rt):
        with once_more:
            # First: should we stop in between, nobody's opt-out is forgotten.
            refusals.heed(rt, page.refusals)
    for once_more in persistently(rt):
        with once_more:
            write(rt, page)
    _cordon(rt, rt.blame.note(ended))
    _count(rt, results, kinds)


def _cordon(rt: Runtime, blamed: Sequence[Blamed]) -> None:
    """Take senders out of use that their providers keep refusing."""
    for one in blamed:
        sender = one.sender
        if sender.healthy:
            hours = rt.senders_of(sender.tenant_id).policy.sender_health.cordon_hours
            limits = sender_health.Policy(None if hours is None else timedelta(hours=hours))
            change = sender_health.refused(one.code, IN_A_ROW, rt.now(), limits)
            try:
                with rt.engine.begin() as db:
                    sender_states.enter(db, [Entry(sender.id, sender.state, **asdict(change))])
            except DBAPIError:  # what happened is written already; the next refusal tries again
                continue
            log().warning("sender.refused", sender_id=str(sender.id), code=one.code)
            rt.forget(sender.tenant_id)


def read(result: Result) -> Outcome:
    """The outcome of one call, from the provider's reply or the lack of one."""
    if isinstance(result.reply, httpx.Response):
        return providers.get(result.ticket.account.provider).outcome(result.reply)
    return result.reply


def _call(rt: Runtime, result: Result, outcome: Outcome) -> Call:
    """How the call went for the provider, whatever it means for the message."""
    ticket = result.ticket
    ours = isinstance(outcome, Failure) and result.seconds == 0.0  # it was not even begun
    failed = isinstance(outcome, Failure) and outcome.kind in _AGAINST_THE_PROVIDER
    return Call(
        ticket.route,
        rt.now().timestamp() - result.seconds,
        failed=failed and not ours,
        slow=result.seconds > SLOW_REPLY,
        repeat=ticket.account.id in ticket.message.failed_account_ids,
    )


_AGAINST_THE_PROVIDER = {Kind.NOT_SENT, Kind.TRANSIENT, Kind.AMBIGUOUS}


def _enter(rt: Runtime, page: Page, ticket: Ticket, outcome: Outcome) -> None:
    """Decide what one outcome means and add it to the page."""
    message = ticket.message
    if isinstance(outcome, Accepted):
        page.moves.append(accepted(message.id, ticket.epoch, outcome.provider_message_id))
        page.settlements.append(
            Settlement(
                message.id,
                ticket.epoch,
                "accepted",
                SettledBy.REPLY,
                provider_message_id=outcome.provider_message_id,
            )
        )
        if ticket.sticks:
            page.stuck.append((message.id, rt.new_id(), ticket.sender.id))
        return
    # A call that was not even begun is no attempt, so it cannot be the last one either.
    counted = max(1, message.attempts + (outcome.code != TOO_LATE))
    step = retry.decide(
        outcome,
        counted,
        message.expires_at,
        policy(rt),
        rt.now(),
        rt.rng,
        elsewhere=routing.elsewhere(rt, message, ticket.account),
    )
    if isinstance(step, InDoubt):
        page.doubts.append((message.id, ticket.epoch, outcome.code))
        return
    adapter = providers.find(ticket.account.provider)
    lapse = adapter.lapses.get(outcome.code) if adapter is not None else None
    if lapse is not None:
        page.lapses.append((message.id, lapse))
        if isinstance(step, Retry):  # when no process takes the sender for a good one any more
            step = replace(step, at=max(step.at, rt.now() + STALE_FOR))
    if adapter is not None and outcome.code in adapter.daily_caps and isinstance(step, Retry):
        tomorrow = next_carrier_midnight(rt.now()) + rt.rng.random() * _AFTER_MIDNIGHT
        step = replace(step, at=max(step.at, tomorrow), counts=False)
    page.moves.append(_refused(ticket, outcome, step))
    page.settlements.append(
        Settlement(
            message.id,
            ticket.epoch,
            outcome.kind.value,
            SettledBy.REPLY,
            provider_code=outcome.code,
            detail=outcome.detail,
        )
    )
    page.refusals.append(
        Refusal(message.id, ticket.account.provider, outcome.code, opted_out=outcome.suppress)
    )


def accepted(message_id: UUID, epoch: int, provider_message_id: str) -> Move:
    """The step of a message whose open attempt turned out to be accepted."""
    return Move(
        message_id,
        epoch,
        Status.SENDING,
        Event.ACCEPTED,
        Status.SENT,
        counts=True,
        provider_message_id=provider_message_id,
        tells=("sent",),
    )


def _refused(ticket: Ticket, failure: Failure, step: Retry | GiveUp) -> Move:
    message_id, epoch = ticket.message.id, ticket.epoch
    tells = refusals.told_by_reply(ticket.account.provider, failure)
    match step:
        case Retry(at=at, counts=counts, exclude=exclude):
            return Move(
                message_id,
                epoch,
                Status.SENDING,
                Event.RETRIED,
                Status.QUEUED,
                reason=failure.kind.value,
                due_at=at,
                counts=counts and failure.code != TOO_LATE,
                provider_code=failure.code,
                tried_sender_id=ticket.sender.id if exclude is Failover.OTHER_SENDER else None,
                failed_account_id=(
                    ticket.account.id if exclude is Failover.OTHER_PROVIDER else None
                ),
                tells=tells,
            )
        case GiveUp(event=event, reason=reason):
            after = advance(Status.SENDING, event)
            return Move(
                message_id,
                epoch,
                Status.SENDING,
                event,
                after or failure.status,
                reason=reason,
                counts=True,
                provider_code=failure.code,
                tells=tells,
            )
        case never:
            assert_never(never)


def write(rt: Runtime, page: Page) -> set[UUID]:
    """Write one page in one transaction; returns the ids of the messages that moved.

    Messages are locked before attempts, in id order, here and in receipts, so that the two never wait
    for each other in a circle.
    """
    page.moves.sort(key=lambda m: m.message_id.int)
    with rt.engine.begin() as db:
        moved = move(db, page.moves, rt.settings.lease)
        attempts.settle(db, page.settlements)
        attempts.doubt(db, page.doubts, timedelta(seconds=rt.settings.doubt_check_seconds))
        facts.stick(db, [row for row in page.stuck if row[0] in moved])
        ids = [s.provider_message_id for s in page.settlements if s.provider_message_id]
        woken = receipts.wake(db, ids)
        flipped = registrations.flip(db, [row for row in page.lapses if row[0] in moved])
    for tenant_id in flipped:
        rt.forget(tenant_id)
    if woken:
        rt.hints.ring(Task.RECEIPTS_APPLY)
    return moved


def policy(rt: Runtime) -> Policy:
    """How patient this deployment is with one message."""
    return Policy(
        max_attempts=rt.settings.max_attempts,
        base=timedelta(seconds=rt.settings.retry_base_seconds),
        cap=timedelta(seconds=rt.settings.retry_cap_seconds),
    )


def persistently(rt: Runtime) -> Iterator[AttemptManager]:
    """Try a write again while the database is away, as long as the attempts' leases hold."""
    return iter(
        Retrying(
            retry=retry_if_exception_type(DBAPIError),
            wait=wait_random_exponential(multiplier=0.05, max=2),
            stop=stop_after_delay(rt.settings.lease_seconds / 2),
            reraise=True,
        )
    )


def _count(rt: Runtime, results: Sequence[Result], kinds: list[str]) -> None:
    names = [r.ticket.account.provider for r in results]
    bumps = tally("posthorn_attempts_total", provider=names, outcome=kinds)
    for provider in set(names):
        seconds = [r.seconds for r in results if r.ticket.account.provider == provider]
        bumps |= buckets(
            "posthorn_attempt_duration_seconds", _ATTEMPT_BOUNDS, seconds, provider=provider
        )
    now = rt.now()
    waits: dict[str, list[float]] = {}
    for result, kind in zip(results, kinds, strict=True):
        message = result.ticket.message
        if kind == "accepted" and message.queued_at:
            lane = message.priority.value.lower()
            waits.setdefault(lane, []).append((now - message.queued_at).total_seconds())
    for lane, values in waits.items():
        bumps |= buckets("posthorn_due_to_sent_seconds", _SENT_BOUNDS, values, lane=lane)
    rt.counters.add(bumps)

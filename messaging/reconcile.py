"""What became of an attempt nobody heard back from?

    take -> look up -> confirm what may be ours -> accept, or wait, or send again | give up in the end

An attempt is in doubt when its call ended ambiguously or its worker died. It is settled by evidence
and never by sending again: a receipt (see `receipts`), or a look-up at the provider. Only a look-up
that keeps finding nothing, for as long as that provider's listing needs to be complete, proves that
nothing was sent; then the message is queued again. What a listing cannot tell apart is asked about
one by one, and believed only if it carries our own name for the attempt. A provider that cannot be
asked is waited for until the tenant's patience ends (`in_doubt` of its policy).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx

from messaging import callbacks, doubts, providers
from messaging.domain.failures import Failure
from messaging.domain.message import Channel, Lane, ProviderAccount
from messaging.providers.base import Doubt, Provider, Sighting
from messaging.providers.transport import Transport
from messaging.queues import DISPATCH, Task
from messaging.runtime import DatabaseError, Runtime
from messaging.store import attempts
from messaging.store.attempts import DoubtfulAttempt
from messaging.telemetry import log

_MIN_ABSENCES = 2
_MOST_CONFIRMED = 10
_ALIKE_WITHIN = timedelta(minutes=10)
"""Attempts that began further apart than this do not show up in each other's look-ups."""


def settle_in_doubt(rt: Runtime, transport: Transport, *, limit: int = 50, rounds: int = 20) -> str:
    """Look for evidence of every attempt whose look-up is due; returns a one-line summary."""
    rt.hints.answered(Task.RECONCILE)
    found: Counter[str] = Counter()
    hold = timedelta(seconds=3 * rt.settings.provider_timeout_seconds)
    for _ in range(rounds):
        with rt.engine.begin() as db:
            doubtful = attempts.take_doubtful(db, limit, hold)
        found.update(_settle_all(rt, transport, doubtful))
        if len(doubtful) < limit:
            break
    else:
        rt.hints.ring(Task.RECONCILE)
    if found["unsent"]:
        for lane in Lane:
            rt.hints.ring(DISPATCH[lane])
    return ", ".join(f"{n} {word}" for word, n in sorted(found.items())) or "nothing in doubt"


@dataclass(slots=True)
class _Question:
    """One attempt that is asked about, and what is known so far."""

    attempt: DoubtfulAttempt
    account: ProviderAccount
    adapter: Provider
    doubt: Doubt
    others: list[Sighting] = field(default_factory=list)
    """What the listing shows that needs no confirmation."""
    asked: int = 0
    """Confirmations under way."""
    undecided: bool = False
    """Whether something may be ours, and nobody can tell."""
    settled: bool = False


@dataclass(frozen=True, slots=True)
class _Confirmation:
    """One message of a listing that is asked about by its id."""

    question: _Question
    seen: Sighting


def _settle_all(
    rt: Runtime, transport: Transport, doubtful: Sequence[DoubtfulAttempt]
) -> Iterator[str]:
    """Ask for all of them at once, and settle each as its answers come."""
    for attempt in doubtful:
        try:
            question = _question(rt, attempt)
            if question is not None:
                if question.adapter.lookup is None:
                    yield doubts.wait_for_receipt(rt, attempt)
                    continue
                request = question.adapter.lookup(question.account, question.doubt)
                transport.submit(question, request)
                continue
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - one account's fault must not stop all others
            log().error("lookup.unsendable", error=type(error).__name__)
        yield doubts.wait(rt, attempt, absent=False)
    while transport.in_flight:
        for asked, reply in transport.poll(1.0):
            if isinstance(asked, _Confirmation):
                said = _confirmed(rt, asked, reply)
            else:
                assert isinstance(asked, _Question)  # noqa: S101 - nothing else was submitted
                said = _listed(rt, transport, asked, reply)
            if said is not None:
                yield said


def _question(rt: Runtime, attempt: DoubtfulAttempt) -> _Question | None:
    """The look-up for an attempt; None if its sender is gone, and with it the address to ask about."""
    senders = rt.senders_of(attempt.tenant_id)
    sender = senders.candidates.by_id.get(attempt.sender_id)
    account = senders.accounts.get(attempt.account_id)
    if sender is None or account is None:
        return None
    doubt = Doubt(
        to=attempt.recipient,
        sender=sender.address,
        body=attempt.body,
        started_at=attempt.started_at,
        deadline=attempt.started_at + rt.settings.lease,
        reference=callbacks.reference(attempt.message_id, attempt.epoch),
        channel=Channel(attempt.channel),
    )
    return _Question(attempt, account, providers.get(account.provider), doubt)


def _listed(
    rt: Runtime, transport: Transport, question: _Question, reply: httpx.Response | Failure
) -> str | None:
    """What a listing proves; None while parts of it are being confirmed."""
    read, seen = question.adapter.sightings, None
    if isinstance(reply, httpx.Response) and read is not None:
        seen = read(reply, question.doubt)
    if seen is None:
        return doubts.wait(rt, question.attempt, absent=False)
    with rt.engine.connect() as db:
        known = attempts.known(db, [s.provider_message_id for s in seen])
    ours = [s for s in seen if s.provider_message_id not in known]
    for sighting in ours:
        if sighting.named:
            return doubts.accept(rt, question.attempt, sighting.provider_message_id)
    question.others = [s for s in ours if s.certain]
    uncertain = [s for s in ours if not s.certain]
    question.undecided = len(uncertain) > _MOST_CONFIRMED
    for sighting in uncertain[:_MOST_CONFIRMED]:
        _confirm(transport, question, sighting)
    return None if question.asked else _conclude(rt, question)


def _confirm(transport: Transport, question: _Question, seen: Sighting) -> None:
    fetch = question.adapter.fetch
    if fetch is None:
        question.undecided = True
        return
    request = fetch(question.account, seen.provider_message_id)
    transport.submit(_Confirmation(question, seen), request)
    question.asked += 1


def _confirmed(rt: Runtime, asked: _Confirmation, reply: httpx.Response | Failure) -> str | None:
    """What one message of a listing turned out to be; None while others are being asked about."""
    question = asked.question
    question.asked -= 1
    if question.settled:
        return None
    mine = _is_mine(rt, question, reply)
    if mine:
        question.settled = True
        return doubts.accept(rt, question.attempt, asked.seen.provider_message_id)
    question.undecided |= mine is None
    return None if question.asked else _conclude(rt, question)


def _is_mine(rt: Runtime, question: _Question, reply: httpx.Response | Failure) -> bool | None:
    """Whether a message carries our name for this attempt; None if it carries no name at all."""
    read = question.adapter.fetched
    report = read(reply) if read is not None and isinstance(reply, httpx.Response) else None
    if report is None or (report.reference is None and report.callback_url is None):
        return None
    named = callbacks.named(rt.settings, report.callback_url) if report.callback_url else None
    mine = (question.attempt.message_id, question.attempt.epoch)
    return mine in {named, callbacks.read_reference(report.reference)}


def _conclude(rt: Runtime, question: _Question) -> str:
    """What is left when everything that could be confirmed was somebody else's."""
    if not question.others and not question.undecided:
        return _absent(rt, question)
    with rt.engine.connect() as db:
        alike = attempts.alike(db, question.attempt.message_id, _ALIKE_WITHIN)
    if not question.undecided and len(question.others) == alike:
        return doubts.accept(rt, question.attempt, question.others[0].provider_message_id)
    # Of several open attempts alike not all arrived, or more is there than we know of: any guess
    # could be wrong. A receipt knows.
    return doubts.wait(rt, question.attempt, absent=False)


def _absent(rt: Runtime, question: _Question) -> str:
    now = rt.now()
    if _proven(question, now):
        return doubts.send_again(rt, question.attempt)
    # Until the deadline the request may still arrive, so not finding it is no evidence yet.
    return doubts.wait(rt, question.attempt, absent=now > question.doubt.deadline)


def _proven(question: _Question, now: datetime) -> bool:
    """Whether finding nothing proves that nothing was sent.

    The first look-up that found nothing must be old enough, made after the last moment the request
    could have left, and not the only one.
    """
    since = question.attempt.absent_since
    proof = question.account.absence_proof or question.adapter.absence_proof
    return (
        since is not None
        and since > question.doubt.deadline
        and proof is not None
        and now - since >= proof
        and question.attempt.absences + 1 >= _MIN_ABSENCES
    )

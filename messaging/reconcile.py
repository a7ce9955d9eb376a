"""What became of an attempt nobody heard back from?

An attempt is in doubt when its call ended ambiguously or its worker died. It is settled by evidence
and never by sending again: a receipt (see `receipts`), or a look-up at the provider. Only a look-up
that keeps finding nothing, for as long as that provider's listing needs to be complete, proves that
nothing was sent; then the message is queued again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import httpx

from messaging import callbacks, outcomes, providers
from messaging.domain.failures import Failure
from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import Channel, Lane, ProviderAccount
from messaging.outcomes import Page
from messaging.providers.base import Doubt, Sighting
from messaging.providers.transport import Transport
from messaging.queues import DISPATCH, Task
from messaging.runtime import DatabaseError, Runtime
from messaging.store import attempts
from messaging.store.attempts import DoubtfulAttempt, SettledBy, Settlement
from messaging.store.messages import Move
from messaging.telemetry import log

_MIN_ABSENCES = 2
_LONGEST_WAIT = timedelta(hours=1)
_HOPELESS_AFTER = timedelta(hours=24)
_ALIKE_WITHIN = timedelta(minutes=10)
"""Attempts that began further apart than this do not show up in each other's look-ups."""


def settle_in_doubt(rt: Runtime, transport: Transport, *, limit: int = 50, rounds: int = 20) -> str:
    """Look for evidence of every attempt whose look-up is due; returns a one-line summary."""
    rt.hints.answered(Task.RECONCILE)
    found: Counter[str] = Counter()
    hold = timedelta(seconds=2 * rt.settings.provider_timeout_seconds)
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


@dataclass(frozen=True, slots=True)
class _Question:
    """One look-up: what is asked of whom."""

    attempt: DoubtfulAttempt
    account: ProviderAccount
    doubt: Doubt


def _settle_all(
    rt: Runtime, transport: Transport, doubtful: Sequence[DoubtfulAttempt]
) -> Iterator[str]:
    """Ask for all of them at once, and settle each as its answer comes."""
    for attempt in doubtful:
        try:
            question = _question(rt, attempt)
            if question is not None:
                lookup = providers.get(question.account.provider).lookup
                if lookup is not None:
                    transport.submit(question, lookup(question.account, question.doubt))
                    continue
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - one account's fault must not stop all others
            log().error("lookup.unsendable", error=type(error).__name__)
        yield _wait(rt, attempt, absent=False)
    while transport.in_flight:
        for asked, reply in transport.poll(1.0):
            yield _settle(rt, cast("_Question", asked), reply)


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
    return _Question(attempt, account, doubt)


def _settle(rt: Runtime, question: _Question, reply: httpx.Response | Failure) -> str:
    attempt, account, doubt = question.attempt, question.account, question.doubt
    adapter = providers.get(account.provider)
    seen = None
    if isinstance(reply, httpx.Response) and adapter.sightings is not None:
        seen = adapter.sightings(reply, doubt)
    if seen is None:
        return _wait(rt, attempt, absent=False)
    with rt.engine.connect() as db:
        known = attempts.known(db, [s.provider_message_id for s in seen])
        alike = attempts.alike(db, attempt.message_id, _ALIKE_WITHIN)
    ours = [s for s in seen if s.provider_message_id not in known]
    if ours and len(ours) == alike:
        return _accept(rt, attempt, ours[0])
    if ours:
        # Of several open attempts alike not all arrived, or more is there than we know of: any guess
        # could be wrong. A receipt knows.
        return _wait(rt, attempt, absent=False)
    return _absent(rt, attempt, account, doubt)


def _accept(rt: Runtime, attempt: DoubtfulAttempt, seen: Sighting) -> str:
    page = Page()
    page.moves.append(
        outcomes.accepted(attempt.message_id, attempt.epoch, seen.provider_message_id)
    )
    page.settlements.append(
        Settlement(
            attempt.message_id,
            attempt.epoch,
            "accepted",
            SettledBy.LOOKUP,
            provider_message_id=seen.provider_message_id,
        )
    )
    outcomes.write(rt, page)
    return "accepted"


def _absent(rt: Runtime, attempt: DoubtfulAttempt, account: ProviderAccount, doubt: Doubt) -> str:
    now = rt.now()
    if not _proven(attempt, account, doubt, now):
        # Until the deadline the request may still arrive, so not finding it is no evidence yet.
        return _wait(rt, attempt, absent=now > doubt.deadline)
    page = Page()
    exhausted = attempt.attempts + 1 >= rt.settings.max_attempts
    page.moves.append(
        Move(
            attempt.message_id,
            attempt.epoch,
            Status.SENDING,
            Event.GAVE_UP if exhausted else Event.PROVEN_UNSENT,
            Status.FAILED if exhausted else Status.QUEUED,
            reason="attempts_exhausted" if exhausted else "proven_unsent",
            counts=True,
        )
    )
    page.settlements.append(
        Settlement(
            attempt.message_id,
            attempt.epoch,
            "unsent",
            SettledBy.LOOKUP,
            detail=f"{attempt.absences + 1} look-ups found nothing",
        )
    )
    outcomes.write(rt, page)
    return "unsent"


def _proven(
    attempt: DoubtfulAttempt, account: ProviderAccount, doubt: Doubt, now: datetime
) -> bool:
    """Whether finding nothing proves that nothing was sent.

    The first look-up that found nothing must be old enough, made after the last moment the request
    could have left, and not the only one.
    """
    since = attempt.absent_since
    proof = account.absence_proof or providers.get(account.provider).absence_proof
    return (
        since is not None
        and since > doubt.deadline
        and proof is not None
        and now - since >= proof
        and attempt.absences + 1 >= _MIN_ABSENCES
    )


def _wait(rt: Runtime, attempt: DoubtfulAttempt, *, absent: bool) -> str:
    """Look again later: each wait is twice the last, up to an hour; after a day there is no hope."""
    if rt.now() - attempt.doubt_since > _HOPELESS_AFTER:
        return _give_up(rt, attempt)
    first = timedelta(seconds=rt.settings.doubt_check_seconds)
    doubled = first * 2 ** min(attempt.absences, 12)
    with rt.engine.begin() as db:
        attempts.look_again(
            db,
            attempt.message_id,
            attempt.epoch,
            absent=absent,
            wait=min(doubled, _LONGEST_WAIT),
        )
    return "absent so far" if absent else "no answer"


def _give_up(rt: Runtime, attempt: DoubtfulAttempt) -> str:
    page = Page()
    page.moves.append(
        Move(
            attempt.message_id,
            attempt.epoch,
            Status.SENDING,
            Event.GAVE_UP,
            Status.FAILED,
            reason="outcome_unknown",
            counts=True,
        )
    )
    page.settlements.append(
        Settlement(attempt.message_id, attempt.epoch, "unknown", SettledBy.LOOKUP)
    )
    outcomes.write(rt, page)
    return "unknown for good"

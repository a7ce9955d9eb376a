"""What is written down of an attempt in doubt: settled, given up, or looked at again later?

Each answers with the words for the log. Whoever settles it first wins: a receipt, or the reply itself,
may come at any moment.
"""

from __future__ import annotations

from datetime import timedelta

from messaging import outcomes
from messaging.domain.lifecycle import UNKNOWN_OUTCOME, Event, Status
from messaging.domain.message import Category
from messaging.outcomes import Page
from messaging.runtime import Runtime
from messaging.store import attempts
from messaging.store.attempts import DoubtfulAttempt, SettledBy, Settlement
from messaging.store.messages import Move

_LONGEST_WAIT = timedelta(hours=1)
_RARER = 10
"""The next look is at least this fraction of the doubt's age away, whatever the last one said."""


def accept(rt: Runtime, attempt: DoubtfulAttempt, provider_message_id: str) -> str:
    """It was accepted: the provider knows it by this id."""
    page = Page()
    page.moves.append(outcomes.accepted(attempt.message_id, attempt.epoch, provider_message_id))
    page.settlements.append(
        Settlement(
            attempt.message_id,
            attempt.epoch,
            "accepted",
            SettledBy.LOOKUP,
            provider_message_id=provider_message_id,
        )
    )
    outcomes.write(rt, page)
    return "accepted"


def send_again(rt: Runtime, attempt: DoubtfulAttempt) -> str:
    """It was never sent, which is proven: its message is queued again, unless it has no attempt left."""
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


def wait(rt: Runtime, attempt: DoubtfulAttempt, *, absent: bool) -> str:
    """Look again later: each wait is twice the last, up to an hour, until the patience ends."""
    left = _patience_left(rt, attempt)
    if left <= timedelta(0):
        return _give_up(rt, attempt)
    first = timedelta(seconds=rt.settings.doubt_check_seconds)
    doubled = first * 2 ** min(attempt.absences, 12)
    wait = min(max(doubled, (rt.now() - attempt.doubt_since) / _RARER), _LONGEST_WAIT, left)
    _look_again(rt, attempt, wait, absent=absent)
    return "absent so far" if absent else "no answer"


def wait_for_receipt(rt: Runtime, attempt: DoubtfulAttempt) -> str:
    """Look whether the patience has ended: there is nobody to ask."""
    left = _patience_left(rt, attempt)
    if left <= timedelta(0):
        return _give_up(rt, attempt)
    _look_again(rt, attempt, min(left, _LONGEST_WAIT), absent=False)
    return "waiting for a receipt"


def _patience_left(rt: Runtime, attempt: DoubtfulAttempt) -> timedelta:
    """How long evidence is still waited for; nothing or less if the tenant would wait no longer."""
    policy = rt.senders_of(attempt.tenant_id).policy.in_doubt
    return attempt.doubt_since + policy.patience(Category(attempt.category)) - rt.now()


def _look_again(rt: Runtime, attempt: DoubtfulAttempt, wait: timedelta, *, absent: bool) -> None:
    with rt.engine.begin() as db:
        attempts.look_again(db, attempt.message_id, attempt.epoch, absent=absent, wait=wait)


def _give_up(rt: Runtime, attempt: DoubtfulAttempt) -> str:
    page = Page()
    page.moves.append(
        Move(
            attempt.message_id,
            attempt.epoch,
            Status.SENDING,
            Event.GAVE_UP,
            Status.FAILED,
            reason=UNKNOWN_OUTCOME,
            counts=True,
        )
    )
    page.settlements.append(
        Settlement(attempt.message_id, attempt.epoch, "unknown", SettledBy.LOOKUP)
    )
    outcomes.write(rt, page)
    return "unknown for good"

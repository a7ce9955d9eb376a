"""What does one report do to its message, and how is a batch of them written down?

    read -> heed the people | lock -> step of each -> move, settle, note

Whatever order the reports of an attempt come in, and however often, they end in the same state: an
end is put right by a stronger one (`lifecycle.CORRECTIONS`), by the same end with a stronger code, and
by nothing else. What changes nothing is kept all the same, with the word that says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging import providers, refusals
from messaging.domain.lifecycle import (
    STRENGTH,
    UNKNOWN_OUTCOME,
    Event,
    Status,
    learn,
    sources,
)
from messaging.domain.registration import Lapse
from messaging.providers.base import DeliveryReport
from messaging.refusals import Refusal
from messaging.runtime import Runtime
from messaging.store import attempts, registrations
from messaging.store import receipts as ledger
from messaging.store.attempts import SettledBy, Settlement
from messaging.store.messages import Move, move
from messaging.store.receipts import Made, Noted, PendingReceipt, Target

_LONGEST_WORD = 80


class Applied(StrEnum):
    """What became of a receipt."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    """It says what we already knew."""
    LATE = "late"
    """It says something older than the state the message is in."""
    CONTRADICTION = "contradiction"
    """It tells of another end than a stronger receipt did."""
    HEEDED = "heeded"
    """It speaks of the person, and says nothing of the message."""
    STALE = "stale"
    """It speaks of an earlier attempt than the message's last one."""
    WRONG_ACCOUNT = "wrong_account"
    """It names an attempt that was made through another provider account."""
    PARKED = "parked"
    UNMATCHED = "unmatched"
    """No send of ours ever got this id."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Read:
    """A receipt, what it says, and the attempt it speaks of."""

    receipt: PendingReceipt
    report: DeliveryReport
    attempt: Made


@dataclass
class Batch:
    """One transaction's worth of receipts being applied."""

    results: list[Noted] = field(default_factory=list)
    parked: list[tuple[int, str]] = field(default_factory=list)
    deliveries: list[tuple[UUID, float]] = field(default_factory=list)
    """(provider account, seconds from accepted to delivered), for those of which both are known."""
    steps: dict[UUID, list[Move]] = field(default_factory=dict)
    settlements: list[Settlement] = field(default_factory=list)
    learnt: list[Settlement] = field(default_factory=list)
    lapses: list[tuple[UUID, Lapse]] = field(default_factory=list)

    def note(
        self, receipt_id: int, result: Applied, report: DeliveryReport, attempt: Made | None = None
    ) -> None:
        """Remember what became of one receipt."""
        self.results.append(
            Noted(
                receipt_id,
                result.value,
                None if attempt is None else attempt.message_id,
                None if attempt is None else attempt.epoch,
                None if report.event is None else report.event.value,
                printable(report.provider_status),
                printable(report.code),
                report.detail,
                report.at,
            )
        )


def printable(text: str | None) -> str | None:
    """A provider's word as it can be kept: no control characters, no halves of characters."""
    return None if text is None else "".join(c for c in text[:_LONGEST_WORD] if c.isprintable())


@dataclass(slots=True)
class _State:
    """Where a batch has brought a message so far."""

    status: Status
    code: str | None
    reason: str | None
    taken: bool
    """Whether it is known by which id the provider took it."""

    @property
    def unknown(self) -> bool:
        return self.status is Status.FAILED and self.reason == UNKNOWN_OUTCOME

    @classmethod
    def of(cls, target: Target) -> _State:
        status = Status(target.status)
        made = cls(status, target.provider_code, target.reason, taken=False)
        ended = status is Status.SENT or (status in STRENGTH and not made.unknown)
        made.taken = ended and target.provider_message_id is not None
        return made


def write(rt: Runtime, db: Connection, batch: Batch, reads: Sequence[Read]) -> None:
    """Apply reports to their messages, in the order given, and note what became of each."""
    _heed(rt, reads)
    targets = ledger.targets(db, sorted({read.attempt.message_id for read in reads}))
    states = {message_id: _State.of(target) for message_id, target in targets.items()}
    for read in reads:
        target = targets.get(read.attempt.message_id)
        if target is None:
            batch.note(read.receipt.id, Applied.UNMATCHED, read.report)
        else:
            result = _step(batch, read, target, states[target.message_id])
            batch.note(read.receipt.id, result, read.report, read.attempt)
    for moves in _rounds(batch.steps):
        move(db, moves)
    attempts.settle(db, batch.settlements)
    attempts.learn(db, batch.learnt)
    known = [*batch.settlements, *batch.learnt]
    ledger.wake(db, [s.provider_message_id for s in known if s.provider_message_id])
    registrations.flip(db, batch.lapses)
    ledger.note(db, batch.results)


def _heed(rt: Runtime, reads: Sequence[Read]) -> None:
    """Take what is said of the people first, in a transaction of its own.

    Nothing but the receipts is locked yet, so a STOP that waits for these messages waits for nobody
    who waits for it.
    """
    told = [
        Refusal(
            read.attempt.message_id,
            read.receipt.provider,
            read.report.code,
            opted_out=read.report.event is Event.OPTED_OUT or read.report.withdraws_consent,
        )
        for read in reads
        if read.report.event in _OF_PEOPLE or read.report.withdraws_consent
    ]
    refusals.heed(rt, told)


_OF_PEOPLE = {Event.OPTED_OUT, Event.UNDELIVERED, Event.FAILED}
_RESUMABLE = sources(Event.UNBLOCKED)


def _step(batch: Batch, read: Read, target: Target, state: _State) -> Applied:
    """Move one message by one report, from where the batch has brought it."""
    event = read.report.event
    if event is None:
        return Applied.HEEDED if read.report.withdraws_consent else Applied.DUPLICATE
    if read.attempt.epoch != target.epoch or (target.again and event is not Event.DELIVERED):
        return Applied.STALE
    before = state.status
    _settle(batch, read, state)
    said, known = (read.report.code, read.report.detail), (state.code, state.reason)
    after = learn(before, event, said, known, unknown=state.unknown)
    if after is None:
        return _unchanged(event, before)
    steps = batch.steps.setdefault(target.message_id, [])
    steps.append(_move(read, target, state, event, after))
    if event is Event.DELIVERED:
        _time(batch, read)
    lapse = providers.get(read.receipt.provider).lapses.get(read.report.code or "")
    if lapse is not None and event is Event.BLOCKED_MISSING_CAMPAIGN:
        batch.lapses.append((target.message_id, lapse))
    state.status, state.taken = after, True
    state.reason = read.report.detail if event is not Event.ACCEPTED else None
    state.code = read.report.code if event is not Event.ACCEPTED else state.code
    if target.erased and after in _RESUMABLE:
        # What would be sent again once the cause is lifted holds nothing to send any more.
        steps.append(_called_off(target, after))
        state.status, state.code, state.reason = Status.CANCELED, None, _ERASED
    return Applied.APPLIED


def _settle(batch: Batch, read: Read, state: _State) -> None:
    """Any report proves that an attempt was accepted, whatever became of its reply."""
    if state.status is not Status.SENDING and not state.unknown:
        return
    settlement = Settlement(
        read.attempt.message_id,
        read.attempt.epoch,
        "accepted",
        SettledBy.RECEIPT,
        provider_message_id=read.report.provider_message_id or None,
    )
    (batch.learnt if state.unknown else batch.settlements).append(settlement)


def _move(read: Read, target: Target, state: _State, event: Event, after: Status) -> Move:
    report, before = read.report, state.status
    return Move(
        target.message_id,
        target.epoch,
        before,
        event,
        after,
        # Of what was only accepted nothing has gone wrong; an end's code is its own, even if it has none.
        reason=None if event is Event.ACCEPTED else report.detail,
        counts=before is Status.SENDING,
        provider_message_id=None if state.taken else report.provider_message_id or None,
        provider_code=None if event is Event.ACCEPTED else report.code,
        exact_code=event is not Event.ACCEPTED,
        proves_sent=True,
        tells=refusals.told_by_receipt(
            read.receipt.provider, report, before, accepted=target.again, unknown=state.unknown
        ),
    )


_ERASED = "erased"


def _called_off(target: Target, before: Status) -> Move:
    return Move(
        target.message_id,
        target.epoch,
        before,
        Event.CANCELED,
        Status.CANCELED,
        reason=_ERASED,
        exact_code=True,
    )


def _time(batch: Batch, read: Read) -> None:
    """Note how long a delivery took: until the time the provider gives, or else until its receipt."""
    done: datetime | None = read.report.at or read.receipt.received_at
    if read.attempt.accepted_at is not None and done is not None:
        seconds = (done - read.attempt.accepted_at).total_seconds()
        batch.deliveries.append((read.attempt.account_id, max(seconds, 0.0)))


_MEANS = {
    Event.ACCEPTED: Status.SENT,
    Event.DELIVERED: Status.DELIVERED,
    Event.UNDELIVERED: Status.UNDELIVERABLE,
    Event.FAILED: Status.FAILED,
    Event.OPTED_OUT: Status.OPTED_OUT,
    Event.BLOCKED_COMPLIANCE: Status.BLOCKED_COMPLIANCE,
    Event.BLOCKED_BILLING: Status.BLOCKED_BILLING,
    Event.BLOCKED_MISSING_CAMPAIGN: Status.BLOCKED_MISSING_CAMPAIGN,
}


def _unchanged(event: Event, status: Status) -> Applied:
    """A report of the very state is a duplicate, `accepted` after the end is late, the rest disagrees."""
    if _MEANS.get(event) is status:
        return Applied.DUPLICATE
    return Applied.LATE if event is Event.ACCEPTED else Applied.CONTRADICTION


def _rounds(steps: dict[UUID, list[Move]]) -> Iterable[list[Move]]:
    """The steps in rounds that name each message at most once, in id order."""
    for n in range(max(map(len, steps.values()), default=0)):
        yield [steps[key][n] for key in sorted(steps) if len(steps[key]) > n]

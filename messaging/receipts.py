"""What providers report: verified, kept raw, answered, then applied.

    webhook -> verify -> keep raw | 204 ... apply: attempt -> lifecycle.advance -> note

A receipt is stored before the provider gets its answer and applied by a worker in batches. Receipts
come twice, late and out of order: each one is kept, and each changes something at most once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from messaging import callbacks, providers, refusals
from messaging.domain.lifecycle import Event, Status, advance, sources
from messaging.domain.message import ProviderAccount
from messaging.domain.registration import Lapse
from messaging.providers.base import DeliveryReport, Webhook
from messaging.queues import Task
from messaging.refusals import Refusal
from messaging.runtime import Runtime
from messaging.store import accounts, attempts, registrations
from messaging.store import receipts as ledger
from messaging.store.attempts import SettledBy, Settlement
from messaging.store.messages import Move, move
from messaging.store.receipts import PendingReceipt, RawReceipt, Target
from messaging.telemetry import log, tally

_PARKED_FOR = timedelta(hours=24)


class Applied(StrEnum):
    """What became of a receipt."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    """It says what we already knew."""
    LATE = "late"
    """It says something older than, or contradicting, a state that does not go back."""
    STALE = "stale"
    """It speaks of an earlier attempt than the message's last one."""
    PARKED = "parked"
    UNMATCHED = "unmatched"
    """No send of ours ever got this id."""
    UNREADABLE = "unreadable"


def account(rt: Runtime, provider: str, account_id: UUID) -> ProviderAccount | None:
    """The account a webhook address names, if that provider is its provider."""
    with rt.engine.connect() as db:
        found = accounts.find_account(db, account_id, rt.sealer)
    return found if found is not None and found.provider == provider else None


def verify(rt: Runtime, of: ProviderAccount, webhook: Webhook) -> RawReceipt | None:
    """The receipt to keep; None if its signature is not this account's."""
    if not providers.get(of.provider).verify(of, webhook):
        return None
    named = callbacks.named(rt.settings, webhook.url)
    message_id, epoch = named or (None, None)
    return RawReceipt(of.id, webhook.url, webhook.body, message_id, epoch)


def keep(db: Connection, receipts: Sequence[RawReceipt]) -> list[None]:
    """Store receipts; commit, then `announce` them, when no provider waits any more."""
    ledger.keep(db, receipts)
    return [None for _ in receipts]


def announce(rt: Runtime) -> None:
    """Hint that receipts are waiting."""
    rt.hints.ring(Task.RECEIPTS_APPLY)


@dataclass
class _Batch:
    """One transaction's worth of receipts being applied."""

    results: list[tuple[int, str, UUID | None]] = field(default_factory=list)
    parked: list[tuple[int, str]] = field(default_factory=list)
    steps: dict[UUID, list[Move]] = field(default_factory=dict)
    settlements: list[Settlement] = field(default_factory=list)
    lapses: list[tuple[UUID, Lapse]] = field(default_factory=list)

    def note(self, receipt: PendingReceipt, result: Applied, message_id: UUID | None) -> None:
        """Remember what became of one receipt."""
        self.results.append((receipt.id, result.value, message_id))


def apply(rt: Runtime, *, batch: int = 500, seconds: float = 10.0) -> str:
    """Apply what is waiting until nothing is, or time is over; returns a one-line summary."""
    rt.hints.answered(Task.RECEIPTS_APPLY)
    started = rt.now()
    results: list[str] = []
    while rt.now() - started < timedelta(seconds=seconds):
        with rt.engine.begin() as db:
            pending = ledger.take(db, batch)
            done = _apply_each_if_need_be(rt, db, pending)
        results += [result for _, result, _ in done.results]
        if len(pending) < batch:
            break
    else:
        rt.hints.ring(Task.RECEIPTS_APPLY)
    if results:
        rt.counters.add(tally("posthorn_receipts_total", result=results))
    counted = {word: results.count(word) for word in sorted(set(results))}
    return ", ".join(f"{n} {word}" for word, n in counted.items()) or "nothing to apply"


def _apply_each_if_need_be(
    rt: Runtime, db: Connection, pending: Sequence[PendingReceipt]
) -> _Batch:
    """Apply a batch; if one receipt breaks it, apply them one by one and set that one aside."""
    try:
        with db.begin_nested():
            return _apply_batch(rt, db, pending)
    except DBAPIError:
        raise
    except Exception as error:  # noqa: BLE001 - a receipt we misread must not hold up all others
        # Not the text of the error: it may quote the receipt.
        log().error("receipts.batch_broken", receipts=len(pending), error=type(error).__name__)
    whole = _Batch()
    for receipt in pending:
        try:
            with db.begin_nested():
                whole.results += _apply_batch(rt, db, [receipt]).results
        except DBAPIError:
            raise
        except Exception:  # noqa: BLE001 - as above
            broken = (receipt.id, Applied.UNREADABLE.value, receipt.message_id)
            ledger.note(db, [broken])
            whole.results.append(broken)
    return whole


def _apply_batch(rt: Runtime, db: Connection, pending: Sequence[PendingReceipt]) -> _Batch:
    batch = _Batch()
    read = [(r, report) for r in pending if (report := _report(batch, r)) is not None]
    found = _attempts(db, read)
    _heed(rt, read, found)
    targets = ledger.targets(db, sorted({m for m, _ in found.values()}))
    state = {message_id: Status(target.status) for message_id, target in targets.items()}
    for receipt, report in read:
        attempt = found.get(receipt.id)
        target = targets.get(attempt[0]) if attempt else None
        if attempt is None or target is None:
            _park(batch, receipt, report)
        elif attempt[1] != target.epoch:
            batch.note(receipt, Applied.STALE, target.message_id)
        else:
            _step(batch, receipt, report, target, state)
    for moves in _rounds(batch.steps):
        move(db, moves)
    attempts.settle(db, batch.settlements)
    registrations.flip(db, batch.lapses)
    ledger.park(db, batch.parked, _PARKED_FOR)
    ledger.note(db, batch.results)
    return batch


def _heed(
    rt: Runtime,
    read: Sequence[tuple[PendingReceipt, DeliveryReport]],
    found: dict[int, tuple[UUID, int]],
) -> None:
    """Take what is said of the people first, in a transaction of its own.

    Nothing but the receipts is locked yet, so a STOP that waits for these messages waits for nobody
    who waits for it.
    """
    told = [
        Refusal(found[r.id][0], r.provider, said.code, opted_out=said.event is Event.OPTED_OUT)
        for r, said in read
        if r.id in found and said.event in {Event.OPTED_OUT, Event.UNDELIVERED, Event.FAILED}
    ]
    refusals.heed(rt, told)


def _report(batch: _Batch, receipt: PendingReceipt) -> DeliveryReport | None:
    report = providers.get(receipt.provider).report(Webhook(receipt.url, {}, receipt.body))
    if report is None:
        batch.note(receipt, Applied.UNREADABLE, receipt.message_id)
    return report


def _attempts(
    db: Connection, read: Sequence[tuple[PendingReceipt, DeliveryReport]]
) -> dict[int, tuple[UUID, int]]:
    """Receipt id -> (message id, epoch): by the address it came to, else by the provider's id."""
    found = {
        r.id: (r.message_id, r.epoch)
        for r, _ in read
        if r.message_id is not None and r.epoch is not None
    }
    rest = [(r, report) for r, report in read if r.id not in found]
    owners = ledger.owners(db, [report.provider_message_id for _, report in rest]) if rest else {}
    for receipt, report in rest:
        owner = owners.get((receipt.account_id, report.provider_message_id))
        if owner is not None:
            found[receipt.id] = owner
    return found


def _park(batch: _Batch, receipt: PendingReceipt, report: DeliveryReport) -> None:
    if receipt.parked:
        batch.note(receipt, Applied.UNMATCHED, None)
        return
    batch.note(receipt, Applied.PARKED, None)
    batch.parked.append((receipt.id, report.provider_message_id))


def _step(
    batch: _Batch,
    receipt: PendingReceipt,
    report: DeliveryReport,
    target: Target,
    state: dict[UUID, Status],
) -> None:
    """Move one message by one report, from where the batch has brought it so far."""
    before = state[target.message_id]
    if before is Status.SENDING and report.event is not None:
        # Any report proves that the open attempt was accepted, whatever became of its reply.
        batch.settlements.append(
            Settlement(
                target.message_id,
                target.epoch,
                "accepted",
                SettledBy.RECEIPT,
                provider_message_id=report.provider_message_id,
                provider_code=report.code,
            )
        )
    after = advance(before, report.event) if report.event is not None else None
    if report.event is None or after is None:
        batch.note(receipt, _repeated(report.event, before), target.message_id)
        return
    batch.steps.setdefault(target.message_id, []).append(
        Move(
            target.message_id,
            target.epoch,
            before,
            report.event,
            after,
            reason=report.detail,
            counts=before is Status.SENDING,
            provider_message_id=report.provider_message_id,
            provider_code=report.code,
            tells=refusals.told_by_receipt(
                receipt.provider, report, before, accepted=target.accepted
            ),
        )
    )
    state[target.message_id] = after
    if target.erased and after in _RESUMABLE:
        # What would be sent again once the cause is lifted holds nothing to send any more.
        batch.steps[target.message_id].append(
            Move(
                target.message_id,
                target.epoch,
                after,
                Event.CANCELED,
                Status.CANCELED,
                reason="erased",
            )
        )
        state[target.message_id] = Status.CANCELED
    lapse = providers.get(receipt.provider).lapses.get(report.code or "")
    if lapse is not None and report.event is Event.BLOCKED_MISSING_CAMPAIGN:
        batch.lapses.append((target.message_id, lapse))
    batch.note(receipt, Applied.APPLIED, target.message_id)


_RESUMABLE = sources(Event.UNBLOCKED)
_MEANS = {
    Event.ACCEPTED: Status.SENT,
    Event.DELIVERED: Status.DELIVERED,
    Event.UNDELIVERED: Status.UNDELIVERABLE,
    Event.FAILED: Status.FAILED,
}


def _repeated(event: Event | None, status: Status) -> Applied:
    """A report of the very state the message is in is a duplicate; any other comes too late."""
    return Applied.DUPLICATE if event is None or _MEANS.get(event) is status else Applied.LATE


def _rounds(steps: dict[UUID, list[Move]]) -> Iterable[list[Move]]:
    """The steps in rounds that name each message at most once, in id order."""
    for n in range(max(map(len, steps.values()), default=0)):
        yield [steps[key][n] for key in sorted(steps) if len(steps[key]) > n]

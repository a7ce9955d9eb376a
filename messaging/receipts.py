"""Which attempt does each kept receipt speak of? Found, it is applied; else it waits for a day.

    take -> read -> attempt: by our own name for it, else by the provider's id -> `receipt_steps`

Our name for an attempt stands in the address the receipt came to, or comes back inside it. It is
believed only if the attempt was made through the account that signed the receipt. Receipts come
twice, late and out of order: each one is kept, and each changes something at most once.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from messaging import callbacks, providers, receipt_steps
from messaging.domain.balance import SLOW_DELIVERY
from messaging.providers.base import DeliveryReport, Webhook
from messaging.queues import Task
from messaging.receipt_steps import Applied, Batch, Read
from messaging.runtime import Runtime
from messaging.store import receipts as ledger
from messaging.store.receipts import Made, Noted, PendingReceipt
from messaging.telemetry import log, tally

_PARKED_FOR = timedelta(hours=24)
_STREAM = 20
"""Receipts at once that are taken for a stream."""
_MOMENTS, _MOMENT_SECONDS = 2, 0.1
"""Between the batches of a stream, listening at each: a quarter of a second later nobody listens."""
_LIKE_AN_ID = re.compile(r"[!-~]{0,255}").fullmatch
_Said = tuple[PendingReceipt, DeliveryReport]


def apply(
    rt: Runtime,
    *,
    batch: int = 500,
    seconds: float = 10.0,
    stopping: Callable[[], bool] = lambda: False,
) -> str:
    """Apply what is waiting until nothing is, or time is over; returns a one-line summary.

    While receipts stream in, a moment is left for them to gather: a batch has its price whatever its
    size. One that comes alone waits for nobody. `stopping` is asked before each batch.
    """
    started = rt.now()
    results: list[str] = []
    while rt.now() - started < timedelta(seconds=seconds) and not stopping():
        rt.hints.listen(Task.RECEIPTS_APPLY)
        found = _apply_some(rt, batch)
        results += found
        if len(found) == batch:
            rt.hints.call_help(Task.RECEIPTS_APPLY, every=seconds)
        elif len(found) >= _STREAM:
            _let_gather(rt)
        elif rt.hints.fall_asleep(Task.RECEIPTS_APPLY):
            break
    else:
        rt.hints.fall_asleep(Task.RECEIPTS_APPLY)
        rt.hints.hand_on(Task.RECEIPTS_APPLY)
    counted = {word: results.count(word) for word in sorted(set(results))}
    return ", ".join(f"{n} {word}" for word, n in counted.items()) or "nothing to apply"


def _apply_some(rt: Runtime, batch: int) -> list[str]:
    """Apply one batch in one transaction; what became of each receipt."""
    with rt.engine.begin() as db:
        done = _apply_each_if_need_be(rt, db, ledger.take(db, batch))
    rt.breakers.delivered(done.deliveries, SLOW_DELIVERY)
    results = [noted.result for noted in done.results]
    if results:
        rt.counters.add(tally("posthorn_receipts_total", result=results))
    return results


def _let_gather(rt: Runtime) -> None:
    """Leave a moment for more to come, listening all the while."""
    for _ in range(_MOMENTS):
        rt.hints.listen(Task.RECEIPTS_APPLY)
        time.sleep(_MOMENT_SECONDS)


def _apply_each_if_need_be(rt: Runtime, db: Connection, pending: Sequence[PendingReceipt]) -> Batch:
    """Apply a batch; if one receipt breaks it, apply them one by one and set that one aside."""
    try:
        with db.begin_nested():
            return _apply_batch(rt, db, pending)
    except DBAPIError:
        raise
    except Exception as error:  # noqa: BLE001 - a receipt we misread must not hold up all others
        # Not the text of the error: it may quote the receipt.
        log().error("receipts.batch_broken", receipts=len(pending), error=type(error).__name__)
    whole = Batch()
    for receipt in pending:
        try:
            with db.begin_nested():
                one = _apply_batch(rt, db, [receipt])
            whole.results += one.results
            whole.deliveries += one.deliveries
        except DBAPIError:
            raise
        except Exception:  # noqa: BLE001 - as above
            broken = Noted(receipt.id, Applied.UNREADABLE.value, receipt.message_id)
            ledger.note(db, [broken])
            whole.results.append(broken)
    return whole


def _apply_batch(rt: Runtime, db: Connection, pending: Sequence[PendingReceipt]) -> Batch:
    batch = Batch()
    said = [(r, report) for r in pending if (report := _report(batch, r)) is not None]
    reads = []
    for (receipt, report), attempt in zip(said, _attempts(rt, db, said), strict=True):
        if isinstance(attempt, Made):
            reads.append(Read(receipt, report, attempt))
        elif attempt is Applied.WRONG_ACCOUNT:
            batch.note(receipt.id, attempt, report)
        else:
            _park(batch, receipt, report)
    ledger.park(db, batch.parked, _PARKED_FOR)
    receipt_steps.write(rt, db, batch, reads)
    return batch


def _report(batch: Batch, receipt: PendingReceipt) -> DeliveryReport | None:
    """What a receipt says; None if it says nothing that can be read, which is noted."""
    report = providers.get(receipt.provider).report(Webhook(receipt.url, {}, receipt.body))
    if report is None or not _LIKE_AN_ID(report.provider_message_id):
        batch.results.append(Noted(receipt.id, Applied.UNREADABLE.value, receipt.message_id))
        return None
    return report


def _attempts(
    rt: Runtime, db: Connection, said: Sequence[_Said]
) -> Iterator[Made | Applied | None]:
    """The attempt of each receipt; `WRONG_ACCOUNT` for one of another account, None if unknown."""
    names = [list(_named(rt, receipt, report)) for receipt, report in said]
    made = ledger.made(db, sorted({message_id for each in names for message_id, _ in each}))
    found = [
        _of_account([made[name] for name in each if name in made], receipt.account_id)
        for each, (receipt, _) in zip(names, said, strict=True)
    ]
    rest = [r.provider_message_id for (_, r), x in zip(said, found, strict=True) if x is None]
    owners = ledger.owners(db, [id_ for id_ in rest if id_])
    for attempt, (receipt, report) in zip(found, said, strict=True):
        yield attempt or owners.get((receipt.account_id, report.provider_message_id))


def _named(
    rt: Runtime, receipt: PendingReceipt, report: DeliveryReport
) -> Iterator[tuple[UUID, int]]:
    """The attempts a receipt names by our own name: in its address, and in what it gives back."""
    if receipt.message_id is not None and receipt.epoch is not None:
        yield receipt.message_id, receipt.epoch
    given_back = [
        callbacks.read_reference(report.reference),
        callbacks.named(rt.settings, report.callback_url) if report.callback_url else None,
    ]
    yield from (name for name in given_back if name is not None)


def _of_account(named: Sequence[Made], account_id: UUID) -> Made | Applied | None:
    """The first that was made through the account. If there are only others: nothing is moved."""
    for attempt in named:
        if attempt.account_id == account_id:
            return attempt
    return Applied.WRONG_ACCOUNT if named else None


def _park(batch: Batch, receipt: PendingReceipt, report: DeliveryReport) -> None:
    if receipt.parked or not report.provider_message_id:
        batch.note(receipt.id, Applied.UNMATCHED, report)
        return
    batch.note(receipt.id, Applied.PARKED, report)
    batch.parked.append((receipt.id, report.provider_message_id))

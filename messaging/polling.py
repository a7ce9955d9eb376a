"""Where is the receipt of a message that should have had one by now? Its provider is asked.

    scan attempts that ended -> put down what is still sent | take due -> ask -> keep, apply -> later

What the provider answers is kept as an event of the message and decides like any receipt. Each message
is asked about with growing waits until it has ended, or until three days after it was accepted. Whose
provider has no receipts, or cannot be asked, simply stays `sent`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import httpx
from sqlalchemy.engine import Connection

from messaging import callbacks, providers, receipt_steps
from messaging.domain.failures import Failure
from messaging.domain.lifecycle import Event
from messaging.providers.base import DeliveryReport, Provider
from messaging.providers.transport import Transport
from messaging.queues import Task
from messaging.receipt_steps import Batch, Read, printable
from messaging.runtime import DatabaseError, Runtime
from messaging.store import polls
from messaging.store import receipts as ledger
from messaging.store.polls import Poll
from messaging.store.receipts import Answer, Made, PendingReceipt
from messaging.telemetry import log, tally

_WAITS = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 720))
_LONGEST = timedelta(hours=72)
_BACK = timedelta(hours=1)
"""How far back the very first scan looks."""
_STRETCH = timedelta(minutes=1)
_STRETCHES = 200


def run(rt: Runtime, transport: Transport, *, limit: int = 100, rounds: int = 20) -> str:
    """Find what lacks its receipt, and ask about all that is due; returns a one-line summary."""
    rt.hints.answered(Task.POLL)
    overdue = _scan(rt)
    found: Counter[str] = Counter()
    hold = timedelta(seconds=3 * rt.settings.provider_timeout_seconds)
    for _ in range(rounds):
        with rt.engine.begin() as db:
            taken, due = polls.take(db, limit, hold)
        found.update(_ask_all(rt, transport, due))
        if taken < limit:
            break
    else:
        rt.hints.ring(Task.POLL)
    if found:
        rt.counters.add(tally("posthorn_polls_total", result=[*found.elements()]))
    said = [f"{n} {word}" for word, n in sorted(found.items())]
    return ", ".join([f"{overdue} overdue", *said] if overdue else said) or "nothing to ask about"


def _scan(rt: Runtime) -> int:
    """Put down what was accepted long enough ago and is still only sent; returns how much."""
    askable = [p.name for p in providers.PROVIDERS.values() if _askable(p)]
    overdue = 0
    for _ in range(_STRETCHES):
        end = rt.now() - timedelta(seconds=rt.settings.receipt_wait_seconds)
        with rt.engine.begin() as db:
            scanned = polls.scan(db, askable, end - _BACK, end, _STRETCH)
        if scanned is None:
            break
        overdue += scanned.found
    return overdue


def _askable(provider: Provider) -> bool:
    return provider.has_receipts and provider.fetch is not None and provider.fetched is not None


@dataclass(frozen=True, slots=True)
class _Question:
    """One message that is asked about."""

    poll: Poll
    adapter: Provider


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the provider says of it now."""

    poll: Poll
    adapter: Provider
    report: DeliveryReport

    @property
    def key(self) -> str:
        """What this answer is called among the events of the account: the same while it stays so."""
        said, poll = self.report, self.poll
        word = printable(f"{said.provider_status}:{said.code or ''}")
        return f"poll:{word}@{callbacks.reference(poll.message_id, poll.epoch)}"


def _ask_all(rt: Runtime, transport: Transport, due: Sequence[Poll]) -> Iterator[str]:
    """Ask about all of them at once; what has come back is written down together."""
    answers: list[_Answer] = []
    silent = [poll for poll in due if not _ask(rt, transport, poll)]
    while transport.in_flight:
        for asked, reply in transport.poll(1.0):
            question = cast("_Question", asked)
            report = _read(question, reply)
            if report is None:
                silent.append(question.poll)
            else:
                answers.append(_Answer(question.poll, question.adapter, report))
    yield from _write_each_if_need_be(rt, answers)
    with rt.engine.begin() as db:
        _later(rt, db, silent)
    yield from ["no answer"] * len(silent)


def _ask(rt: Runtime, transport: Transport, poll: Poll) -> bool:
    """Whether it could be asked."""
    account = rt.senders_of(poll.tenant_id).accounts.get(poll.account_id)
    adapter = providers.find(account.provider) if account is not None else None
    if account is None or adapter is None or adapter.fetch is None:
        return False
    try:
        request = adapter.fetch(account, poll.provider_message_id)
        transport.submit(_Question(poll, adapter), request)
    except Exception as error:  # noqa: BLE001 - one account's fault must not stop all others
        log().error("poll.unsendable", error=type(error).__name__)
        return False
    return True


def _read(question: _Question, reply: httpx.Response | Failure) -> DeliveryReport | None:
    read = question.adapter.fetched
    return read(reply) if read is not None and isinstance(reply, httpx.Response) else None


def _write_each_if_need_be(rt: Runtime, answers: Sequence[_Answer]) -> Iterator[str]:
    """Write answers down together; if one breaks that, each by itself, and that one is asked again."""
    try:
        yield from _write(rt, answers)
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - an answer we misread must not hold up all others
        # Not the text of the error: it may quote the answer.
        log().error("poll.answer_broken", answers=len(answers), error=type(error).__name__)
        if len(answers) > 1:
            for answer in answers:
                yield from _write_each_if_need_be(rt, [answer])
            return
        with rt.engine.begin() as db:
            _later(rt, db, [answer.poll for answer in answers])
        yield "unreadable"


def _write(rt: Runtime, answers: Sequence[_Answer]) -> list[str]:
    if not answers:
        return []
    batch = Batch()
    with rt.engine.begin() as db:
        kept = ledger.keep_answers(db, [_event(answer) for answer in answers])
        receipt_steps.write(rt, db, batch, [_as_receipt(a, *kept[_place(a)]) for a in answers])
        ended = [a.poll for a in answers if a.report.event not in _STILL_UNDER_WAY]
        polls.drop(db, ended)
        _later(rt, db, [a.poll for a in answers if a.report.event in _STILL_UNDER_WAY])
    return [noted.result for noted in batch.results]


_STILL_UNDER_WAY = {None, Event.ACCEPTED}


def _place(answer: _Answer) -> tuple[UUID, str]:
    return answer.poll.account_id, answer.key


def _event(answer: _Answer) -> Answer:
    poll = answer.poll
    return Answer(poll.account_id, poll.message_id, poll.epoch, answer.key)


def _as_receipt(answer: _Answer, receipt_id: int, received_at: datetime) -> Read:
    poll, report = answer.poll, answer.report
    receipt = PendingReceipt(
        receipt_id,
        poll.account_id,
        answer.adapter.name,
        "",
        b"",
        poll.message_id,
        poll.epoch,
        parked=False,
        received_at=received_at,
    )
    # When we asked says nothing of how long the delivery took.
    since = poll.accepted_at if report.at is not None else None
    return Read(receipt, report, Made(poll.message_id, poll.epoch, poll.account_id, since))


def _later(rt: Runtime, db: Connection, asked: Sequence[Poll]) -> None:
    """Ask about these again after the next wait, or no more if that would be too late."""
    now = rt.now()
    waits = [(poll, _WAITS[min(poll.asked, len(_WAITS) - 1)]) for poll in asked]
    polls.put_off(db, [(p, wait) for p, wait in waits if now + wait - p.accepted_at <= _LONGEST])
    polls.drop(db, [p for p, wait in waits if now + wait - p.accepted_at > _LONGEST])

"""What would be left of the work if only one half of it had to be done?

`http`: the same requests through the same transport, no database. `store`: the same statements, no
carrier and no decisions. Nothing that does both can be faster than the slower one.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from multiprocessing.synchronize import Barrier
from uuid import UUID

import httpx

from messaging import callbacks, providers
from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import ProviderAccount, Queue, SelectionReason
from messaging.outcomes import accepted
from messaging.providers.base import Outbound
from messaging.providers.transport import Transport
from messaging.runtime import Runtime
from messaging.settings import Settings
from messaging.store import attempts, backlog, claims, facts, receipts
from messaging.store.attempts import SettledBy, Settlement
from messaging.store.messages import Move, move
from tests.benchmarks.machine import Machine
from tests.benchmarks.witness import VoidRunError

_PROCESSES = 2
_SPAWN = multiprocessing.get_context("spawn")
Work = Callable[[Settings, ProviderAccount, Sequence[tuple[str, str]], Barrier], None]


def http_per_s(m: Machine, count: int) -> float:
    """Requests a second that two processes put on the wire and read the replies of."""
    m.reset()
    asked = [(r.to, r.body) for r in m.requests(count)]
    rate = _run(m, _send, [asked[n::_PROCESSES] for n in range(_PROCESSES)])
    ledger = m.carrier.counts()
    if ledger != {"accepted": count, "distinct": count, "duplicated": 0}:
        raise VoidRunError(f"the carrier's ledger says {ledger} of {count} bare requests")
    return rate


def store_per_s(m: Machine, count: int) -> float:
    """Messages a second that two processes claim, read, open attempts for, and record."""
    m.reset()
    m.submit(m.requests(count))
    m.settle()
    rate = _run(m, _record, [[]] * _PROCESSES, count)
    sent = m.scalar("SELECT count(*) FROM messages WHERE status = 'sent'")
    if sent != count:
        raise VoidRunError(f"{sent} of {count} messages went through the bare store")
    return rate


def _run(m: Machine, work: Work, shares: list[list[tuple[str, str]]], count: int = 0) -> float:
    """Run `work` in processes that start together; units a second until the last has ended."""
    start, end = _SPAWN.Barrier(_PROCESSES + 1), _SPAWN.Barrier(_PROCESSES + 1)
    running = [
        _SPAWN.Process(
            target=_between, args=(work, m.rt.settings, m.account, share, start, end), daemon=True
        )
        for share in shares
    ]
    for process in running:
        process.start()
    start.wait(60)
    began = time.perf_counter()
    end.wait(300)
    seconds = time.perf_counter() - began
    for process in running:
        process.join(10)
    return (count or sum(map(len, shares))) / seconds


def _between(
    work: Work,
    settings: Settings,
    account: ProviderAccount,
    share: Sequence[tuple[str, str]],
    start: Barrier,
    end: Barrier,
) -> None:
    try:
        work(settings, account, share, start)
        end.wait(300)
    except BaseException:
        start.abort()
        end.abort()
        raise


def _send(
    settings: Settings, account: ProviderAccount, share: Sequence[tuple[str, str]], start: Barrier
) -> None:
    rt = Runtime.start(settings, name="floor")
    provider = providers.get(account.provider)
    requests = []
    for to, body in share:
        key = rt.new_id()
        outbound = Outbound(
            message_id=key,
            epoch=1,
            to=to,
            sender="+12025550100",
            body=body,
            callback_url=callbacks.address(settings, account, key, 1),
        )
        requests.append(provider.request(account, outbound))
    transport = Transport(max_connections=settings.window)
    start.wait(60)
    requests.reverse()
    while requests or transport.in_flight:
        while requests and transport.in_flight < settings.window:
            transport.submit(None, requests.pop())
        for _, reply in transport.poll(0.1):
            if not isinstance(reply, httpx.Response) or reply.status_code != HTTPStatus.CREATED:
                raise VoidRunError(f"a bare request got {reply}")
    transport.close()


def _record(
    settings: Settings, account: ProviderAccount, _share: Sequence[tuple[str, str]], start: Barrier
) -> None:
    rt = Runtime.start(settings, name="floor")
    sender = next(iter(rt.senders_of(account.tenant_id).names.values()))
    with rt.engine.connect():
        start.wait(60)
    while _batch(rt, account, sender):
        pass
    rt.close()


def _batch(rt: Runtime, account: ProviderAccount, sender: UUID) -> bool:
    """One batch through the statements of the pump and of the recorder; False if nothing was due."""
    with rt.engine.begin() as db:
        claim = claims.claim(db, Queue.LOW, rt.settings.claim_batch, rt.settings.lease, rt.new_id())
    if claim is None:
        return False
    with rt.engine.begin() as db:
        ids = [case.message.id for case in facts.gather(db, list(claim.epochs))]
        backlog.finish(db, claim.id)
        move(db, [_attempted(key, account.id, sender) for key in ids], rt.settings.lease)
    # What a provider would have answered, made up in no time.
    answers = sorted((key, f"SM{key.hex}") for key in ids)
    settled = [
        Settlement(key, 1, "accepted", SettledBy.REPLY, provider_message_id=sid)
        for key, sid in answers
    ]
    with rt.engine.begin() as db:
        move(db, [accepted(key, 1, sid) for key, sid in answers], rt.settings.lease)
        attempts.settle(db, settled)
        facts.stick(db, [(key, rt.new_id(), sender) for key, _ in answers])
        receipts.wake(db, [sid for _, sid in answers])
    return True


def _attempted(key: UUID, account_id: UUID, sender_id: UUID) -> Move:
    return Move(
        key,
        0,
        Status.QUEUED,
        Event.ATTEMPTED,
        Status.SENDING,
        account_id=account_id,
        sender_id=sender_id,
        selection_reason=SelectionReason.HEALTHY_POOL,
    )

"""How long does personal data stay? As long as its tenant decided (`policy.Retention`), no longer.

Texts, addresses and metadata of messages that are over are emptied after `body_days`, counted from when
they were handed in; webhooks are deleted after `receipt_days`. The rows stay: ids, times, status,
segments and keys. The walk through a tenant's messages passes each one once. Whatever is not over by
then (scheduled far ahead, blocked, a draft) is noted in the same transaction, and looked at every
time until it is, so nothing is missed however long it takes and wherever a crash falls.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from messaging.queues import Task
from messaging.runtime import Runtime
from messaging.store import retention as store
from messaging.store import tenants
from messaging.store.retention import Horizon

_BATCH = 1000


def run(rt: Runtime, *, seconds: float = 10.0) -> str:
    """Empty and delete what is too old until nothing is, or time is over; returns a one-line summary.

    One short transaction a batch. If time is over, it has itself called again at once.
    """
    ends = rt.now() + timedelta(seconds=seconds)
    emptied = deleted = 0
    for now_emptied, now_deleted in _batches(rt):
        emptied += now_emptied
        deleted += now_deleted
        if rt.now() >= ends:
            if emptied or deleted:
                rt.hints.hand_on(Task.RETAIN)
            break
    return f"emptied {emptied} messages, deleted {deleted} webhooks"


def _batches(rt: Runtime) -> Iterator[tuple[int, int]]:
    """Per batch, how many messages were emptied and how many webhooks deleted."""
    now = rt.now()
    with rt.engine.connect() as db:
        kept = {each: tenants.policy(db, each).retention for each in store.tenant_ids(db)}
    horizons = [
        Horizon(tenant_id, now - timedelta(days=retention.body_days))
        for tenant_id, retention in kept.items()
        if retention.body_days is not None
    ]
    for horizon in horizons:
        yield from ((emptied, 0) for emptied in _walk(rt, horizon))
    for tenant_id, retention in kept.items():
        before = now - timedelta(days=retention.receipt_days)
        yield from ((0, deleted) for deleted in _receipts(rt, tenant_id, before))
    for horizon in horizons:
        yield from ((emptied, 0) for emptied in _lingering(rt, horizon))


def _lingering(rt: Runtime, horizon: Horizon) -> Iterator[int]:
    after: UUID | None = None
    while True:
        with rt.engine.begin() as db:
            emptied, after = store.revisit(db, horizon, after, _BATCH)
        yield emptied
        if after is None:
            return


def _walk(rt: Runtime, horizon: Horizon) -> Iterator[int]:
    done = False
    while not done:
        with rt.engine.begin() as db:
            walked = store.walk(db, horizon, _BATCH)
        yield walked.emptied
        done = walked.done


def _receipts(rt: Runtime, tenant_id: UUID, before: datetime) -> Iterator[int]:
    with rt.engine.connect() as db:
        accounts = store.account_ids(db, tenant_id)
    for account_id in accounts:
        deleted = _BATCH
        while deleted == _BATCH:
            with rt.engine.begin() as db:
                deleted = store.drop_receipts(db, account_id, before, _BATCH)
            yield deleted

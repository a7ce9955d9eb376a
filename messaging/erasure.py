"""A person asks to be forgotten: everything of theirs is emptied, and what must be kept stays.

    request | forget contacts -> targets -> cancel what waits -> empty messages -> receipts -> inbound
      -> evidence -> finish

Each bar and arrow is a commit, and each step takes what is not done yet, so it may be stopped and
begun again anywhere, by anybody. What an attempt is open for waits until that is settled, because only
recipient and text can tell how it ended; the request comes back to it. Ids, times, status, segments
and keys stay. So do opt-outs and consent, under a key that nobody can turn back into an address: a
person who is forgotten and said STOP is still not written to.

The provider's own copy of a message is not deleted here. Idempotency keys, words of the caller's own,
go by themselves after `POSTHORN_IDEMPOTENCY_HOURS`; a webhook that no send of ours matched, with the
tenant's `retention.receipt_days`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging import audit, suppression
from messaging.domain.errors import NotFoundError
from messaging.domain.lifecycle import FINAL, Event, Status, sources
from messaging.domain.message import Channel
from messaging.queues import Task
from messaging.runtime import Runtime
from messaging.store import erasures, suppressions
from messaging.store.erasures import Erasure, Job
from messaging.store.messages import Move, move
from messaging.store.tenants import Tenant

_BATCH = 1000
_AGAIN = timedelta(seconds=10)
_WAITS = sources(Event.CANCELED)
_OVER = FINAL | {Status.SENT}
"""What can be emptied: a late receipt may still move it, and needs nothing of it for that."""


def request(rt: Runtime, tenant: Tenant, channel: Channel, to: str) -> Erasure:
    """Have a person erased, by the workers; asking again opens the same request again.

    A phone is one person: texts and pictures to it go together, under a request each.

    Raises:
        InvalidRequestError: it is not an address of this channel.
    """
    opened = _open(rt, tenant, channel, to)
    rt.hints.ring(Task.ERASE)
    return opened[channel]


def erase(rt: Runtime, tenant: Tenant, channel: Channel, to: str) -> Erasure:
    """Erase a person now, as far as nothing is under way; the workers do the rest.

    Raises:
        InvalidRequestError: it is not an address of this channel.
    """
    opened = _open(rt, tenant, channel, to)
    for one in opened.values():
        work_off(rt, one.id)
    return find(rt, tenant, opened[channel].id)


def _open(rt: Runtime, tenant: Tenant, channel: Channel, to: str) -> dict[Channel, Erasure]:
    who = suppression.person(rt, tenant, channel, to)
    with rt.engine.begin() as db:
        opened = {
            each: erasures.request(db, rt.new_id(), tenant.id, each, key, rt.now())
            for each, key in who.keys.items()
        }
        audit.note(db, tenant.id, "erasure.requested", opened[channel].id)
        return opened


def find(rt: Runtime, tenant: Tenant, erasure_id: UUID) -> Erasure:
    """How far a request has come.

    Raises:
        NotFoundError: no such request of this tenant.
    """
    with rt.engine.connect() as db:
        found = erasures.find(db, tenant.id, erasure_id)
    if found is None:
        raise NotFoundError("no erasure of yours has this id")
    return found


def run(rt: Runtime, *, seconds: float = 10.0) -> str:
    """Work off what is due until nothing is, or time is over; returns a one-line summary."""
    rt.hints.answered(Task.ERASE)
    ends = rt.now() + timedelta(seconds=seconds)
    found: Counter[str] = Counter()
    while rt.now() < ends:
        with rt.engine.begin() as db:
            due = erasures.due(db, 20, _AGAIN)
        found.update("finished" if work_off(rt, one) else "under way" for one in due)
        if not due:
            break
    else:
        rt.hints.hand_on(Task.ERASE)
    return ", ".join(f"{n} {word}" for word, n in sorted(found.items())) or "nobody to erase"


def work_off(rt: Runtime, erasure_id: UUID) -> bool:
    """Empty everything that can be; False if something is still under way, or somebody else at work."""
    for step in _STEPS:
        more = True
        while more:
            with rt.engine.begin() as db:
                job = erasures.take(db, erasure_id)
                if job is None:
                    return False
                more = step(db, job) >= _BATCH
    with rt.engine.begin() as db:
        job = erasures.take(db, erasure_id)
        return job is not None and erasures.finish(db, job, rt.now())


def _contacts(db: Connection, job: Job) -> int:
    """First of all, so that no campaign is to one of them from now on."""
    return erasures.forget_contacts(db, job, _BATCH)


def _targets(db: Connection, job: Job) -> int:
    """Before anything is canceled, so that no campaign makes a message of one meanwhile."""
    erasures.forget_targets(db, job)
    return 0


def _cancel(db: Connection, job: Job) -> int:
    """Call off what waits; a dispatch that holds the person has opened its attempts before we look."""
    suppressions.lock(db, [job.recipient_key])
    waiting = erasures.waiting(db, job, _WAITS, _BATCH)
    move(
        db,
        [
            Move(m.id, m.epoch, m.status, Event.CANCELED, Status.CANCELED, reason="erased")
            for m in waiting
        ],
    )
    return len(waiting)


def _messages(db: Connection, job: Job) -> int:
    emptied = erasures.empty_messages(db, job, _OVER, _BATCH)
    erasures.count(db, job, messages=emptied)
    return emptied


def _receipts(db: Connection, job: Job) -> int:
    emptied = erasures.empty_receipts(db, job, _BATCH)
    erasures.count(db, job, receipts=emptied)
    return emptied


def _inbound(db: Connection, job: Job) -> int:
    emptied = erasures.empty_inbound(db, job, _BATCH)
    erasures.count(db, job, messages=emptied)
    return emptied


def _rest(db: Connection, job: Job) -> int:
    erasures.forget_rest(db, job)
    return 0


_STEPS: tuple[Callable[[Connection, Job], int], ...] = (
    _contacts,
    _targets,
    _cancel,
    _messages,
    _receipts,
    _inbound,
    _rest,
)

"""One use case behind every door: check a request, keep it, answer.

Durable before it answers, and never waits for Redis: the message, its first event, its work row and
its idempotency key are one commit; the hint that follows is best effort. A list is kept whole in one
transaction; a bad entry gets its own error and the rest goes on. What the rules refuse is answered
at once (`admission`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from messaging import admission
from messaging.domain.errors import (
    ConflictError,
    FieldProblem,
    IdempotencyBusyError,
    IdempotencyReusedError,
    MissingScopeError,
    NotFoundError,
    PosthornError,
    UnavailableError,
)
from messaging.domain.lifecycle import Event, Status, sources
from messaging.domain.message import LANE_OF
from messaging.queues import DISPATCH
from messaging.runtime import Runtime
from messaging.store import fallbacks, idempotency, messages, verdicts, views
from messaging.store.idempotency import Kept
from messaging.store.messages import Move, NewRow
from messaging.store.tenants import Tenant
from messaging.submission import Entry, Prepared, Receipt, Refused, Submission, Taken, prepare
from messaging.telemetry import tally


def submit(rt: Runtime, submission: Submission) -> Receipt:
    """Keep one submission.

    Raises:
        IdempotencyReusedError: the key was used for a different request.
        IdempotencyBusyError: a twin with the same key is still running.
        UnavailableError: it could not be kept; safe to repeat with the same key.
    """
    prepared = [prepare(rt, submission)]
    try:
        with rt.engine.begin() as db:
            answers = keep(db, prepared)
    except DBAPIError:
        raise UnavailableError(AWAY) from None
    announce(rt, prepared, answers)
    (answer,) = answers
    if isinstance(answer, PosthornError):
        raise answer
    return answer


AWAY = "the message could not be kept; try again with the same key"
BUSY = "a request with this key is still running; try again"
REUSED = "this key was used for a different request; use a new key for a new message"


def keep(db: Connection, prepared: Sequence[Prepared]) -> list[Receipt | PosthornError]:
    """Keep several callers' submissions in one transaction, each answered on its own.

    Whoever calls this commits, and calls `announce` afterwards, when nobody waits any more.
    """
    answers: list[Receipt | PosthornError | None] = list(_earlier(db, prepared))
    fresh = [one for one, answer in zip(prepared, answers, strict=True) if answer is None]
    admitted = admission.admit(db, fresh)
    used: list[tuple[UUID, str, Kept]] = []
    for i, one in enumerate(prepared):
        if answers[i] is not None:
            continue
        answers[i] = Receipt(one.entries)
        submission = one.submission
        if submission.key is not None and any(isinstance(e, Taken) for e in one.entries):
            kept = Kept(submission.likeness, [_dump(e) for e in one.entries])
            used.append((submission.tenant.id, submission.key, kept))
    messages.insert(db, admitted.rows)
    _keep_fallbacks(db, fresh, admitted.rows)
    messages.move(db, admitted.blocks)
    verdicts.keep(db, admitted.judgements)
    idempotency.keep(db, used)
    return [a for a in answers if a is not None]


def _keep_fallbacks(db: Connection, prepared: Sequence[Prepared], rows: Sequence[NewRow]) -> None:
    waiting = [fallback for one in prepared for fallback in one.fallbacks]
    if waiting:
        kept = {row.id for row in rows}
        fallbacks.keep(db, [fallback for fallback in waiting if fallback.message_id in kept])


def _earlier(db: Connection, prepared: Sequence[Prepared]) -> list[Receipt | PosthornError | None]:
    """Per submission, what its idempotency key already decides, if anything."""
    submissions = [one.submission for one in prepared]
    answers: list[Receipt | PosthornError | None] = [None] * len(submissions)
    keyed = [(i, (s.tenant.id, s.key)) for i, s in enumerate(submissions) if s.key is not None]
    if not keyed:
        return answers
    free = idempotency.lock(db, [key for _, key in keyed])
    found = idempotency.find(db, [key for _, key in keyed])
    seen: set[tuple[UUID, str]] = set()
    for (i, key), mine in zip(keyed, free, strict=True):
        kept = found.get(key)
        if not mine or key in seen:
            answers[i] = IdempotencyBusyError(BUSY)
        elif kept is not None and kept.fingerprint != submissions[i].likeness:
            answers[i] = IdempotencyReusedError(REUSED)
        elif kept is not None:
            answers[i] = Receipt([_load(e) for e in kept.results], replayed=True)
        seen.add(key)
    return answers


def _dump(entry: Entry) -> dict[str, Any]:
    if isinstance(entry, Taken):
        return {"id": str(entry.id), "status": entry.status.value}
    return {"problems": [[p.pointer, p.code, p.detail] for p in entry.problems]}


def _load(kept: dict[str, Any]) -> Entry:
    if "id" in kept:
        return Taken(UUID(kept["id"]), Status(kept["status"]))
    return Refused([FieldProblem(*p) for p in kept["problems"]])


def announce(
    rt: Runtime,
    prepared: Sequence[Prepared],
    answers: Sequence[Receipt | PosthornError],
) -> None:
    """Hint the lanes that got work, and count. The commit is done: nothing here may fail a caller."""
    lanes = set()
    sources_: list[str] = []
    for one, answer in zip(prepared, answers, strict=True):
        if isinstance(answer, PosthornError) or answer.replayed:
            continue
        submission = one.submission
        for asked, entry in zip(submission.requests, answer.entries, strict=True):
            if isinstance(entry, Taken) and not isinstance(asked, list):
                sources_.append(submission.source)
                if entry.status is Status.QUEUED:
                    lanes.add(LANE_OF[asked.priority])
    for lane in sorted(lanes):
        rt.hints.ring(DISPATCH[lane])
    if sources_:
        rt.counters.add(tally("posthorn_messages_accepted_total", source=sources_))


def cancel(rt: Runtime, tenant: Tenant, message_id: UUID) -> None:
    """Call a message off, if no attempt has been opened for it.

    Raises:
        NotFoundError: no such message of this tenant.
        ConflictError: it is already being sent, or was.
        MissingScopeError: it is a live key's, and this is a test key.
    """
    if tenant.sandboxed:
        with rt.engine.connect() as db:
            if views.sandboxed(db, tenant.id, message_id) is False:
                raise MissingScopeError("a test key calls off tests only; use a live key for this")
    _step(rt, tenant, message_id, Event.CANCELED, Status.CANCELED, reason="canceled_by_caller")


def submit_draft(rt: Runtime, tenant: Tenant, message_id: UUID) -> None:
    """Send a draft, now or at its `scheduled_for`.

    Raises:
        NotFoundError: no such message of this tenant.
        ConflictError: it is not a draft.
    """
    found = _mine(rt, tenant, message_id)
    if tenant.sandboxed:  # whatever key saved it
        with rt.engine.begin() as db:
            messages.sandbox(db, message_id)
    at = found.scheduled_for
    if at is not None and at > rt.now():
        _step(rt, tenant, message_id, Event.SCHEDULED, Status.SCHEDULED, reason="requested")
    else:
        _step(rt, tenant, message_id, Event.SUBMITTED, Status.QUEUED)
        rt.hints.ring(DISPATCH[LANE_OF[found.priority]])


def _mine(rt: Runtime, tenant: Tenant, message_id: UUID) -> views.MessageView:
    with rt.engine.connect() as db:
        found = views.message(db, tenant.id, message_id)
    if found is None:
        raise NotFoundError("no message of yours has this id")
    return found


def _step(
    rt: Runtime,
    tenant: Tenant,
    message_id: UUID,
    event: Event,
    after: Status,
    reason: str | None = None,
) -> None:
    """One step asked for by the caller, tried again if the message moved meanwhile."""
    for _ in range(3):
        found = _mine(rt, tenant, message_id)
        if found.status not in sources(event):
            raise ConflictError(f"a message that is {found.status} cannot be {event.value}")
        due_at = found.scheduled_for if after is Status.SCHEDULED else None
        step = Move(
            message_id, found.epoch, found.status, event, after, reason=reason, due_at=due_at
        )
        with rt.engine.begin() as db:
            if messages.move(db, [step], timedelta(0)):
                return
    raise ConflictError("the message is moving; look at it and try again")

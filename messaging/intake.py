"""One use case behind every door: check a request, keep it, answer.

Durable before it answers, and never waits for Redis: the message, its first event, its work row and
its idempotency key are one commit; the hint that follows is best effort. A list is kept whole in one
transaction; a bad entry gets its own error and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from messaging.domain import addresses, request
from messaging.domain.errors import (
    ConflictError,
    FieldProblem,
    IdempotencyBusyError,
    IdempotencyReusedError,
    NotFoundError,
    PosthornError,
    UnavailableError,
)
from messaging.domain.lifecycle import Event, Status, sources
from messaging.domain.message import LANE_OF, NewMessage
from messaging.domain.request import Context, SendRequest
from messaging.queues import DISPATCH
from messaging.runtime import Runtime
from messaging.store import idempotency, messages, views
from messaging.store.idempotency import Kept
from messaging.store.messages import Move, NewRow
from messaging.store.tenants import Tenant
from messaging.telemetry import tally


@dataclass(frozen=True, slots=True)
class Taken:
    """A message we keep."""

    id: UUID
    status: Status


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry we do not keep, and why."""

    problems: list[FieldProblem]


Entry = Taken | Refused


@dataclass(frozen=True, slots=True)
class Submission:
    """What one caller hands in at once."""

    tenant: Tenant
    requests: list[SendRequest | list[FieldProblem]]
    """Each entry, or what was wrong with its form."""
    key: str | None
    fingerprint: bytes
    source: str
    """The door it came through: `api`, `celery`, `client`, `cli`."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a submission: one entry each, in order."""

    entries: list[Entry]
    replayed: bool = False
    """Whether an earlier submission with the same key is what was answered."""


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


@dataclass(slots=True)
class Prepared:
    """A submission that has been read: what its caller will be answered, and what there is to keep."""

    submission: Submission
    entries: list[Entry]
    rows: list[NewRow]


def prepare(rt: Runtime, submission: Submission) -> Prepared:
    """Everything about a submission that needs no transaction."""
    entries, rows = _entries(rt, submission)
    return Prepared(submission, entries, rows)


def keep(db: Connection, prepared: Sequence[Prepared]) -> list[Receipt | PosthornError]:
    """Keep several callers' submissions in one transaction, each answered on its own.

    Whoever calls this commits, and calls `announce` afterwards, when nobody waits any more.
    """
    answers: list[Receipt | PosthornError | None] = list(_earlier(db, prepared))
    rows: list[NewRow] = []
    used: list[tuple[UUID, str, Kept]] = []
    for i, one in enumerate(prepared):
        if answers[i] is not None:
            continue
        answers[i] = Receipt(one.entries)
        rows += one.rows
        submission = one.submission
        if submission.key is not None and one.rows:
            kept = Kept(submission.fingerprint, [_dump(e) for e in one.entries])
            used.append((submission.tenant.id, submission.key, kept))
    messages.insert(db, rows)
    idempotency.keep(db, used)
    return [a for a in answers if a is not None]


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
            answers[i] = IdempotencyBusyError("a request with this key is still running; try again")
        elif kept is not None and kept.fingerprint != submissions[i].fingerprint:
            answers[i] = IdempotencyReusedError(
                "this key was used for a different request; use a new key for a new message"
            )
        elif kept is not None:
            answers[i] = Receipt([_load(e) for e in kept.results], replayed=True)
        seen.add(key)
    return answers


def _entries(rt: Runtime, submission: Submission) -> tuple[list[Entry], list[NewRow]]:
    entries: list[Entry] = []
    rows: list[NewRow] = []
    context = context_of(rt, submission.tenant)
    for asked in submission.requests:
        new = asked if isinstance(asked, list) else request.read(asked, context)
        if isinstance(new, list):
            entries.append(Refused(new))
            continue
        row = NewRow(
            id=rt.new_id(),
            tenant_id=submission.tenant.id,
            recipient_key=addresses.key(rt.settings.pepper, new.channel.value, new.recipient),
            status=_first_status(new),
            message=new,
            created_at=context.now,
        )
        rows.append(row)
        entries.append(Taken(row.id, row.status))
    return entries, rows


def context_of(rt: Runtime, tenant: Tenant) -> Context:
    """What reading a tenant's requests depends on, as of now."""
    senders = rt.senders_of(tenant.id)
    return Context(tenant.default_region, senders.names, senders.pools, rt.now())


def _first_status(new: NewMessage) -> Status:
    if new.draft:
        return Status.DRAFT
    return Status.SCHEDULED if new.scheduled_for else Status.QUEUED


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
    """
    _step(rt, tenant, message_id, Event.CANCELED, Status.CANCELED, reason="canceled_by_caller")


def submit_draft(rt: Runtime, tenant: Tenant, message_id: UUID) -> None:
    """Send a draft, now or at its `scheduled_for`.

    Raises:
        NotFoundError: no such message of this tenant.
        ConflictError: it is not a draft.
    """
    found = _mine(rt, tenant, message_id)
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

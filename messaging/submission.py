"""What does one caller hand in at once, and what of it can be read?

Everything about a submission that needs no transaction: each entry becomes a row to keep, or what is
wrong with its form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from messaging.domain import addresses
from messaging.domain.compliance import Reason
from messaging.domain.errors import FieldProblem, InvalidRequestError, RefusedError
from messaging.domain.lifecycle import Status
from messaging.domain.message import Channel, Traffic
from messaging.domain.new_message import NewMessage
from messaging.domain.reading import Context, read
from messaging.domain.request import SendRequest
from messaging.judgement import offers_flash
from messaging.runtime import Runtime, TenantSenders
from messaging.store.fallbacks import NewFallback
from messaging.store.messages import NewRow
from messaging.store.tenants import Tenant


@dataclass(frozen=True, slots=True)
class Taken:
    """A message we keep."""

    id: UUID
    status: Status


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry we do not keep, and why."""

    problems: list[FieldProblem]
    reason: Reason | None = None
    """Set when its form is right but a rule says no."""

    def error(self) -> InvalidRequestError:
        """The same, to be raised."""
        if self.reason is None:
            return InvalidRequestError(self.problems)
        return RefusedError(self.reason.value, self.problems[0])


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
    bulk: bool = False
    """Whether what a rule refuses is kept all the same, in its blocked status."""

    @property
    def likeness(self) -> bytes:
        """What a repeat with its key must have in common with it: a live message repeats no test."""
        return self.fingerprint + b"test" if self.tenant.sandboxed else self.fingerprint


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a submission: one entry each, in order."""

    entries: list[Entry]
    replayed: bool = False
    """Whether an earlier submission with the same key is what was answered."""


@dataclass(slots=True)
class Draft:
    """A row to keep, and which entry of its submission it answers."""

    row: NewRow
    entry: int


@dataclass(slots=True)
class Prepared:
    """A submission that has been read: what its caller will be answered, and what there is to keep."""

    submission: Submission
    entries: list[Entry]
    drafts: list[Draft]
    known: TenantSenders
    now: datetime
    fallbacks: list[NewFallback] = field(default_factory=list)
    """What is to stand in for some of the drafts."""


def prepare(rt: Runtime, submission: Submission) -> Prepared:
    """Everything about a submission that needs no transaction."""
    tenant = submission.tenant
    known, now = rt.senders_of(tenant.id), rt.now()
    context = Context(
        tenant.default_region,
        known.names,
        known.pools,
        now,
        known.policy,
        known.bindings.use_cases(),
        known.bindings.tenant.pool_ids[0] if known.bindings.tenant.pool_ids else None,
        offers_flash(known),
        known.candidates.by_id,
    )
    prepared = Prepared(submission, [], [], known, now)
    for i, asked in enumerate(submission.requests):
        new = asked if isinstance(asked, list) else read(asked, context)
        if tenant.sandboxed:
            new = _sandboxed(new, known)
        elif known.live:
            new = _live(new, known)
        if isinstance(new, list):
            prepared.entries.append(Refused(new))
            continue
        row = NewRow(
            id=rt.new_id(),
            tenant_id=tenant.id,
            recipient_key=addresses.key(rt.settings.pepper, new.channel.value, new.recipient),
            status=_first_status(new),
            message=new,
            created_at=now,
        )
        if new.fallback is not None:
            prepared.fallbacks.append(_fallback(rt, row, new.fallback))
        prepared.drafts.append(Draft(row, i))
        prepared.entries.append(Taken(row.id, row.status))
    return prepared


def _sandboxed(
    new: NewMessage | list[FieldProblem], known: TenantSenders
) -> NewMessage | list[FieldProblem]:
    """A message of a test key: a test, for sandboxes only, if the tenant has one."""
    if isinstance(new, list):
        return new
    if not known.sandboxes:
        detail = "a test key sends through a sandbox; add an account that is one, or use a live key"
        return [FieldProblem("#", "no_sandbox", detail)]
    sender = None if new.sender_id is None else known.candidates.by_id.get(new.sender_id)
    if sender is not None and sender.account_id not in known.sandboxes:
        detail = "this sender is real; a test key sends from senders of a sandbox only"
        return [FieldProblem("#/from", "no_sandbox", detail)]
    return replace(new, traffic=Traffic.TEST, sandboxed=True)


def _live(
    new: NewMessage | list[FieldProblem], known: TenantSenders
) -> NewMessage | list[FieldProblem]:
    """A message of a live key: never from what is kept for tests."""
    if isinstance(new, list) or new.sender_id is None:
        return new
    sender = known.candidates.by_id.get(new.sender_id)
    if sender is None or sender.account_id in known.live:
        return new
    detail = "this sender is of a sandbox, for tests; use a test key, or another sender"
    return [FieldProblem("#/from", "sandbox_only", detail)]


_SOONEST = timedelta(seconds=5)


def _fallback(rt: Runtime, row: NewRow, request: Mapping[str, Any]) -> NewFallback:
    channel = Channel(request["channel"])
    return NewFallback(
        row.id,
        row.tenant_id,
        channel,
        addresses.key(rt.settings.pepper, channel.value, request["to"]),
        dict(request),
        row.message.scheduled_for or row.created_at + _SOONEST,
    )


def _first_status(new: NewMessage) -> Status:
    if new.draft:
        return Status.DRAFT
    return Status.SCHEDULED if new.scheduled_for else Status.QUEUED

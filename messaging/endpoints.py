"""Where does a tenant want to be told what happens? Its endpoints: added, changed, tried, caught up.

A URL is looked at when it is given, with the eyes of a delivery, so that what could never be posted to
is refused with a reason at once. What is kept of a secret is sealed; it is shown when it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from messaging import audit, courier, signing
from messaging.courier import Resolve
from messaging.domain.callback_url import Refusal
from messaging.domain.errors import (
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
)
from messaging.domain.lifecycle import Status
from messaging.domain.notices import KINDS, PATIENCE, Disabled, Kind, State
from messaging.queues import Task
from messaging.runtime import Runtime
from messaging.store import endpoints, notices
from messaging.store.endpoints import FORGIVEN, EndpointView
from messaging.store.notices import Chosen, NoticeView
from messaging.store.tenants import Tenant

ROTATION = timedelta(hours=24)
"""How long the old secret of an endpoint signs beside the new one."""
MOST = 16
"""Endpoints of a tenant: each step of a message writes a notice for each."""
MOST_REPLAYED = 10_000
"""Notices one replay puts back; whoever wants more asks again."""
_NO_SUCH = "no endpoint of yours has this id"


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change of an endpoint; None leaves it as it is."""

    url: str | None = None
    events: Sequence[Kind] | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay put back."""

    count: int
    through: datetime | None
    """When the last of them was written: where to go on."""
    more: bool


def page(rt: Runtime, tenant: Tenant) -> list[EndpointView]:
    """A tenant's endpoints, in the order they were made."""
    with rt.engine.connect() as db:
        return endpoints.page(db, tenant.id)


def find(rt: Runtime, tenant: Tenant, endpoint_id: UUID) -> EndpointView:
    """One endpoint.

    Raises:
        NotFoundError: no such endpoint of this tenant.
    """
    with rt.engine.connect() as db:
        found = endpoints.find(db, tenant.id, endpoint_id)
    if found is None:
        raise NotFoundError(_NO_SUCH)
    return found


def add(
    rt: Runtime,
    tenant: Tenant,
    url: str,
    events: Sequence[Kind] = tuple(Kind),
    resolve: Resolve = courier.look_up,
) -> tuple[EndpointView, str]:
    """A new endpoint and its secret, which cannot be shown again.

    Raises:
        InvalidRequestError: nothing may be posted to this URL, or there is nothing to tell.
        ConflictError: the tenant has this URL already, or as many endpoints as it may have.
    """
    _check(rt, url, events, resolve)
    endpoint_id, secret = rt.new_id(), signing.new_secret()
    with rt.engine.begin() as db:
        if endpoints.lock(db, tenant.id) >= MOST:
            raise ConflictError(f"you have {MOST} endpoints already; remove one first")
        if not endpoints.add(db, endpoint_id, tenant.id, url, _words(events), secret, rt.sealer):
            raise ConflictError("you have an endpoint with this URL already; change that one")
        audit.note(db, tenant.id, "endpoint.added", endpoint_id)
    return find(rt, tenant, endpoint_id), secret


def change(
    rt: Runtime,
    tenant: Tenant,
    endpoint_id: UUID,
    changes: Changes,
    resolve: Resolve = courier.look_up,
) -> EndpointView:
    """Change an endpoint; with a new URL, or enabled again, it begins with a clean record.

    Raises:
        NotFoundError: no such endpoint of this tenant.
        InvalidRequestError: nothing may be posted to this URL, or there is nothing to tell.
        ConflictError: another endpoint has this URL.
    """
    _check(rt, changes.url, changes.events, resolve)
    values: dict[str, object] = {}
    if changes.url is not None:
        values |= {"url": changes.url, **FORGIVEN}
    if changes.events is not None:
        values["events"] = _words(changes.events)
    if changes.enabled:
        values |= {"disabled_at": None, "disabled_reason": None, **FORGIVEN}
    elif changes.enabled is False and find(rt, tenant, endpoint_id).disabled_at is None:
        values |= {"disabled_at": rt.now(), "disabled_reason": Disabled.ASKED.value}
    if values:
        try:
            with rt.engine.begin() as db:
                there = endpoints.change(db, tenant.id, endpoint_id, values)
                if there:
                    said = [name for name, v in asdict(changes).items() if v is not None]
                    audit.note(db, tenant.id, "endpoint.changed", endpoint_id, said)
        except IntegrityError:
            raise ConflictError("another endpoint of yours has this URL") from None
        if not there:
            raise NotFoundError(_NO_SUCH)
        rt.hints.ring(Task.NOTICES)
    return find(rt, tenant, endpoint_id)


def _words(events: Sequence[Kind]) -> list[str]:
    return list(dict.fromkeys(kind.value for kind in events))


def _check(rt: Runtime, url: str | None, events: Sequence[Kind] | None, resolve: Resolve) -> None:
    if url is not None:
        found = courier.inspect(url, rt.settings.callback_allowed, resolve)
        if isinstance(found, Refusal):
            raise InvalidRequestError([FieldProblem("#/url", found.code, found.detail)])
    if events is not None and not events:
        detail = "name at least one event, or disable the endpoint"
        raise InvalidRequestError([FieldProblem("#/events", "empty", detail)])


def remove(rt: Runtime, tenant: Tenant, endpoint_id: UUID) -> None:
    """Delete an endpoint, and what it was still to be told.

    Raises:
        NotFoundError: no such endpoint of this tenant.
    """
    with rt.engine.begin() as db:
        if not endpoints.remove(db, tenant.id, endpoint_id):
            raise NotFoundError(_NO_SUCH)
        audit.note(db, tenant.id, "endpoint.removed", endpoint_id)


def rotate(rt: Runtime, tenant: Tenant, endpoint_id: UUID) -> tuple[EndpointView, str]:
    """A new secret for an endpoint; both sign for a day, so that its owner can change over.

    Raises:
        NotFoundError: no such endpoint of this tenant.
    """
    secret = signing.new_secret()
    with rt.engine.begin() as db:
        if not endpoints.rotate(db, tenant.id, endpoint_id, secret, rt.sealer, ROTATION):
            raise NotFoundError(_NO_SUCH)
        audit.note(db, tenant.id, "endpoint.rotated", endpoint_id)
    return find(rt, tenant, endpoint_id), secret


def try_out(rt: Runtime, tenant: Tenant, endpoint_id: UUID, kind: Kind = Kind.DELIVERED) -> int:
    """Send an endpoint an example of a kind, in one try; the notice's number.

    Raises:
        NotFoundError: no such endpoint of this tenant.
        ConflictError: it is disabled.
    """
    if find(rt, tenant, endpoint_id).disabled_at is not None:
        raise ConflictError("this endpoint is disabled; enable it first")
    with rt.engine.begin() as db:
        number = notices.add_one(db, tenant.id, endpoint_id, kind, _example(rt, kind))
    rt.hints.ring(Task.NOTICES)
    return number


def _example(rt: Runtime, kind: Kind) -> dict[str, object]:
    """What a notice of this kind says, of a message that there is not."""
    if kind is Kind.RECEIVED:
        ids = {"inbound_id": rt.new_id(), "conversation_id": rt.new_id()}
        return {"test": True, **ids, "channel": "sms", "keyword": "none"}
    status = next(status for status, told in KINDS.items() if told is kind)
    said = {"message_id": rt.new_id(), "epoch": 1, "status": status.value, "reason": None}
    failed = {Status.FAILED, Status.UNDELIVERABLE}
    of_message = {"channel": "sms", "campaign": None, "lead": None, "segments": 1, "metadata": None}
    code = {"provider_code": "30003" if status in failed else None}
    return {"test": True, **said, **code, **of_message}


def told(
    rt: Runtime,
    tenant: Tenant,
    endpoint_id: UUID,
    *,
    state: State | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[NoticeView]:
    """What an endpoint was told and is to be told, newest first, older than the number `before`.

    Raises:
        NotFoundError: no such endpoint of this tenant.
    """
    find(rt, tenant, endpoint_id)
    with rt.engine.connect() as db:
        return notices.page(db, endpoint_id, state=state, before=before, limit=limit)


def replay(rt: Runtime, tenant: Tenant, endpoint_id: UUID, chosen: Chosen) -> Replayed:
    """Tell an endpoint again what it was told, or could not be told, oldest first.

    Raises:
        NotFoundError: no such endpoint of this tenant.
        ConflictError: it is disabled.
    """
    if find(rt, tenant, endpoint_id).disabled_at is not None:
        raise ConflictError("this endpoint is disabled; enable it first")
    with rt.engine.begin() as db:
        count, through = notices.replay(db, endpoint_id, chosen, PATIENCE, MOST_REPLAYED)
        audit.note(db, tenant.id, "endpoint.replayed", endpoint_id)
    rt.hints.ring(Task.NOTICES)
    return Replayed(count, through, count == MOST_REPLAYED)

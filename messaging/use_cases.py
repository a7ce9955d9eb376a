"""What is a message sent for? Use cases: a pool under a name and an id, and may it be sent from now?

A use case is bound to its pool under its id (`messaging.bindings`), so a message that names the id as
its `use_case` leaves from that pool, whichever door it came through.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from messaging import audit
from messaging.domain import use_case as deciding
from messaging.domain.bindings import BindingKind
from messaging.domain.compliance.verdicts import Reason
from messaging.domain.compliance.wording import WORDS
from messaging.domain.errors import (
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
    RefusedError,
)
from messaging.domain.use_case import UseCase
from messaging.runtime import Runtime
from messaging.store import bindings, fleet
from messaging.store import use_cases as store
from messaging.store.tenants import Tenant

_NONE = "no use case of yours has this id"
INACTIVE = "inactive"
"""The code of a use case that is switched off."""


def use_cases(rt: Runtime, tenant: Tenant) -> list[UseCase]:
    """A tenant's use cases, by name."""
    with rt.engine.connect() as db:
        return store.of_tenant(db, tenant.id)


def find(rt: Runtime, tenant: Tenant, use_case_id: UUID) -> UseCase:
    """One use case.

    Raises:
        NotFoundError: the tenant has none of this id, or removed it.
    """
    with rt.engine.connect() as db:
        found = store.find(db, tenant.id, use_case_id)
    if found is None:
        raise NotFoundError(_NONE)
    return found


def make(rt: Runtime, tenant: Tenant, name: str, pool: str) -> UseCase:
    """Make a use case that is sent from a pool.

    Raises:
        InvalidRequestError: the tenant has no such pool.
        ConflictError: it has a use case of this name.
    """
    id_ = rt.new_id()
    try:
        with rt.engine.begin() as db:
            pool_id = _pool_id(db, tenant, pool)
            store.add(db, id_, tenant.id, name, pool_id)
            _bind(rt, db, tenant, id_, pool_id)
            audit.note(db, tenant.id, "use_case.created", id_)
    except IntegrityError:
        raise ConflictError("you have a use case of this name already") from None
    rt.forget(tenant.id)
    return find(rt, tenant, id_)


def change(
    rt: Runtime,
    tenant: Tenant,
    use_case_id: UUID,
    *,
    active: bool | None = None,
    pool: str | None = None,
) -> UseCase:
    """Switch a use case on or off, or send it from another pool; None leaves as it is.

    Raises:
        NotFoundError: as `find`.
        InvalidRequestError: the tenant has no such pool.
    """
    with rt.engine.begin() as db:
        values: dict[str, object] = {} if active is None else {"active": active}
        if pool is not None:
            values["pool_id"] = pool_id = _pool_id(db, tenant, pool)
            _bind(rt, db, tenant, use_case_id, pool_id)
        if values and not store.change(db, tenant.id, use_case_id, values):
            raise NotFoundError(_NONE)
        audit.note(db, tenant.id, "use_case.changed", use_case_id, values)
    rt.forget(tenant.id)
    return find(rt, tenant, use_case_id)


def remove(rt: Runtime, tenant: Tenant, use_case_id: UUID) -> None:
    """Send nothing for a use case any more; messages that wait are sent all the same.

    Raises:
        NotFoundError: as `find`.
    """
    with rt.engine.begin() as db:
        if not store.remove(db, tenant.id, use_case_id):
            raise NotFoundError(_NONE)
        bindings.lock(db, tenant.id)
        bindings.remove(db, tenant.id, BindingKind.USE_CASE, str(use_case_id), {})
        audit.note(db, tenant.id, "use_case.deleted", use_case_id)
    rt.forget(tenant.id)


def ready(rt: Runtime, tenant: Tenant, use_case_id: UUID) -> UseCase:
    """A use case that may be sent for now, as far as it alone decides.

    Raises:
        NotFoundError: as `find`.
        RefusedError: its pool has no number, or none that is registered.
        InvalidRequestError: it is switched off.
    """
    found = find(rt, tenant, use_case_id)
    if not found.active:
        detail = "the use case is switched off; switch it on first"
        raise InvalidRequestError([FieldProblem("#/use_case_id", INACTIVE, detail)])
    known = rt.senders_of(tenant.id)
    if str(use_case_id) not in known.bindings.use_cases():  # made in another process just now
        rt.forget(tenant.id)
        known = rt.senders_of(tenant.id)
    reason = deciding.lack(known.candidates, known.pools.get(found.pool))
    if reason is not None:
        raise _refused(reason)
    return found


def _refused(reason: Reason) -> RefusedError:
    words = WORDS[reason]
    problem = FieldProblem("#/use_case_id", reason.value, f"{words.title}; {words.remedy}")
    return RefusedError(reason.value, problem)


def _pool_id(db: Connection, tenant: Tenant, name: str) -> UUID:
    found = fleet.pool_ids(db, tenant.id).get(name)
    if found is None:
        detail = "you have no such pool"
        raise InvalidRequestError([FieldProblem("#/pool", "unknown_pool", detail)])
    return found


def _bind(rt: Runtime, db: Connection, tenant: Tenant, use_case_id: UUID, pool_id: UUID) -> None:
    kind, ref = BindingKind.USE_CASE, str(use_case_id)
    bindings.lock(db, tenant.id)
    bindings.remove(db, tenant.id, kind, ref, {})
    bindings.add(db, tenant.id, rt.new_id(), kind, ref, {"pool_id": pool_id})

"""How are senders grouped? Pools are made, changed, filled and, when nothing needs them, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from phonenumbers import SUPPORTED_REGIONS
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from messaging import audit, registration
from messaging.domain.errors import (
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
)
from messaging.runtime import Runtime
from messaging.store import fleet, registrations, senders
from messaging.store.senders import Pool
from messaging.store.tenants import Tenant

NO_SUCH_POOL = "no pool of yours has this name"
_NO_SUCH_SENDER = "no sender of yours has this id"


@dataclass(frozen=True, slots=True)
class Group:
    """A pool and how many senders in use it has."""

    pool: Pool
    size: int


def pools(rt: Runtime, tenant: Tenant) -> list[Group]:
    """A tenant's pools, by name."""
    with rt.engine.connect() as db:
        sizes = fleet.sizes(db, tenant.id)
        return [Group(pool, sizes.get(pool.id, 0)) for pool in senders.pools(db, tenant.id)]


def find(rt: Runtime, tenant: Tenant, name: str) -> Group:
    """One pool.

    Raises:
        NotFoundError: the tenant has no such pool.
    """
    for group in pools(rt, tenant):
        if group.pool.name == name:
            return group
    raise NotFoundError(NO_SUCH_POOL)


def make(rt: Runtime, tenant: Tenant, name: str, values: Mapping[str, Any]) -> Group:
    """Make a pool; `values` are fields of `Pool`.

    Raises:
        InvalidRequestError: there is no such country.
        ConflictError: the tenant has a pool of this name.
    """
    columns = _columns(values)
    try:
        with rt.engine.begin() as db:
            senders.add_pool(db, tenant.id, rt.new_id(), name)
            if columns:
                fleet.change_pool(db, tenant.id, name, columns)
            audit.note(db, tenant.id, "pool.created", name)
    except IntegrityError:
        raise ConflictError("you have a pool of this name already") from None
    registration.changed(rt, tenant.id)
    return find(rt, tenant, name)


def change(rt: Runtime, tenant: Tenant, name: str, values: Mapping[str, Any]) -> Group:
    """Change fields of a pool.

    Raises:
        NotFoundError: the tenant has no such pool.
        InvalidRequestError: there is no such country.
    """
    columns = _columns(values)
    with rt.engine.begin() as db:
        if columns and not fleet.change_pool(db, tenant.id, name, columns):
            raise NotFoundError(NO_SUCH_POOL)
        registrations.clear(db, tenant.id)
        if columns:
            audit.note(db, tenant.id, "pool.changed", name, columns)
    registration.changed(rt, tenant.id)
    return find(rt, tenant, name)


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    regions = values.get("regions")
    if regions is None:
        return dict(values)
    if not SUPPORTED_REGIONS.issuperset(regions):
        problem = FieldProblem(
            "#/regions", "unknown_region", "each must be a country's two capital letters, as US"
        )
        raise InvalidRequestError([problem])
    return {**values, "regions": sorted(regions)}


def join(rt: Runtime, tenant: Tenant, name: str, sender_id: UUID) -> None:
    """Add a sender to a pool; it may be in it already, and in others.

    Raises:
        NotFoundError: the tenant has no such pool, or no such sender in use.
    """
    try:
        with rt.engine.begin() as db:
            pool_id = _both(db, tenant, name, sender_id)
            fleet.join(db, sender_id, [pool_id])
            audit.note(db, tenant.id, "pool.joined", f"{name} {sender_id}")
            registrations.clear(db, tenant.id)
    except IntegrityError:  # somebody deleted it in this moment
        raise NotFoundError(NO_SUCH_POOL) from None
    registration.changed(rt, tenant.id)


def leave(rt: Runtime, tenant: Tenant, name: str, sender_id: UUID) -> None:
    """Take a sender out of a pool.

    Raises:
        NotFoundError: the tenant has no such pool or sender, or the sender is not in it.
    """
    with rt.engine.begin() as db:
        pool_id = _both(db, tenant, name, sender_id)
        if not fleet.leave(db, sender_id, [pool_id]):
            raise NotFoundError("this sender is not in that pool")
        audit.note(db, tenant.id, "pool.left", f"{name} {sender_id}")
    rt.forget(tenant.id)


def _both(db: Connection, tenant: Tenant, name: str, sender_id: UUID) -> UUID:
    pool_id = _pool_id(db, tenant, name)
    if fleet.lock(db, tenant.id, sender_id) is None:
        raise NotFoundError(_NO_SUCH_SENDER)
    return pool_id


def _pool_id(db: Connection, tenant: Tenant, name: str) -> UUID:
    found = fleet.pool_ids(db, tenant.id).get(name)
    if found is None:
        raise NotFoundError(NO_SUCH_POOL)
    return found


def delete(rt: Runtime, tenant: Tenant, name: str) -> None:
    """Delete a pool that nothing needs.

    Raises:
        NotFoundError: the tenant has no such pool.
        ConflictError: it has senders, something is bound to it, or messages that name it wait.
    """
    try:
        with rt.engine.begin() as db:
            pool_id = _pool_id(db, tenant, name)
            uses = fleet.uses(db, pool_id)
            if uses.bound:
                raise ConflictError("something is bound to this pool; unbind it first")
            if uses.peopled:
                raise ConflictError("this pool has senders; take them out first")
            if uses.awaited:
                raise ConflictError("messages that name this pool wait; let them go out first")
            fleet.delete_pool(db, pool_id)
            audit.note(db, tenant.id, "pool.deleted", name)
    except IntegrityError:  # somebody bound or filled it in this moment
        raise ConflictError("somebody began to use this pool just now") from None
    rt.forget(tenant.id)

"""Use cases: made, listed, changed; one that is removed is kept, for the messages that name it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.use_case import UseCase
from messaging.store import tables as t

_U = t.use_cases.c
_THERE = sa.select(_U.id, _U.name, t.sender_pools.c.name, _U.active, _U.created_at).join(
    t.sender_pools,
    sa.and_(t.sender_pools.c.id == _U.pool_id, t.sender_pools.c.tenant_id == _U.tenant_id),
)


def find(db: Connection, tenant_id: UUID, use_case_id: UUID) -> UseCase | None:
    """A tenant's use case; None if there is none, it was removed, or it is another tenant's."""
    there = _THERE.where(_U.id == use_case_id, _U.tenant_id == tenant_id, _U.deleted_at.is_(None))
    row = db.execute(there).one_or_none()
    return UseCase(*row) if row is not None else None


def of_tenant(db: Connection, tenant_id: UUID) -> list[UseCase]:
    """A tenant's use cases, by name."""
    there = _THERE.where(_U.tenant_id == tenant_id, _U.deleted_at.is_(None)).order_by(_U.name)
    return [UseCase(*row) for row in db.execute(there)]


def add(db: Connection, use_case_id: UUID, tenant_id: UUID, name: str, pool_id: UUID) -> None:
    """Make a use case.

    Raises:
        IntegrityError: the tenant has one of this name, or the pool was deleted just now.
    """
    values = {"id": use_case_id, "tenant_id": tenant_id, "name": name, "pool_id": pool_id}
    db.execute(sa.insert(t.use_cases).values(**values))


def change(db: Connection, tenant_id: UUID, use_case_id: UUID, values: Mapping[str, Any]) -> bool:
    """Set columns of a use case; False if there is none, or it was removed."""
    mine = (_U.id == use_case_id, _U.tenant_id == tenant_id, _U.deleted_at.is_(None))
    return db.execute(sa.update(t.use_cases).where(*mine).values(**values)).rowcount == 1


def remove(db: Connection, tenant_id: UUID, use_case_id: UUID) -> bool:
    """Send nothing for a use case any more; its pool is free. False as `change`."""
    over = {"deleted_at": sa.func.now(), "pool_id": None, "active": False}
    return change(db, tenant_id, use_case_id, over)

"""What is bound to which sender, pool or account: read for people, and changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.bindings import BindingKind
from messaging.store import tables as t


@dataclass(frozen=True, slots=True)
class BindingView:
    """One binding by the names of what it binds."""

    id: UUID
    kind: BindingKind
    ref: str
    sender_id: UUID | None
    sender: str | None
    """Its address."""
    pool: str | None
    account: str | None


_PAGE = sa.text("""
SELECT b.id, b.kind, b.ref, b.sender_id, s.address, p.name, a.name
FROM bindings b
LEFT JOIN senders s ON s.id = b.sender_id
LEFT JOIN sender_pools p ON p.id = b.pool_id
LEFT JOIN provider_accounts a ON a.id = b.account_id
WHERE b.tenant_id = :tenant AND b.kind = coalesce(:kind, b.kind) AND b.ref = coalesce(:ref, b.ref)
  AND (CAST(:after AS uuid) IS NULL OR b.id > :after)
ORDER BY b.id LIMIT :limit
""")


def page(
    db: Connection,
    tenant_id: UUID,
    *,
    kind: BindingKind | None = None,
    ref: str | None = None,
    after: UUID | None = None,
    limit: int = 100,
) -> list[BindingView]:
    """Up to `limit` of a tenant's bindings in the order they were made, after the one of that id."""
    values = {"tenant": tenant_id, "kind": kind, "ref": ref, "after": after, "limit": limit}
    rows = db.execute(_PAGE, values)
    return [BindingView(id_, BindingKind(kind), *rest) for id_, kind, *rest in rows]


def lock(db: Connection, tenant_id: UUID) -> None:
    """Hold a tenant's bindings until the transaction ends: others who change them wait."""
    tenants = t.tenants.c.id
    db.execute(sa.select(tenants).where(tenants == tenant_id).with_for_update(key_share=True))


def accounts(db: Connection, tenant_id: UUID, kind: BindingKind, ref: str) -> dict[UUID, str]:
    """The accounts something is bound to, with their names."""
    b, a = t.bindings.c, t.provider_accounts.c
    found = db.execute(
        sa.select(a.id, a.name)
        .join(t.bindings, b.account_id == a.id)
        .where(b.tenant_id == tenant_id, b.kind == kind.value, b.ref == ref)
    )
    return {row.id: row.name for row in found}


def sender_accounts(db: Connection, tenant_id: UUID, kind: BindingKind, ref: str) -> set[UUID]:
    """The accounts of the senders something is bound to."""
    b, s = t.bindings.c, t.senders.c
    found = db.execute(
        sa.select(s.account_id)
        .join(t.bindings, b.sender_id == s.id)
        .where(b.tenant_id == tenant_id, b.kind == kind.value, b.ref == ref)
    )
    return set(found.scalars())


def lead_senders(db: Connection, tenant_id: UUID, leads: Collection[str]) -> dict[str, UUID]:
    """Whom each of some leads is bound to, if to a sender; the latest binding counts."""
    b = t.bindings.c
    query = sa.select(b.ref, b.sender_id).where(
        b.tenant_id == tenant_id, b.kind == BindingKind.LEAD.value, b.ref.in_(leads)
    )
    rows = db.execute(query.where(b.sender_id.is_not(None)).order_by(b.id))
    return {row.ref: row.sender_id for row in rows}


def remove(
    db: Connection, tenant_id: UUID, kind: BindingKind, ref: str, target: Mapping[str, UUID]
) -> int:
    """Unbind something from a target (`sender_id`, `pool_id` or `account_id`), or from all; how many."""
    b = t.bindings.c
    query = sa.delete(t.bindings).where(
        b.tenant_id == tenant_id, b.kind == kind.value, b.ref == ref
    )
    for column, value in target.items():
        query = query.where(b[column] == value)
    return db.execute(query).rowcount


def add(
    db: Connection,
    tenant_id: UUID,
    binding_id: UUID,
    kind: BindingKind,
    ref: str,
    target: Mapping[str, UUID],
) -> None:
    """Bind something to a target; where it is bound to that already, nothing changes."""
    b = t.bindings.c
    query = sa.select(b.id).where(b.tenant_id == tenant_id, b.kind == kind.value, b.ref == ref)
    for column, value in target.items():
        query = query.where(b[column] == value)
    if db.execute(query).first() is None:
        values = {"id": binding_id, "tenant_id": tenant_id, "kind": kind.value, "ref": ref}
        db.execute(sa.insert(t.bindings).values(**values, **target))

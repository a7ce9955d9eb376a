"""Tenants and their API keys. A key's secret is shown once and kept only as a keyed hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.engine import Connection

from messaging.domain.compliance.policy import DEFAULT, Policy
from messaging.store import tables as t
from messaging.telemetry import log


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose messages, senders and suppressions these are."""

    id: UUID
    name: str
    default_region: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A stored API key and whom it speaks for."""

    tenant: Tenant
    secret_hash: bytes
    expires_at: datetime | None


def add(db: Connection, tenant: Tenant) -> None:
    """Create a tenant."""
    db.execute(
        sa.insert(t.tenants).values(
            id=tenant.id, name=tenant.name, default_region=tenant.default_region
        )
    )


def find(db: Connection, name: str) -> Tenant | None:
    """The tenant of that name."""
    row = db.execute(
        sa.select(t.tenants.c.id, t.tenants.c.name, t.tenants.c.default_region).where(
            t.tenants.c.name == name
        )
    ).one_or_none()
    return Tenant(*row) if row else None


def add_key(db: Connection, key_id: str, tenant_id: UUID, name: str, secret_hash: bytes) -> None:
    """Store an API key."""
    db.execute(
        sa.insert(t.api_keys).values(
            id=key_id, tenant_id=tenant_id, name=name, secret_hash=secret_hash
        )
    )


def revoke_key(db: Connection, key_id: str) -> bool:
    """Revoke a key at once; False if there is no such active key."""
    done = db.execute(
        sa.update(t.api_keys)
        .where(t.api_keys.c.id == key_id, t.api_keys.c.revoked_at.is_(None))
        .values(revoked_at=sa.func.now())
    )
    return done.rowcount == 1


def find_key(db: Connection, key_id: str) -> KeyRow | None:
    """An unrevoked key by its public id."""
    row = db.execute(
        sa.select(
            t.tenants.c.id,
            t.tenants.c.name,
            t.tenants.c.default_region,
            t.api_keys.c.secret_hash,
            t.api_keys.c.expires_at,
        )
        .join(t.tenants, t.tenants.c.id == t.api_keys.c.tenant_id)
        .where(t.api_keys.c.id == key_id, t.api_keys.c.revoked_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    return KeyRow(Tenant(row[0], row[1], row[2]), row[3], row[4])


def region(db: Connection, tenant_id: UUID) -> str:
    """The country a tenant is at home in, where its national numbers are read."""
    found = db.execute(sa.select(t.tenants.c.default_region).where(t.tenants.c.id == tenant_id))
    return found.scalar() or "US"


def policy(db: Connection, tenant_id: UUID) -> Policy:
    """What a tenant decided about compliance.

    One that this version cannot read is as none: what holds without one is never looser than law.
    """
    kept = db.execute(sa.select(t.tenants.c.policy).where(t.tenants.c.id == tenant_id)).scalar()
    try:
        return Policy.model_validate(kept) if kept else DEFAULT
    except ValidationError as error:
        # Not the text of the error: it quotes what the tenant wrote.
        fields = sorted({".".join(map(str, e["loc"])) for e in error.errors()})
        log().warning("policy.unreadable", tenant_id=str(tenant_id), fields=fields)
        return DEFAULT


def decisions(db: Connection, tenant_id: UUID) -> dict[str, Any]:
    """What of its policy a tenant decided itself, locked until the transaction ends."""
    found = db.execute(
        sa.select(t.tenants.c.policy).where(t.tenants.c.id == tenant_id).with_for_update()
    )
    return dict(found.scalar_one())


def decide(db: Connection, tenant_id: UUID, decisions: dict[str, Any]) -> None:
    """Keep what a tenant decided, and that it did; the caller has checked it."""
    db.execute(sa.update(t.tenants).where(t.tenants.c.id == tenant_id).values(policy=decisions))
    db.execute(sa.insert(t.policy_events).values(tenant_id=tenant_id, decisions=decisions))


@dataclass(frozen=True, slots=True)
class PolicyEvent:
    """A policy, and since when it held."""

    at: datetime
    decisions: dict[str, Any]
    """What the tenant had decided itself; the rest were defaults."""


def policy_history(db: Connection, tenant_id: UUID, limit: int = 100) -> list[PolicyEvent]:
    """A tenant's latest policies, newest first."""
    e = t.policy_events.c
    rows = db.execute(
        sa.select(e.at, e.decisions)
        .where(e.tenant_id == tenant_id)
        .order_by(e.id.desc())
        .limit(limit)
    )
    return [PolicyEvent(row.at, row.decisions) for row in rows]

"""Tenants, and what they decided."""

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
    sandboxed: bool = False
    """Whether a test key speaks for it: what it sends then leaves through sandboxes only."""


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


@dataclass(frozen=True, slots=True)
class Weighed:
    """A tenant, and its part of a lane in which others wait too."""

    name: str
    default_region: str
    weight: float


def weighed(db: Connection) -> list[Weighed]:
    """Every tenant, by name."""
    c = t.tenants.c
    rows = db.execute(sa.select(c.name, c.default_region, c.weight).order_by(c.name))
    return [Weighed(*row) for row in rows]


def weigh(db: Connection, tenant_id: UUID, weight: float) -> None:
    """Keep a tenant's weight; the caller has checked it."""
    db.execute(sa.update(t.tenants).where(t.tenants.c.id == tenant_id).values(weight=weight))


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

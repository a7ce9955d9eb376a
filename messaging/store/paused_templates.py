"""Texts that wait because they failed on many numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from messaging.store import tables as t


@dataclass(frozen=True, slots=True)
class PausedTemplate:
    """A template that waits, since when and why."""

    template: str
    since: datetime
    reason: str


def of_tenant(db: Connection, tenant_id: UUID) -> list[PausedTemplate]:
    """A tenant's paused templates, by name."""
    p = t.paused_templates.c
    query = sa.select(p.template, p.since, p.reason).where(p.tenant_id == tenant_id)
    return [PausedTemplate(*row) for row in db.execute(query.order_by(p.template))]


def everybodys(db: Connection) -> set[tuple[UUID, str]]:
    """Every paused template, with its tenant."""
    p = t.paused_templates.c
    return {(row[0], row[1]) for row in db.execute(sa.select(p.tenant_id, p.template))}


def pause(db: Connection, rows: Sequence[tuple[UUID, str, str]]) -> None:
    """Let templates wait: (tenant, template, reason). One that waits already stays as it is."""
    if rows:
        values = [{"tenant_id": a, "template": b, "reason": c} for a, b, c in rows]
        db.execute(postgresql.insert(t.paused_templates).on_conflict_do_nothing().values(values))


def resume(db: Connection, tenant_id: UUID, template: str) -> bool:
    """Let a template go on; False if it was not paused."""
    p = t.paused_templates.c
    gone = sa.delete(t.paused_templates).where(p.tenant_id == tenant_id, p.template == template)
    return db.execute(gone).rowcount > 0

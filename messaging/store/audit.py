"""Who changed what of a tenant's settings, and when. Rows are appended and read, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.store import tables as t


@dataclass(frozen=True, slots=True)
class NewEntry:
    """Something that was done, before it is written down."""

    tenant_id: UUID
    key_id: str | None
    request_id: str | None
    action: str
    target: str | None
    fields: Sequence[str]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that was done."""

    id: int
    at: datetime
    key_id: str | None
    """The public id of the API key; None is the command line."""
    request_id: str | None
    action: str
    target: str | None
    fields: list[str]


def add(db: Connection, entries: Sequence[NewEntry]) -> None:
    """Write down what is done in this transaction."""
    if entries:
        rows = [
            {
                "tenant_id": entry.tenant_id,
                "key_id": entry.key_id,
                "request_id": entry.request_id,
                "action": entry.action,
                "target": entry.target,
                "fields": list(entry.fields),
            }
            for entry in entries
        ]
        db.execute(sa.insert(t.audit_log), rows)


def page(
    db: Connection,
    tenant_id: UUID,
    *,
    action: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[AuditEntry]:
    """A tenant's entries, newest first; `before` is the id of the last one of the page before."""
    c = t.audit_log.c
    query = sa.select(c.id, c.at, c.key_id, c.request_id, c.action, c.target, c.fields).where(
        c.tenant_id == tenant_id
    )
    if action is not None:
        query = query.where(c.action == action)
    if before is not None:
        query = query.where(c.id < before)
    rows = db.execute(query.order_by(c.id.desc()).limit(limit))
    return [AuditEntry(*row) for row in rows]

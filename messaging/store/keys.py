"""API keys: a secret is shown once and kept only as a keyed hash."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.store import tables as t
from messaging.store.tenants import Tenant

_K = t.api_keys.c


@dataclass(frozen=True, slots=True)
class NewKey:
    """An API key about to be stored."""

    id: str
    tenant_id: UUID
    name: str
    secret_hash: bytes
    kind: str
    scopes: Collection[str] | None
    requests_per_minute: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A stored API key, what it may do and whom it speaks for."""

    id: str
    tenant: Tenant
    secret_hash: bytes
    kind: str
    scopes: list[str] | None
    requests_per_minute: int | None
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyView:
    """Everything of an API key that may be shown."""

    id: str
    name: str
    kind: str
    scopes: list[str] | None
    requests_per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


def add(db: Connection, key: NewKey) -> None:
    """Store an API key."""
    db.execute(
        sa.insert(t.api_keys).values(
            id=key.id,
            tenant_id=key.tenant_id,
            name=key.name,
            secret_hash=key.secret_hash,
            kind=key.kind,
            scopes=None if key.scopes is None else sorted(key.scopes),
            requests_per_minute=key.requests_per_minute,
            expires_at=key.expires_at,
        )
    )


def revoke(db: Connection, key_id: str, tenant_id: UUID | None) -> UUID | None:
    """Revoke a key at once; whose it was, None if there is no such active key.

    `tenant_id` None revokes it whosever it is.
    """
    mine = sa.true() if tenant_id is None else _K.tenant_id == tenant_id
    return db.execute(
        sa.update(t.api_keys)
        .where(_K.id == key_id, _K.revoked_at.is_(None), mine)
        .values(revoked_at=sa.func.now())
        .returning(_K.tenant_id)
    ).scalar()


def find(db: Connection, key_id: str) -> KeyRow | None:
    """An unrevoked key by its public id."""
    row = db.execute(
        sa.select(
            t.tenants.c.id,
            t.tenants.c.name,
            t.tenants.c.default_region,
            _K.secret_hash,
            _K.kind,
            _K.scopes,
            _K.requests_per_minute,
            _K.expires_at,
            _K.last_used_at,
        )
        .join(t.tenants, t.tenants.c.id == _K.tenant_id)
        .where(_K.id == key_id, _K.revoked_at.is_(None))
    ).one_or_none()
    return None if row is None else KeyRow(key_id, Tenant(row[0], row[1], row[2]), *row[3:])


def used(db: Connection, key_id: str) -> None:
    """Note that a key was used just now; a note of the last minute stands."""
    stale = sa.func.now() - sa.text("interval '1 minute'")
    db.execute(
        sa.update(t.api_keys)
        .where(_K.id == key_id, sa.or_(_K.last_used_at.is_(None), _K.last_used_at < stale))
        .values(last_used_at=sa.func.now())
    )


_SHOWN = [_K[name] for name in KeyView.__dataclass_fields__]


def listed(db: Connection, tenant_id: UUID) -> list[KeyView]:
    """A tenant's keys, oldest first, the revoked and expired ones too."""
    rows = db.execute(
        sa.select(*_SHOWN).where(_K.tenant_id == tenant_id).order_by(_K.created_at, _K.id)
    )
    return [KeyView(*row) for row in rows]


def view(db: Connection, key_id: str) -> KeyView:
    """One key that is known to be there."""
    return KeyView(*db.execute(sa.select(*_SHOWN).where(_K.id == key_id)).one())

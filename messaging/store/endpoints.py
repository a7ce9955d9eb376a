"""Where tenants are told what happens: URLs, their secrets, and how each has answered lately."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from messaging.domain.notices import Disabled
from messaging.store import tables as t


@dataclass(frozen=True, slots=True)
class EndpointView:
    """An endpoint as its tenant may see it; its secret is shown once, when it is made."""

    id: UUID
    url: str
    events: list[str]
    created_at: datetime
    previous_until: datetime | None
    """Until then the secret before this one signs, too."""
    failing_since: datetime | None
    paused_until: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None


_COLUMNS = [t.endpoints.c[name] for name in EndpointView.__dataclass_fields__]


def _mine(tenant_id: UUID, endpoint_id: UUID) -> sa.ColumnElement[bool]:
    return sa.and_(t.endpoints.c.tenant_id == tenant_id, t.endpoints.c.id == endpoint_id)


def page(db: Connection, tenant_id: UUID) -> list[EndpointView]:
    """A tenant's endpoints, in the order they were made."""
    query = sa.select(*_COLUMNS).where(t.endpoints.c.tenant_id == tenant_id)
    return [EndpointView(*row) for row in db.execute(query.order_by(t.endpoints.c.id))]


def find(db: Connection, tenant_id: UUID, endpoint_id: UUID) -> EndpointView | None:
    """One endpoint; None if the tenant has no such."""
    row = db.execute(sa.select(*_COLUMNS).where(_mine(tenant_id, endpoint_id))).first()
    return None if row is None else EndpointView(*row)


def lock(db: Connection, tenant_id: UUID) -> int:
    """Hold a tenant's list of endpoints until the transaction ends; how many there are."""
    tenant = sa.select(t.tenants.c.id).where(t.tenants.c.id == tenant_id)
    db.execute(tenant.with_for_update(key_share=True))
    count = sa.select(sa.func.count()).where(t.endpoints.c.tenant_id == tenant_id)
    found: int = db.execute(count).scalar_one()
    return found


def add(
    db: Connection,
    endpoint_id: UUID,
    tenant_id: UUID,
    url: str,
    events: Collection[str],
    secret: str,
    sealer: Fernet,
) -> bool:
    """Keep a new endpoint; False if the tenant has that URL already."""
    values = {
        "id": endpoint_id,
        "tenant_id": tenant_id,
        "url": url,
        "events": list(events),
        "secret_sealed": sealer.encrypt(secret.encode()),
    }
    statement = postgresql.insert(t.endpoints).values(values).on_conflict_do_nothing()
    return db.execute(statement.returning(t.endpoints.c.id)).first() is not None


def change(
    db: Connection, tenant_id: UUID, endpoint_id: UUID, values: Mapping[str, object]
) -> bool:
    """Set some columns of an endpoint; whether there is such an endpoint."""
    statement = sa.update(t.endpoints).where(_mine(tenant_id, endpoint_id)).values(**values)
    return db.execute(statement).rowcount == 1


FORGIVEN: Mapping[str, object] = {"failing_since": None, "failed_at": None, "paused_until": None}
"""The columns of an endpoint that has done nothing wrong."""


def rotate(
    db: Connection,
    tenant_id: UUID,
    endpoint_id: UUID,
    secret: str,
    sealer: Fernet,
    overlap: timedelta,
) -> bool:
    """Give an endpoint a new secret; the one before signs, too, while `overlap` lasts."""
    e = t.endpoints.c
    values = {
        "previous_sealed": e.secret_sealed,
        "previous_until": sa.func.now() + overlap,
        "secret_sealed": sealer.encrypt(secret.encode()),
    }
    return change(db, tenant_id, endpoint_id, values)


def remove(db: Connection, tenant_id: UUID, endpoint_id: UUID) -> bool:
    """Delete an endpoint; whether there was such. Its notices are told to nobody and go by their age."""
    return db.execute(sa.delete(t.endpoints).where(_mine(tenant_id, endpoint_id))).rowcount == 1


def forgive(db: Connection, ids: Collection[UUID]) -> None:
    """These have just taken something: they are not failing."""
    e = t.endpoints.c
    failing = sa.and_(e.id.in_(sorted(ids)), e.failing_since.is_not(None))
    db.execute(sa.update(t.endpoints).where(failing).values(**FORGIVEN))


@dataclass(frozen=True, slots=True)
class Streak:
    """How long an endpoint has done nothing but fail, as it was noted."""

    failing_since: datetime | None
    failed_at: datetime | None


def streaks(db: Connection, ids: Collection[UUID]) -> dict[UUID, Streak]:
    """What was noted of these endpoints, held until the transaction ends."""
    e = t.endpoints.c
    query = sa.select(e.id, e.failing_since, e.failed_at).where(e.id.in_(sorted(ids)))
    rows = db.execute(query.order_by(e.id).with_for_update())
    return {id_: Streak(since, last) for id_, since, last in rows}


def blame(db: Connection, endpoint_id: UUID, streak: Streak, paused_until: datetime | None) -> None:
    """Note that an endpoint failed, and until when it wants to be left alone."""
    values: dict[str, object] = {
        "failing_since": streak.failing_since,
        "failed_at": streak.failed_at,
    }
    if paused_until is not None:
        values["paused_until"] = paused_until
    db.execute(sa.update(t.endpoints).where(t.endpoints.c.id == endpoint_id).values(**values))


def disable(db: Connection, endpoint_id: UUID, reason: Disabled, at: datetime) -> None:
    """Tell an endpoint nothing more, until its tenant says otherwise."""
    e = t.endpoints.c
    enabled = sa.and_(e.id == endpoint_id, e.disabled_at.is_(None))
    values = {"disabled_at": at, "disabled_reason": reason.value}
    db.execute(sa.update(t.endpoints).where(enabled).values(**values))

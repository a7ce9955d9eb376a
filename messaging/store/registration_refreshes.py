"""Which registrations is a provider to be asked about, and what is known of one when it answers?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    RegistrationKind,
    RegistrationState,
    Verification,
)


@dataclass(frozen=True, slots=True)
class Due:
    """A registration that is being asked about."""

    kind: RegistrationKind
    id: UUID
    """Of the brand, the campaign or the sender."""
    tenant_id: UUID
    account_id: UUID | None
    """The account to ask, if one is named."""
    reference: str
    service: str | None
    failures: int
    """How often in a row there was no answer."""
    asked_at: datetime
    """By the database's clock."""
    until: datetime
    """Nobody else gets it before; and if it is due at another time now, something newer was said."""


@dataclass(frozen=True, slots=True)
class Known:
    """Where a registration stands as far as we know."""

    state: RegistrationState
    since: datetime
    """When that was last said."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where one kind of registration is kept."""

    table: str
    state: str
    since: str
    reference: str
    service: str
    account: str
    also: str
    """What else makes one to be asked about."""
    read: type[BrandStatus | CampaignStatus | Verification]


_KEPT = {
    RegistrationKind.BRAND: _Columns(
        "brands",
        "status",
        "modified_at",
        "provider_brand_id",
        "NULL",
        "r.account_id",
        "TRUE",
        BrandStatus,
    ),
    RegistrationKind.CAMPAIGN: _Columns(
        "tendlc_campaigns",
        "status",
        "modified_at",
        "provider_campaign_id",
        "r.provider_service_id",
        "(SELECT account_id FROM brands b WHERE b.id = r.brand_id)",
        "TRUE",
        CampaignStatus,
    ),
    RegistrationKind.TOLL_FREE: _Columns(
        "senders",
        "verification",
        "verification_at",
        "provider_verification_id",
        "NULL",
        "r.account_id",
        "kind = 'toll_free' AND retired_at IS NULL",
        Verification,
    ),
}


def _statements(text: str) -> dict[RegistrationKind, sa.TextClause]:
    """One statement per kind; what differs are names, all of them from the table above."""
    return {
        kind: sa.text(
            text.format(
                table=kept.table,
                state=kept.state,
                since=kept.since,
                reference=kept.reference,
                service=kept.service,
                account=kept.account,
                also=kept.also,
            )
        )
        for kind, kept in _KEPT.items()
    }


_TAKE = _statements("""
WITH due AS (
  SELECT id FROM {table} WHERE {reference} IS NOT NULL AND refresh_due_at <= now() AND {also}
    AND (CAST(:tenant AS uuid) IS NULL OR tenant_id = :tenant)
  ORDER BY refresh_due_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE {table} r SET refresh_due_at = now() + make_interval(secs => :hold) FROM due
WHERE r.id = due.id
RETURNING r.id, r.tenant_id, {account}, r.{reference}, {service}, r.refresh_failures, now(),
          r.refresh_due_at
""")


def take(db: Connection, limit: int, hold: timedelta, tenant_id: UUID | None = None) -> list[Due]:
    """Up to `limit` registrations of each kind that are due; nobody else gets them before `hold` is over.

    Of every tenant, unless one is named.
    """
    asked = {"limit": limit, "hold": hold.total_seconds(), "tenant": tenant_id}
    return [
        Due(kind, *row) for kind, statement in _TAKE.items() for row in db.execute(statement, asked)
    ]


_HASTEN = _statements("""
UPDATE {table} SET refresh_due_at = now(), refresh_failures = 0 WHERE id IN (
  SELECT id FROM {table} WHERE tenant_id = :tenant AND {reference} IS NOT NULL AND {also}
  ORDER BY id FOR NO KEY UPDATE)
""")


def hasten(db: Connection, kind: RegistrationKind, tenant_id: UUID) -> None:
    """Have everything of a kind that a tenant registered asked about now."""
    db.execute(_HASTEN[kind], {"tenant": tenant_id})


_LOCK = _statements("""
SELECT {state}, coalesce({since}, created_at) FROM {table}
WHERE id = :id AND refresh_due_at = :until FOR NO KEY UPDATE
""")


def lock(db: Connection, due: Due) -> Known | None:
    """What is known of it, kept as it is until the transaction ends; None if something newer was said."""
    row = db.execute(_LOCK[due.kind], {"id": due.id, "until": due.until}).one_or_none()
    return Known(_KEPT[due.kind].read(row[0]), row[1]) if row else None


_STATE = _statements("UPDATE {table} SET {state} = :state, {since} = now() WHERE id = :id")


def state(db: Connection, due: Due, said: RegistrationState) -> None:
    """Keep where it stands from now on."""
    db.execute(_STATE[due.kind], {"id": due.id, "state": said.value})


_ANSWERED = _statements("""
UPDATE {table} SET refreshed_at = now(), refresh_failures = 0,
  refresh_due_at = now() + make_interval(secs => :wait)
WHERE id = :id AND refresh_due_at = :until
""")
_PUT_OFF = _statements("""
UPDATE {table} SET refresh_failures = least(refresh_failures + :failed, 30),
  refresh_due_at = now() + make_interval(secs => :wait)
WHERE id = :id AND refresh_due_at = :until
""")


def answered(db: Connection, due: Due, wait: timedelta) -> None:
    """Note an answer, and ask again after `wait`."""
    values = {"id": due.id, "until": due.until, "wait": wait.total_seconds()}
    db.execute(_ANSWERED[due.kind], values)


def put_off(db: Connection, due: Due, wait: timedelta, *, failed: bool) -> None:
    """Ask again after `wait`; `failed` says that somebody was asked and gave no answer."""
    values = {"id": due.id, "until": due.until, "wait": wait.total_seconds(), "failed": int(failed)}
    db.execute(_PUT_OFF[due.kind], values)

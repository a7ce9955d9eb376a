"""What people agreed to, asked to end, or were asked: an account that only grows.

The state of a person, channel and category is the latest event by when it happened, then by when it was
recorded; nothing is ever computed into a row. Keyed by a hash of the address, so that the account
outlives the erasure of everything that names a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.compliance.facts import Basis, Consent, ConsentAction
from messaging.domain.message import Category, Channel
from messaging.store import tables as t

_CHUNK = 5_000
"""Rows to a statement: large enough to be quick, small enough for the statement's time limit."""


@dataclass(frozen=True, slots=True)
class NewConsent:
    """One thing a person said, or was asked, and what proves it."""

    tenant_id: UUID
    channel: Channel
    recipient_key: bytes
    category: Category
    action: ConsentAction
    basis: Basis | None
    """How it was given; for ASK, what the answer will give; None for REVOKE."""
    source: str
    """Where it was said, such as `web form` or `inbound`."""
    text_version: str | None
    """Which wording the person saw."""
    evidence: Mapping[str, Any] | None
    at: datetime
    """When it was said."""


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """A recorded event, as it is shown."""

    category: Category
    action: ConsentAction
    basis: Basis | None
    source: str
    text_version: str | None
    evidence: dict[str, Any] | None
    at: datetime
    recorded_at: datetime


_ADD = sa.text("""
INSERT INTO consent_events
  (tenant_id, channel, recipient_key, category, action, basis, source, text_version, evidence, at)
SELECT tenant_id, channel, recipient_key, category, action, basis, source, text_version,
       CAST(evidence AS jsonb), at
FROM unnest(CAST(:tenants AS uuid[]), CAST(:channels AS channel[]), CAST(:keys AS bytea[]),
    CAST(:categories AS category[]), CAST(:actions AS text[]), CAST(:bases AS text[]),
    CAST(:sources AS text[]), CAST(:versions AS text[]), CAST(:evidence AS text[]),
    CAST(:times AS timestamptz[])) WITH ORDINALITY
  AS v(tenant_id, channel, recipient_key, category, action, basis, source, text_version, evidence,
       at, n)
ORDER BY n
""")


def add(db: Connection, rows: Sequence[NewConsent]) -> None:
    """Append events; of several of one person at the same instant the last one given counts."""
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        db.execute(
            _ADD,
            {
                "tenants": [r.tenant_id for r in chunk],
                "channels": [r.channel.value for r in chunk],
                "keys": [r.recipient_key for r in chunk],
                "categories": [r.category.value for r in chunk],
                "actions": [r.action.value for r in chunk],
                "bases": [r.basis.value if r.basis else None for r in chunk],
                "sources": [r.source for r in chunk],
                "versions": [r.text_version for r in chunk],
                "evidence": [_json(r.evidence) for r in chunk],
                "times": [r.at for r in chunk],
            },
        )


def _json(evidence: Mapping[str, Any] | None) -> str | None:
    return None if evidence is None else orjson.dumps(evidence).decode()


_LATEST = sa.text("""
SELECT k.key, e.action, e.basis, e.source, e.at
FROM (SELECT DISTINCT unnest(CAST(:keys AS bytea[]))) AS k(key)
CROSS JOIN LATERAL (
  SELECT action, basis, source, at FROM consent_events
  WHERE tenant_id = :tenant AND channel = CAST(:channel AS channel) AND recipient_key = k.key
    AND category = CAST(:category AS category)
  ORDER BY at DESC, id DESC LIMIT 1
) AS e
""")


def latest(
    db: Connection, tenant_id: UUID, channel: Channel, keys: Sequence[bytes], category: Category
) -> dict[bytes, Consent]:
    """The event that counts, by recipient key; who never said anything is not in it."""
    rows = db.execute(
        _LATEST,
        {
            "tenant": tenant_id,
            "channel": channel.value,
            "keys": list(keys),
            "category": category.value,
        },
    )
    return {
        bytes(key): Consent(ConsentAction(action), Basis(basis) if basis else None, source, at)
        for key, action, basis, source, at in rows
    }


def history(
    db: Connection, tenant_id: UUID, channel: Channel, key: bytes, limit: int = 1_000
) -> list[ConsentEvent]:
    """The newest events of one person in all categories, newest first."""
    c = t.consent_events.c
    rows = db.execute(
        sa.select(
            c.category,
            c.action,
            c.basis,
            c.source,
            c.text_version,
            c.evidence,
            c.at,
            c.recorded_at,
        )
        .where(c.tenant_id == tenant_id, c.channel == channel, c.recipient_key == key)
        .order_by(c.at.desc(), c.id.desc())
        .limit(limit)
    )
    return [
        ConsentEvent(
            Category(category),
            ConsentAction(action),
            Basis(basis) if basis else None,
            source,
            text_version,
            evidence,
            at,
            recorded_at,
        )
        for category, action, basis, source, text_version, evidence, at, recorded_at in rows
    ]

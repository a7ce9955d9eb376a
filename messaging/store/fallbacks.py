"""What waits to stand in for a message, until that message is settled.

A row is looked at when it is due, ever less often the longer nothing happens: a tick costs what is
due, not what is there. Whoever takes one holds it until the transaction ends, so that the stand-in and
the end of its row are one commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.fallbacks import Ended
from messaging.domain.lifecycle import Status
from messaging.domain.message import Channel
from messaging.store.tenants import Tenant


@dataclass(frozen=True, slots=True)
class NewFallback:
    """What is to stand in for a message that is about to be stored."""

    message_id: UUID
    tenant_id: UUID
    channel: Channel
    """Of the stand-in, as the key."""
    recipient_key: bytes
    request: dict[str, Any]
    due_at: datetime
    """When its message can first be over."""


_KEEP = sa.text("""
INSERT INTO fallbacks (message_id, tenant_id, channel, recipient_key, request, due_at)
SELECT message_id, tenant_id, channel, decode(recipient_key, 'hex'), request, due_at
FROM json_to_recordset(CAST(:rows AS json)) AS t(
  message_id uuid, tenant_id uuid, channel channel, recipient_key text, request jsonb,
  due_at timestamptz)
""")


def keep(db: Connection, rows: Sequence[NewFallback]) -> None:
    """Store stand-ins beside their messages."""
    if rows:
        db.execute(_KEEP, {"rows": orjson.dumps(rows, default=bytes.hex).decode()})


@dataclass(frozen=True, slots=True)
class Due:
    """A stand-in that this transaction has for itself, and what its message has come to."""

    message_id: UUID
    tenant: Tenant
    request: dict[str, Any]
    message: Ended


_STATUS_TIMES = "m.failed_at, m.undeliverable_at, m.blocked_at, m.sent_at"
_TAKE = sa.text(f"""
SELECT f.message_id, t.id, t.name, t.default_region, f.request, m.channel, m.status,
       m.status_reason, coalesce(greatest({_STATUS_TIMES}), m.created_at), m.erased_at IS NOT NULL,
       m.sandboxed
FROM fallbacks f JOIN messages m ON m.id = f.message_id JOIN tenants t ON t.id = f.tenant_id
WHERE f.due_at <= clock_timestamp()
ORDER BY f.due_at LIMIT :limit FOR UPDATE OF f SKIP LOCKED
""")  # noqa: S608 - a constant of this module


def take(db: Connection, limit: int) -> list[Due]:
    """Up to `limit` stand-ins that are due, locked."""
    return [
        Due(
            message_id,
            # A test key's message is not spoken for by a live one.
            Tenant(tenant_id, name, region, sandboxed),
            request,
            Ended(Channel(channel), Status(status), reason, since, erased),
        )
        for (
            message_id,
            tenant_id,
            name,
            region,
            request,
            channel,
            status,
            reason,
            since,
            erased,
            sandboxed,
        ) in db.execute(_TAKE, {"limit": limit})
    ]


_PUT_OFF = sa.text("""
UPDATE fallbacks f SET due_at = clock_timestamp() + least(CAST(:longest AS interval),
  greatest(CAST(:shortest AS interval), (clock_timestamp() - f.created_at) / 16))
WHERE f.message_id = ANY(CAST(:ids AS uuid[]))
""")
_SHORTEST = timedelta(seconds=5)
_LONGEST = timedelta(hours=1)


def put_off(db: Connection, message_ids: Sequence[UUID]) -> None:
    """Look at these again after a sixteenth of the time they have waited so far; an hour at most."""
    values = {"ids": list(message_ids), "shortest": _SHORTEST, "longest": _LONGEST}
    if message_ids:
        db.execute(_PUT_OFF, values)


_DROP = sa.text("DELETE FROM fallbacks WHERE message_id = ANY(CAST(:ids AS uuid[]))")


def drop(db: Connection, message_ids: Sequence[UUID]) -> None:
    """Forget stand-ins: nobody needs them any more, or they are messages now."""
    if message_ids:
        db.execute(_DROP, {"ids": list(message_ids)})


_STANDS_IN = sa.text("UPDATE messages SET stands_in_for = :original WHERE id = :id")


def note(db: Connection, message_id: UUID, original: UUID) -> None:
    """Write down whose place a message has taken."""
    db.execute(_STANDS_IN, {"id": message_id, "original": original})

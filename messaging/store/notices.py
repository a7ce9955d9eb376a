"""What tenants are to be told: written, listed, put back, forgotten.

What the steps of a message tell is written by `messages.move` itself, in the statement that makes the
step; `notice_turns` says whose turn it is to be delivered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.compliance.keywords import Keyword
from messaging.domain.message import Channel
from messaging.domain.notices import KINDS, Kind, State

_CASES = " ".join(f"WHEN '{status}' THEN '{kind}'" for status, kind in KINDS.items())
_KIND = f"CASE m.after {_CASES} END"
OF_STEPS = f"""
  INSERT INTO notices (endpoint_id, tenant_id, message_id, kind, data)
  SELECT e.id, m.tenant_id, m.id, {_KIND}, jsonb_build_object('message_id', m.id, 'epoch', m.epoch,
    'status', m.after, 'reason', m.reason, 'provider_code', m.provider_code)
  FROM moved m JOIN endpoints e ON e.tenant_id = m.tenant_id AND e.disabled_at IS NULL
    AND {_KIND} = ANY(e.events)
"""  # noqa: S608 - constants of this module
"""What the steps in `moved` tell of: a part of the statement that makes them."""

_INBOUND = sa.text("""
INSERT INTO notices (endpoint_id, tenant_id, message_id, kind, data)
SELECT id, tenant_id, :message, :kind, CAST(:data AS jsonb) FROM endpoints
WHERE tenant_id = :tenant AND disabled_at IS NULL AND :kind = ANY(events)
""")


def told_inbound(
    db: Connection,
    tenant_id: UUID,
    inbound_id: UUID,
    conversation_id: UUID | None,
    keyword: Keyword,
    channel: Channel,
) -> int:
    """Have a tenant told of an inbound message, if this transaction commits; how many endpoints will be."""
    data = {
        "inbound_id": str(inbound_id),
        "conversation_id": str(conversation_id) if conversation_id else None,
        "channel": channel.value,
        "keyword": keyword.value,
    }
    values = {"tenant": tenant_id, "message": inbound_id, "kind": Kind.RECEIVED.value}
    return db.execute(_INBOUND, values | {"data": orjson.dumps(data).decode()}).rowcount


_ONE = sa.text("""
INSERT INTO notices (endpoint_id, tenant_id, message_id, kind, data, gives_up_at)
VALUES (:endpoint, :tenant, NULL, :kind, CAST(:data AS jsonb), now())
RETURNING id
""")


def add_one(
    db: Connection, tenant_id: UUID, endpoint_id: UUID, kind: Kind, data: Mapping[str, Any]
) -> int:
    """Have one endpoint told something, in one try; the notice's id."""
    values = {"endpoint": endpoint_id, "tenant": tenant_id, "kind": kind.value}
    found: int = db.execute(_ONE, values | {"data": orjson.dumps(data).decode()}).scalar_one()
    return found


@dataclass(frozen=True, slots=True)
class NoticeView:
    """A notice as its tenant may see it."""

    id: int
    kind: str
    message_id: UUID | None
    state: str
    at: datetime
    due_at: datetime
    tries: int
    last_status: int | None
    last_error: str | None
    delivered_at: datetime | None


_SEARCHED = 100_000
_PAGE = sa.text("""
SELECT id, kind, message_id, state, at, due_at, tries, last_status, last_error, delivered_at
FROM (
  SELECT * FROM notices
  WHERE endpoint_id = :endpoint
    AND (CAST(:before AS bigint) IS NULL
      OR (at, id) < (SELECT at, id FROM notices WHERE id = CAST(:before AS bigint)))
  ORDER BY at DESC, id DESC LIMIT :searched
) recent
WHERE state = coalesce(:state, state)
ORDER BY at DESC, id DESC LIMIT :limit
""")


def page(
    db: Connection, endpoint_id: UUID, *, state: State | None, before: int | None, limit: int
) -> list[NoticeView]:
    """Up to `limit` of an endpoint's notices, newest first, among the newest 100,000 before that id."""
    values = {"endpoint": endpoint_id, "state": state, "before": before, "limit": limit}
    rows = db.execute(_PAGE, values | {"searched": _SEARCHED})
    return [NoticeView(*row) for row in rows]


_REPLAY = sa.text("""
WITH chosen AS MATERIALIZED (
  SELECT id, at FROM notices
  WHERE endpoint_id = :endpoint AND at >= :since AND at < coalesce(CAST(:until AS timestamptz), 'infinity')
    AND state = ANY(CAST(:states AS text[]))
    AND (CAST(:message AS uuid) IS NULL OR message_id = CAST(:message AS uuid))
  ORDER BY at, id LIMIT :limit FOR UPDATE SKIP LOCKED
), again AS (
  UPDATE notices SET state = 'waiting', tries = 0, due_at = now(), delivered_at = NULL,
    gives_up_at = now() + make_interval(secs => :patience)
  WHERE id = ANY(ARRAY(SELECT id FROM chosen))
)
SELECT count(*) AS n, max(at) AS through FROM chosen
""")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which notices of an endpoint: those written from `since` on and before `until`, in these states."""

    since: datetime
    until: datetime | None
    states: tuple[State, ...]
    message_id: UUID | None = None


def replay(
    db: Connection, endpoint_id: UUID, chosen: Chosen, patience: timedelta, limit: int
) -> tuple[int, datetime | None]:
    """Put notices back, oldest first: how many, and when the last of them was written."""
    values = {
        "endpoint": endpoint_id,
        "since": chosen.since,
        "until": chosen.until,
        "states": [state.value for state in chosen.states],
        "message": chosen.message_id,
        "patience": patience.total_seconds(),
        "limit": limit,
    }
    row = db.execute(_REPLAY, values).one()
    return row.n, row.through


_PRUNE = sa.text("""
DELETE FROM notices WHERE ctid = ANY(ARRAY(
  SELECT ctid FROM notices
  WHERE at < now() - interval '30 days' AND (state <> 'waiting' OR gives_up_at < now() - interval '1 day')
  LIMIT :limit))
""")


def prune(db: Connection, limit: int) -> int:
    """Forget up to `limit` notices that were over a month ago; returns how many."""
    return db.execute(_PRUNE, {"limit": limit}).rowcount

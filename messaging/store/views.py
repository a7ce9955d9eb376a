"""Reading for people and programs: one message, its events and attempts, pages of messages, lanes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import Category, Channel, Priority, SelectionReason, Traffic
from messaging.domain.traffic import shown
from messaging.store import tables as t


@dataclass(frozen=True, slots=True)
class MessageView:
    """Everything a tenant may know of one of its messages."""

    id: UUID
    status: Status
    status_reason: str | None
    channel: Channel
    category: Category
    priority: Priority
    recipient: str
    body: str
    segments: int
    encoding: str | None
    flash: bool
    content: str | None
    time_zone: str | None
    postal_code: str | None
    purpose: str | None
    lead: str | None
    campaign: str | None
    source: str | None
    use_case: str | None
    agent: str | None
    template: str | None
    traffic: Traffic
    is_warmup: bool
    metadata: dict[str, Any] | None
    requested_sender_id: UUID | None
    pool_id: UUID | None
    conversation_id: UUID | None
    sender_id: UUID | None
    sender: str | None
    provider: str | None
    selection_reason: SelectionReason | None
    provider_message_id: str | None
    provider_code: str | None
    attempts: int
    epoch: int
    scheduled_for: datetime | None
    scheduled_reason: str | None
    expires_at: datetime | None
    next_attempt_at: datetime | None
    created_at: datetime
    modified_at: datetime | None
    queued_at: datetime | None
    sending_started_at: datetime | None
    sent_at: datetime | None
    received_at: datetime | None
    delivered_at: datetime | None
    failed_at: datetime | None
    undeliverable_at: datetime | None
    blocked_at: datetime | None
    canceled_at: datetime | None
    erased_at: datetime | None
    stands_in_for: UUID | None
    billable_amount: Decimal | None
    billing_status: str | None
    in_doubt_since: datetime | None
    parts: dict[str, Any] | None
    """What it has beside its text; in a list without its HTML, which may be long."""


_ELSEWHERE = {
    "sender": t.senders.c.address.label("sender"),
    "provider": t.provider_accounts.c.provider.label("provider"),
    "in_doubt_since": t.open_attempts.c.doubt_since.label("in_doubt_since"),
}


def _columns(of: Any) -> list[Any]:
    return [_ELSEWHERE[n] if n in _ELSEWHERE else of[n] for n in MessageView.__dataclass_fields__]


def _from(messages: Any) -> Any:
    """Messages with what they left from; the sender is the one of the latest attempt."""
    senders, accounts, attempts = t.senders, t.provider_accounts, t.open_attempts
    sent = messages.outerjoin(senders, senders.c.id == messages.c.sender_id)
    by = sent.outerjoin(accounts, accounts.c.id == senders.c.account_id)
    return by.outerjoin(attempts, attempts.c.message_id == messages.c.id)


def _without_html(parts: Any) -> Any:
    return parts.op("-")(sa.literal("html", sa.Text)).label("parts")


def _view(row: Any) -> MessageView:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented accessor
    values["status"] = Status(values["status"])
    values["channel"] = Channel(values["channel"])
    values["category"] = Category(values["category"])
    values["priority"] = Priority(values["priority"])
    taken = values["provider_message_id"] is not None
    values["traffic"] = shown(values["status"], Traffic(values["traffic"]), was_taken=taken)
    chosen = values["selection_reason"]
    values["selection_reason"] = SelectionReason(chosen) if chosen else None
    return MessageView(**values)


def message(db: Connection, tenant_id: UUID, message_id: UUID) -> MessageView | None:
    """One message; None if there is none, or it is another tenant's."""
    row = db.execute(
        sa.select(*_columns(t.messages.c))
        .select_from(_from(t.messages))
        .where(t.messages.c.id == message_id, t.messages.c.tenant_id == tenant_id)
    ).one_or_none()
    return _view(row) if row else None


def sandboxed(db: Connection, tenant_id: UUID, message_id: UUID) -> bool | None:
    """Whether a message of this tenant was sent with a test key; None if there is no such message."""
    m = t.messages.c
    query = sa.select(m.sandboxed).where(m.id == message_id, m.tenant_id == tenant_id)
    return db.execute(query).scalar_one_or_none()


def moving(db: Connection, message_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the messages that a worker is about to try, or is trying."""
    m = t.messages.c
    under_way = m.status.in_([Status.QUEUED.value, Status.SENDING.value])
    return set(db.execute(sa.select(m.id).where(m.id.in_(message_ids), under_way)).scalars())


@dataclass(frozen=True, slots=True)
class Filters:
    """Which messages to list; None means any."""

    status: Status | None = None
    priority: Priority | None = None
    category: Category | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    recipient_key: bytes | None = None


def page(
    db: Connection, tenant_id: UUID, filters: Filters, before: UUID | None, limit: int
) -> list[MessageView]:
    """Up to `limit` messages, newest first, older than the id `before`.

    Walks the (tenant, id) index: a rare status is looked for in the newest 100,000 only, so that no
    listing can take the database down.
    """
    m = t.messages.c
    recent = sa.select(t.messages).where(m.tenant_id == tenant_id)
    if before is not None:
        recent = recent.where(m.id < before)
    if filters.recipient_key is not None:
        recent = recent.where(m.recipient_key == filters.recipient_key)
    recent_rows = recent.order_by(m.id.desc()).limit(100_000).subquery()
    columns = dict(recent_rows.c) | {"parts": _without_html(recent_rows.c.parts)}
    query = (
        sa.select(*_columns(columns))
        .select_from(_from(recent_rows))
        .order_by(recent_rows.c.id.desc())
        .limit(limit)
    )
    for name in ("status", "priority", "category"):
        wanted = getattr(filters, name)
        if wanted is not None:
            query = query.where(recent_rows.c[name] == wanted)
    if filters.created_from is not None:
        query = query.where(recent_rows.c.created_at >= filters.created_from)
    if filters.created_to is not None:
        query = query.where(recent_rows.c.created_at < filters.created_to)
    return [_view(row) for row in db.execute(query)]


@dataclass(frozen=True, slots=True)
class EventView:
    """One step of a message's life."""

    at: datetime
    event: Event | None
    status: Status
    reason: str | None
    epoch: int | None


def events(db: Connection, message_id: UUID) -> list[EventView]:
    """A message's events, oldest first."""
    e = t.message_events.c
    rows = db.execute(
        sa.select(e.at, e.event, e.status, e.reason, e.epoch)
        .where(e.message_id == message_id)
        .order_by(e.id)
    )
    return [
        EventView(r.at, Event(r.event) if r.event else None, Status(r.status), r.reason, r.epoch)
        for r in rows
    ]


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One call to a provider, ended or still open."""

    epoch: int
    sender_id: UUID
    selection_reason: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    settled_by: str | None
    provider_message_id: str | None
    provider_code: str | None
    detail: str | None


_ATTEMPTS = sa.text("""
SELECT epoch, sender_id, selection_reason, started_at, finished_at, outcome, settled_by,
       provider_message_id, provider_code, detail
FROM attempts WHERE message_id = :id
UNION ALL
SELECT epoch, sender_id, selection_reason, started_at, NULL,
       CASE WHEN doubt_since IS NULL THEN 'open' ELSE 'in_doubt' END, NULL, NULL, doubt_code, NULL
FROM open_attempts WHERE message_id = :id
ORDER BY epoch
""")


def attempts(db: Connection, message_id: UUID) -> list[AttemptView]:
    """A message's attempts, oldest first."""
    return [AttemptView(*row) for row in db.execute(_ATTEMPTS, {"id": message_id})]


@dataclass(frozen=True, slots=True)
class LaneView:
    """How much waits in one lane; the count stops at `LANE_COUNT_LIMIT`."""

    lane: str
    ready: int
    oldest_seconds: float


LANE_COUNT_LIMIT = 10_000

# Ordered, or the planner reads the whole table to find that a lane is empty.
_LANES = """
SELECT q.queue,
  (SELECT count(*) FROM (SELECT 1 FROM ready r WHERE r.queue = q.queue AND {mine} r.due_at <= now()
                         ORDER BY r.due_at LIMIT :limit) AS counted),
  coalesce(extract(epoch FROM now() - (SELECT min(r.due_at) FROM ready r
           WHERE r.queue = q.queue AND {mine} r.due_at <= now())), 0)::float
FROM unnest(enum_range(NULL::ready_queue)) AS q(queue)
"""
_ALL_LANES = sa.text(_LANES.format(mine=""))
_LANES_OF = sa.text(_LANES.format(mine="r.tenant_id = :tenant AND"))


def lanes(db: Connection, tenant_id: UUID | None = None) -> list[LaneView]:
    """What waits in each lane now, and for how long the oldest has; of one tenant, or of all together."""
    values: dict[str, object] = {"limit": LANE_COUNT_LIMIT}
    if tenant_id is None:
        return [LaneView(*row) for row in db.execute(_ALL_LANES, values)]
    return [LaneView(*row) for row in db.execute(_LANES_OF, values | {"tenant": tenant_id})]


_TALLY = sa.text("""
SELECT status, selection_reason, status_reason, count(*) FROM (
  SELECT status, selection_reason, status_reason FROM messages WHERE tenant_id = :tenant LIMIT :limit
) AS counted GROUP BY 1, 2, 3
""")


def tally(db: Connection, tenant_id: UUID, limit: int = 100_000) -> Sequence[Any]:
    """(status, selection reason, status reason, count) over at most `limit` messages of a tenant."""
    return db.execute(_TALLY, {"tenant": tenant_id, "limit": limit}).all()

"""Every table, constraint and index, in the order data is born.

Three habits, each measured. The backlog lives in narrow tables (`ready`, `scheduled`,
`pending_receipts`) whose rows are deleted when taken, so `messages` is never a queue. No index
mentions `messages.status`, so its updates stay on their page (HOT; fillfactor leaves the room). The
tables a message touches on its way carry no foreign keys: their writers join on the rows anyway.
"""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, ENUM, JSONB, UUID

from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import Category, Channel, Priority, Queue, SelectionReason

metadata = sa.MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
    }
)


def _enum(of: type[StrEnum], name: str) -> ENUM:
    return ENUM(of, name=name, values_callable=lambda e: [m.value for m in e], metadata=metadata)


status_type = _enum(Status, "message_status")
event_type = _enum(Event, "message_event")
channel_type = _enum(Channel, "channel")
category_type = _enum(Category, "category")
priority_type = _enum(Priority, "priority")
reason_type = _enum(SelectionReason, "selection_reason")
queue_type = _enum(Queue, "ready_queue")

_uuid = UUID(as_uuid=True)
_time = sa.DateTime(timezone=True)


def _created() -> sa.Column[object]:
    return sa.Column("created_at", _time, nullable=False, server_default=sa.func.now())


tenants = sa.Table(
    "tenants",
    metadata,
    sa.Column("id", _uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("default_region", sa.Text, nullable=False, server_default="US"),
    _created(),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant_id", _uuid, sa.ForeignKey("tenants.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("secret_hash", BYTEA, nullable=False),
    _created(),
    sa.Column("expires_at", _time),
    sa.Column("revoked_at", _time),
)

provider_accounts = sa.Table(
    "provider_accounts",
    metadata,
    sa.Column("id", _uuid, primary_key=True),
    sa.Column("tenant_id", _uuid, sa.ForeignKey("tenants.id"), nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("base_url", sa.Text, nullable=False),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("secret_sealed", BYTEA, nullable=False),
    sa.Column("max_in_flight", sa.Integer, nullable=False, server_default="100"),
    sa.Column("absence_proof_seconds", sa.Integer, nullable=False, server_default="600"),
    _created(),
    sa.UniqueConstraint("tenant_id", "name"),
)

sender_pools = sa.Table(
    "sender_pools",
    metadata,
    sa.Column("id", _uuid, primary_key=True),
    sa.Column("tenant_id", _uuid, sa.ForeignKey("tenants.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    _created(),
    sa.UniqueConstraint("tenant_id", "name"),
)

senders = sa.Table(
    "senders",
    metadata,
    sa.Column("id", _uuid, primary_key=True),
    sa.Column("tenant_id", _uuid, sa.ForeignKey("tenants.id"), nullable=False),
    sa.Column("account_id", _uuid, sa.ForeignKey("provider_accounts.id"), nullable=False),
    sa.Column("channel", channel_type, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("mps", sa.Double, nullable=False, server_default="1"),
    sa.Column("healthy", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("is_default", sa.Boolean, nullable=False, server_default=sa.false()),
    _created(),
    sa.Column("retired_at", _time),
    sa.UniqueConstraint("tenant_id", "channel", "address"),
)

sender_pool_members = sa.Table(
    "sender_pool_members",
    metadata,
    sa.Column("pool_id", _uuid, sa.ForeignKey("sender_pools.id"), primary_key=True),
    sa.Column("sender_id", _uuid, sa.ForeignKey("senders.id"), primary_key=True),
)

suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("tenant_id", _uuid, nullable=False),
    sa.Column("channel", channel_type, nullable=False),
    sa.Column("recipient_key", BYTEA, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text),
    _created(),
    sa.Column("lifted_at", _time),
    sa.Index(
        "suppressions_active",
        "tenant_id",
        "channel",
        "recipient_key",
        postgresql_where=sa.text("lifted_at IS NULL"),
    ),
)

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", _uuid, primary_key=True),
    sa.Column("tenant_id", _uuid, nullable=False),
    sa.Column("channel", channel_type, nullable=False),
    sa.Column("recipient_key", BYTEA, nullable=False),
    sa.Column("sender_id", _uuid),
    _created(),
    sa.UniqueConstraint("tenant_id", "channel", "recipient_key"),
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", _uuid, primary_key=True),
    sa.Column("tenant_id", _uuid, nullable=False),
    sa.Column("channel", channel_type, nullable=False),
    sa.Column("category", category_type, nullable=False),
    sa.Column("priority", priority_type, nullable=False),
    sa.Column("status", status_type, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("segments", sa.SmallInteger, nullable=False),
    sa.Column("recipient_key", BYTEA, nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("metadata", JSONB),
    sa.Column("requested_sender_id", _uuid),
    sa.Column("pool_id", _uuid),
    sa.Column("conversation_id", _uuid),
    sa.Column("sender_id", _uuid),
    sa.Column("selection_reason", reason_type),
    sa.Column("tried_sender_ids", ARRAY(_uuid)),
    sa.Column("provider_message_id", sa.Text),
    sa.Column("provider_code", sa.Text),
    sa.Column("status_reason", sa.Text),
    sa.Column("scheduled_reason", sa.Text),
    sa.Column("scheduled_for", _time),
    sa.Column("expires_at", _time),
    sa.Column("next_attempt_at", _time),
    _created(),
    sa.Column("modified_at", _time),
    sa.Column("queued_at", _time),
    sa.Column("sending_started_at", _time),
    sa.Column("sent_at", _time),
    sa.Column("received_at", _time),
    sa.Column("delivered_at", _time),
    sa.Column("failed_at", _time),
    sa.Column("undeliverable_at", _time),
    sa.Column("blocked_at", _time),
    sa.Column("canceled_at", _time),
    # Ids are UUIDv7, so this one index lists a tenant's messages newest first, page by page.
    sa.Index("messages_tenant", "tenant_id", "id"),
    # STOP must find everything in the pipe for one recipient.
    sa.Index("messages_recipient", "recipient_key", "tenant_id"),
    postgresql_with={"fillfactor": "50"},
)

message_events = sa.Table(
    "message_events",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column("message_id", _uuid, nullable=False),
    sa.Column("at", _time, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("event", event_type),
    sa.Column("status", status_type, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("epoch", sa.Integer),
    sa.Index("message_events_message", "message_id"),
)

ready = sa.Table(
    "ready",
    metadata,
    sa.Column("queue", queue_type, nullable=False),
    sa.Column("due_at", _time, nullable=False, server_default=sa.func.now()),
    sa.Column("message_id", _uuid, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("claims", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Index("ready_next", "queue", "due_at"),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.01"},
)

scheduled = sa.Table(
    "scheduled",
    metadata,
    sa.Column("due_at", _time, nullable=False),
    sa.Column("message_id", _uuid, nullable=False),
    sa.Index("scheduled_next", "due_at"),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.01"},
)

claims = sa.Table(
    "claims",
    metadata,
    sa.Column("id", _uuid, primary_key=True),
    sa.Column("queue", queue_type, nullable=False),
    sa.Column("message_ids", ARRAY(_uuid), nullable=False),
    sa.Column("epochs", ARRAY(sa.Integer), nullable=False),
    sa.Column("claims", ARRAY(sa.SmallInteger), nullable=False),
    sa.Column("lease_until", _time, nullable=False),
)

open_attempts = sa.Table(
    "open_attempts",
    metadata,
    sa.Column("message_id", _uuid, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("account_id", _uuid, nullable=False),
    sa.Column("sender_id", _uuid, nullable=False),
    sa.Column("selection_reason", reason_type, nullable=False),
    sa.Column("started_at", _time, nullable=False),
    # The lease's end while the call runs; after that, when to look for evidence next.
    sa.Column("check_at", _time, nullable=False),
    sa.Column("doubt_since", _time),
    sa.Column("doubt_code", sa.Text),
    sa.Column("absent_since", _time),
    sa.Column("absences", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Index("open_attempts_check", "check_at"),
    postgresql_with={"fillfactor": "70", "autovacuum_vacuum_scale_factor": "0.01"},
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("message_id", _uuid, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("account_id", _uuid, nullable=False),
    sa.Column("sender_id", _uuid, nullable=False),
    sa.Column("selection_reason", reason_type, nullable=False),
    sa.Column("started_at", _time, nullable=False),
    sa.Column("finished_at", _time, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("settled_by", sa.Text, nullable=False),
    sa.Column("provider_message_id", sa.Text),
    sa.Column("provider_code", sa.Text),
    sa.Column("detail", sa.Text),
    sa.Index("attempts_message", "message_id"),
    sa.Index(
        "attempts_provider_message",
        "provider_message_id",
        postgresql_where=sa.text("provider_message_id IS NOT NULL"),
    ),
)

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("tenant_id", _uuid, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("fingerprint", BYTEA, nullable=False),
    sa.Column("results", JSONB, nullable=False),
    _created(),
    sa.Index("idempotency_keys_created", "created_at"),
)

raw_receipts = sa.Table(
    "raw_receipts",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("account_id", _uuid, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("body", BYTEA, nullable=False),
    sa.Column("received_at", _time, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("message_id", _uuid),
    sa.Column("epoch", sa.Integer),
    sa.Column("result", sa.Text),
    postgresql_with={"fillfactor": "80"},
)

pending_receipts = sa.Table(
    "pending_receipts",
    metadata,
    sa.Column("receipt_id", sa.BigInteger, nullable=False),
    sa.Column("due_at", _time, nullable=False, server_default=sa.func.now()),
    # Set while parked: the id it waits for, because no send of ours is known by it yet.
    sa.Column("provider_message_id", sa.Text),
    sa.Index("pending_receipts_next", "due_at"),
    sa.Index(
        "pending_receipts_parked",
        "provider_message_id",
        postgresql_where=sa.text("provider_message_id IS NOT NULL"),
    ),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.01"},
)

heartbeats = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", _time, nullable=False),
    sa.Column("detail", JSONB),
)

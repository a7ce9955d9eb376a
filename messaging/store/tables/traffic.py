"""Messages, the work they are, and what was decided about them, in the order data is born."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from messaging.store.tables.base import (
    category_type,
    channel_type,
    created,
    event_type,
    metadata,
    priority_type,
    queue_type,
    reason_type,
    status_type,
    time,
    uuid,
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, nullable=False),
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
    sa.Column("encoding", sa.Text),
    sa.Column("flash", sa.Boolean, nullable=False, server_default=sa.false()),
    # What the text is declared to be about, where that is regulated.
    sa.Column("content", sa.Text),
    # Where the recipient is, as far as the caller knows better than the number says.
    sa.Column("time_zone", sa.Text),
    sa.Column("postal_code", sa.Text),
    # NULL, or why we wrote this one ourselves: opt_out_confirmation, opt_in_confirmation or help.
    sa.Column("purpose", sa.Text),
    # What the message belongs to, as the tenant names it: it may decide the sender.
    sa.Column("lead", sa.Text),
    sa.Column("campaign", sa.Text),
    sa.Column("source", sa.Text),
    sa.Column("use_case", sa.Text),
    sa.Column("agent", sa.Text),
    # Which text it is an instance of.
    sa.Column("template", sa.Text),
    # RealLead, Warmup, Test or SystemInternal.
    sa.Column("traffic", sa.Text, nullable=False, server_default="RealLead"),
    # Whether its sender was warming up.
    sa.Column("is_warmup", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("erased_at", time),
    sa.Column("requested_sender_id", uuid),
    sa.Column("pool_id", uuid),
    sa.Column("conversation_id", uuid),
    sa.Column("sender_id", uuid),
    sa.Column("selection_reason", reason_type),
    sa.Column("tried_sender_ids", ARRAY(uuid)),
    sa.Column("provider_message_id", sa.Text),
    sa.Column("provider_code", sa.Text),
    sa.Column("status_reason", sa.Text),
    sa.Column("scheduled_reason", sa.Text),
    sa.Column("scheduled_for", time),
    sa.Column("expires_at", time),
    sa.Column("next_attempt_at", time),
    created(),
    sa.Column("modified_at", time),
    sa.Column("queued_at", time),
    sa.Column("sending_started_at", time),
    sa.Column("sent_at", time),
    sa.Column("received_at", time),
    sa.Column("delivered_at", time),
    sa.Column("failed_at", time),
    sa.Column("undeliverable_at", time),
    sa.Column("blocked_at", time),
    sa.Column("canceled_at", time),
    # What it has beside its text, by the fields of `messaging.domain.message.Parts`; NULL for none.
    sa.Column("parts", JSONB),
    # Provider accounts that did not take it; asked again only when no other is left.
    sa.Column("failed_account_ids", ARRAY(uuid)),
    # The message whose place this one takes on another channel.
    sa.Column("stands_in_for", uuid),
    # What it costs, and what became of that; NULL where nobody is billed by the piece.
    sa.Column("billable_amount", sa.Numeric(20, 6)),
    sa.Column("billing_status", sa.Text),
    # Whether it was sent with a test key: only accounts that are a sandbox ever carry it.
    sa.Column("sandboxed", sa.Boolean, nullable=False, server_default=sa.false()),
    # Ids are UUIDv7, so this one index lists a tenant's messages newest first, page by page.
    sa.Index("messages_tenant", "tenant_id", "id"),
    # STOP must find everything in the pipe for one recipient.
    sa.Index("messages_recipient", "recipient_key", "tenant_id"),
    # The statistics of a campaign read all of its messages.
    sa.Index(
        "messages_campaign",
        "tenant_id",
        "campaign",
        postgresql_where=sa.text("campaign IS NOT NULL"),
    ),
    postgresql_with={"fillfactor": "50"},
)

message_events = sa.Table(
    "message_events",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column("message_id", uuid, nullable=False),
    sa.Column("at", time, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("event", event_type),
    sa.Column("status", status_type, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("epoch", sa.Integer),
    sa.Index("message_events_message", "message_id"),
)

verdicts = sa.Table(
    "verdicts",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column("at", time, nullable=False),
    sa.Column("tenant_id", uuid, nullable=False),
    # NULL for what was refused at intake, which has no message.
    sa.Column("message_id", uuid),
    sa.Column("recipient_key", BYTEA),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("rule", sa.Text),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("detail", sa.Text),
    sa.Column("until", time),
    sa.Column("inputs", JSONB),
    # Under the claim: whom selection chose, whom it passed over, and why.
    sa.Column("trace", JSONB),
    sa.Index("verdicts_message", "message_id"),
)
"""Every judgement: which rule of which version decided, from which inputs, and when."""

ready = sa.Table(
    "ready",
    metadata,
    sa.Column("queue", queue_type, nullable=False),
    sa.Column("due_at", time, nullable=False, server_default=sa.func.now()),
    sa.Column("message_id", uuid, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("claims", sa.SmallInteger, nullable=False, server_default="0"),
    # Whether a rate that had put it off gave it this time.
    sa.Column("placed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("tenant_id", uuid, nullable=False),
    # When something is due, whosever it is; and who has something due, one after the other.
    sa.Index("ready_next", "queue", "due_at"),
    sa.Index("ready_tenant", "queue", "tenant_id", "due_at"),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.01"},
)

scheduled = sa.Table(
    "scheduled",
    metadata,
    sa.Column("due_at", time, nullable=False),
    sa.Column("message_id", uuid, nullable=False),
    sa.Index("scheduled_next", "due_at"),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.01"},
)

held = sa.Table(
    "held",
    metadata,
    sa.Column("message_id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, nullable=False),
    sa.Column("status", status_type, nullable=False),
    sa.Column("at", time, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Index("held_tenant", "tenant_id", "status", "at"),
)
"""Messages that are blocked until somebody lifts the cause."""

lingering = sa.Table(
    "lingering",
    metadata,
    sa.Column("tenant_id", uuid, primary_key=True),
    sa.Column("message_id", uuid, primary_key=True),
)
"""Messages old enough to be emptied that are not over yet."""

claims = sa.Table(
    "claims",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("queue", queue_type, nullable=False),
    sa.Column("message_ids", ARRAY(uuid), nullable=False),
    sa.Column("epochs", ARRAY(sa.Integer), nullable=False),
    sa.Column("claims", ARRAY(sa.SmallInteger), nullable=False),
    sa.Column("placed", ARRAY(uuid), nullable=False, server_default="{}"),
    sa.Column("lease_until", time, nullable=False),
)

open_attempts = sa.Table(
    "open_attempts",
    metadata,
    sa.Column("message_id", uuid, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("account_id", uuid, nullable=False),
    sa.Column("sender_id", uuid, nullable=False),
    sa.Column("selection_reason", reason_type, nullable=False),
    sa.Column("started_at", time, nullable=False),
    # The lease's end while the call runs; after that, when to look for evidence next.
    sa.Column("check_at", time, nullable=False),
    sa.Column("doubt_since", time),
    sa.Column("doubt_code", sa.Text),
    sa.Column("absent_since", time),
    sa.Column("absences", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Index("open_attempts_check", "check_at"),
    postgresql_with={"fillfactor": "70", "autovacuum_vacuum_scale_factor": "0.01"},
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("message_id", uuid, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("account_id", uuid, nullable=False),
    sa.Column("sender_id", uuid, nullable=False),
    sa.Column("selection_reason", reason_type, nullable=False),
    sa.Column("started_at", time, nullable=False),
    sa.Column("finished_at", time, nullable=False, server_default=sa.func.clock_timestamp()),
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
    # Attempts are appended as they end, so a few bytes per megabyte find those of an hour.
    sa.Index("attempts_finished", "finished_at", postgresql_using="brin"),
)

fallbacks = sa.Table(
    "fallbacks",
    metadata,
    sa.Column("message_id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, nullable=False),
    # To whom the stand-in would go, so that a person who is erased is found here, too.
    sa.Column("channel", channel_type, nullable=False),
    sa.Column("recipient_key", BYTEA, nullable=False),
    sa.Column("request", JSONB, nullable=False),
    # When its message is looked at next.
    sa.Column("due_at", time, nullable=False, server_default=sa.func.now()),
    created(),
    sa.Index("fallbacks_due", "due_at"),
    sa.Index("fallbacks_person", "recipient_key", "tenant_id"),
)
"""What is sent on another channel should a message fail: a `SendRequest`, until it is settled."""

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("tenant_id", uuid, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("fingerprint", BYTEA, nullable=False),
    sa.Column("results", JSONB, nullable=False),
    created(),
    sa.Index("idempotency_keys_created", "created_at"),
)

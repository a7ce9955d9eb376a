"""Every table, constraint and index.

Three habits, each measured. The backlog lives in narrow tables (`ready`, `scheduled`,
`pending_receipts`) whose rows are deleted when taken, so `messages` is never a queue. No index
mentions `messages.status`, so its updates stay on their page (HOT; fillfactor leaves the room). The
tables a message touches on its way carry no foreign keys: their writers join on the rows anyway.
"""

from __future__ import annotations

from messaging.store.tables.base import (
    category_type,
    channel_type,
    event_type,
    metadata,
    priority_type,
    queue_type,
    reason_type,
    status_type,
)
from messaging.store.tables.evidence import (
    heartbeats,
    inbound_messages,
    pending_receipts,
    raw_receipts,
)
from messaging.store.tables.fleet import (
    paused_templates,
    rate_log,
    rate_totals,
    sender_events,
    sender_recipients,
    sender_stats,
    sender_tallies,
)
from messaging.store.tables.people import (
    consent_events,
    conversations,
    dnc_numbers,
    dnc_scrubs,
    erasures,
    number_facts,
    pending_lookups,
    suppression_events,
    suppressions,
)
from messaging.store.tables.tenancy import (
    api_keys,
    bindings,
    brands,
    policy_events,
    provider_accounts,
    sender_pool_members,
    sender_pools,
    senders,
    tenants,
    tendlc_campaigns,
)
from messaging.store.tables.traffic import (
    attempts,
    claims,
    held,
    idempotency_keys,
    lingering,
    message_events,
    messages,
    open_attempts,
    ready,
    scheduled,
    verdicts,
)

__all__ = [
    "api_keys",
    "attempts",
    "bindings",
    "brands",
    "category_type",
    "channel_type",
    "claims",
    "consent_events",
    "conversations",
    "dnc_numbers",
    "dnc_scrubs",
    "erasures",
    "event_type",
    "heartbeats",
    "held",
    "idempotency_keys",
    "inbound_messages",
    "lingering",
    "message_events",
    "messages",
    "metadata",
    "number_facts",
    "open_attempts",
    "paused_templates",
    "pending_lookups",
    "pending_receipts",
    "policy_events",
    "priority_type",
    "provider_accounts",
    "queue_type",
    "rate_log",
    "rate_totals",
    "raw_receipts",
    "ready",
    "reason_type",
    "scheduled",
    "sender_events",
    "sender_pool_members",
    "sender_pools",
    "sender_recipients",
    "sender_stats",
    "sender_tallies",
    "senders",
    "status_type",
    "suppression_events",
    "suppressions",
    "tenants",
    "tendlc_campaigns",
    "verdicts",
]

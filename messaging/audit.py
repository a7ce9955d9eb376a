"""Who did what? Every change of a tenant's settings is written down in the transaction that makes it.

    with rt.engine.begin() as db:
        ...
        audit.note(db, tenant.id, "pool.deleted", name)

Whose hand it is stands around the call: a door says so with `by`, once it knows the caller. Where nobody
said so it is the command line, or the system itself. Only ids, words and the names of fields are written,
never a value, an address or a secret.
"""

from __future__ import annotations

from collections.abc import Collection
from contextvars import ContextVar
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging.runtime import Runtime
from messaging.store import audit
from messaging.store.audit import AuditEntry, NewEntry
from messaging.store.tenants import Tenant

ACTIONS = {
    "key.created": "an API key was made",
    "key.revoked": "an API key was ended",
    "account.added": "a provider account was added",
    "account.changed": "a provider account was changed or given new credentials",
    "account.old_secrets_forgotten": "what webhooks were signed with before counts no more",
    "senders.added": "senders were added",
    "sender.changed": "a sender was changed",
    "sender.retired": "a sender was taken out of use for ever",
    "pool.created": "a pool was made",
    "pool.changed": "a pool was changed",
    "pool.joined": "a sender came into a pool",
    "pool.left": "a sender went out of a pool",
    "pool.deleted": "a pool was deleted",
    "binding.added": "something was bound to what it sends from",
    "binding.removed": "bindings were undone",
    "policy.changed": "the policy was changed",
    "brand.changed": "a brand was registered or changed",
    "tendlc_campaign.changed": "a 10DLC campaign was registered or changed",
    "endpoint.added": "an endpoint was added",
    "endpoint.changed": "an endpoint was changed",
    "endpoint.removed": "an endpoint was removed",
    "endpoint.rotated": "an endpoint was given a new secret",
    "endpoint.replayed": "an endpoint was told things again",
    "suppression.lifted": "somebody may be written to again",
    "erasure.requested": "somebody is to be erased",
    "campaign.started": "a campaign was started",
    "campaign.scheduled": "a campaign was given its time",
    "campaign.paused": "a campaign was paused",
    "campaign.resumed": "a campaign went on",
    "campaign.canceled": "a campaign was called off",
    "campaign.retried": "the failed of a campaign were tried again",
    "budget.changed": "a budget was changed",
    "balance.topped_up": "money was added",
    "rate_card.changed": "prices were changed",
    "template.resumed": "a paused text went on",
    "use_case.created": "a use case was made",
    "use_case.changed": "a use case was changed",
    "use_case.deleted": "a use case was deleted",
    "weight.changed": "a tenant's share of the workers was changed",
}
"""Everything that is written down, and what it means. A new action is a line here."""


class Hand(NamedTuple):
    """Who is at work: an API key, in one request. Both None is the command line, or nobody."""

    key_id: str | None = None
    request_id: str | None = None


_NOBODY = Hand()
_hand: ContextVar[Hand] = ContextVar("posthorn_hand", default=_NOBODY)


def by(key_id: str | None, request_id: str | None) -> None:
    """Say whose the calls are that follow in this context: a request, or a task."""
    _hand.set(Hand(key_id, request_id))


def nobody() -> None:
    """Say that what follows in this context is nobody's any more."""
    _hand.set(_NOBODY)


def note(
    db: Connection,
    tenant_id: UUID,
    action: str,
    target: object = None,
    fields: Collection[str] = (),
) -> None:
    """Write down something that is done in this transaction.

    `action` is one of `ACTIONS`; `target` an id or the tenant's own name of what it is done to; `fields`
    the names of what changes.
    """
    assert action in ACTIONS, action  # noqa: S101 - a word of ours, not of a caller's
    key_id, request_id = _hand.get()
    said = None if target is None else str(target)
    audit.add(db, [NewEntry(tenant_id, key_id, request_id, action, said, sorted(fields))])


def page(
    rt: Runtime,
    tenant: Tenant,
    *,
    action: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[AuditEntry]:
    """What was done for a tenant, newest first."""
    with rt.engine.connect() as db:
        return audit.page(db, tenant.id, action=action, before=before, limit=limit)

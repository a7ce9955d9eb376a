"""What may be shown of accounts at providers? Everything but what is secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from messaging import providers
from messaging.domain.message import Channel
from messaging.providers.base import Abilities
from messaging.runtime import Runtime
from messaging.store import accounts as store
from messaging.store.accounts import Stored
from messaging.store.tenants import Tenant


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as it may be shown: nothing of it is secret."""

    id: UUID
    name: str
    provider: str
    username: str
    base_url: str
    options: dict[str, str]
    """Those that are not secret."""
    secret_options: list[str]
    """The names of those that are."""
    webhook_secrets: int
    """How many there are, apart from what was before; 0 if webhooks are signed with the secret."""
    max_in_flight: int
    segments_per_second: float | None
    absence_proof: timedelta | None
    created_at: datetime
    rotated_at: datetime | None
    """When something secret of it was last replaced."""
    old_until: datetime | None
    """Until when webhooks signed as before are believed, too."""
    abilities: Mapping[Channel, Abilities]
    """By the channels its provider serves; empty for a provider this version does not know."""
    webhooks: str
    """Where its provider must post to, with `/status` or `/inbound` behind it."""


def views(rt: Runtime, tenant: Tenant) -> list[AccountView]:
    """A tenant's accounts by name, without anything secret."""
    with rt.engine.connect() as db:
        return [_view(rt, each) for each in store.of_tenant(db, tenant.id, rt.sealer)]


def _view(rt: Runtime, stored: Stored) -> AccountView:
    account, provider = stored.account, providers.find(stored.account.provider)
    # Whose provider is not known keeps everything to itself.
    secret = provider.secret_options if provider is not None else set(account.options)
    base = rt.settings.public_url.rstrip("/")
    return AccountView(
        id=account.id,
        name=account.name,
        provider=account.provider,
        username=account.username,
        base_url=account.base_url,
        options={n: v for n, v in account.options.items() if n not in secret},
        secret_options=sorted(n for n in account.options if n in secret),
        webhook_secrets=len(account.webhook_secrets),
        max_in_flight=account.max_in_flight,
        segments_per_second=account.segments_per_second,
        absence_proof=account.absence_proof,
        created_at=stored.created_at,
        rotated_at=stored.rotated_at,
        old_until=stored.previous_until,
        abilities=provider.abilities if provider is not None else {},
        webhooks=f"{base}/webhooks/{account.provider}/{account.id}",
    )

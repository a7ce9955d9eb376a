"""Who may send: senders, their pools and the provider accounts they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.engine import Connection

from messaging.domain.message import Channel, ProviderAccount, Sender
from messaging.store import tables as t


@dataclass(frozen=True, slots=True)
class Senders:
    """One tenant's senders and accounts, as of a moment ago."""

    senders: tuple[Sender, ...]
    accounts: dict[UUID, ProviderAccount]
    pools: dict[str, UUID]


_SENDERS = sa.text("""
SELECT s.id, s.tenant_id, s.account_id, s.channel, s.address, s.mps, s.healthy, s.is_default,
       array_remove(array_agg(p.pool_id), NULL) AS pool_ids
FROM senders s LEFT JOIN sender_pool_members p ON p.sender_id = s.id
WHERE s.tenant_id = :tenant AND s.retired_at IS NULL
GROUP BY s.id ORDER BY s.id
""")


def read(db: Connection, tenant_id: UUID, sealer: Fernet) -> Senders:
    """Everything selection and dispatch may use for one tenant."""
    senders = tuple(
        Sender(
            id=row.id,
            tenant_id=row.tenant_id,
            account_id=row.account_id,
            channel=Channel(row.channel),
            address=row.address,
            mps=row.mps,
            healthy=row.healthy,
            is_default=row.is_default,
            pool_ids=frozenset(row.pool_ids),
        )
        for row in db.execute(_SENDERS, {"tenant": tenant_id})
    )
    found = db.execute(
        sa.select(t.provider_accounts).where(t.provider_accounts.c.tenant_id == tenant_id)
    )
    accounts = {row.id: account_of(row, sealer) for row in found}
    pools = db.execute(
        sa.select(t.sender_pools.c.name, t.sender_pools.c.id).where(
            t.sender_pools.c.tenant_id == tenant_id
        )
    )
    return Senders(senders, accounts, {row.name: row.id for row in pools})


def account_of(row: sa.Row[Any], sealer: Fernet) -> ProviderAccount:
    """A provider account with its secret unsealed."""
    return ProviderAccount(
        id=row.id,
        tenant_id=row.tenant_id,
        provider=row.provider,
        name=row.name,
        base_url=row.base_url,
        username=row.username,
        secret=sealer.decrypt(row.secret_sealed).decode(),
        max_in_flight=row.max_in_flight,
        absence_proof=timedelta(seconds=row.absence_proof_seconds),
    )


def find_account(db: Connection, account_id: UUID, sealer: Fernet) -> ProviderAccount | None:
    """One account by id, of whichever tenant: for webhooks, which carry no API key."""
    row = db.execute(
        sa.select(t.provider_accounts).where(t.provider_accounts.c.id == account_id)
    ).one_or_none()
    return account_of(row, sealer) if row else None


def add_account(db: Connection, account: ProviderAccount, sealer: Fernet) -> None:
    """Store an account; its secret is sealed first."""
    db.execute(
        sa.insert(t.provider_accounts).values(
            id=account.id,
            tenant_id=account.tenant_id,
            provider=account.provider,
            name=account.name,
            base_url=account.base_url,
            username=account.username,
            secret_sealed=sealer.encrypt(account.secret.encode()),
            max_in_flight=account.max_in_flight,
            absence_proof_seconds=int(account.absence_proof.total_seconds()),
        )
    )


def move_account(db: Connection, account_id: UUID, base_url: str) -> None:
    """Reach an account's provider at another address from now on."""
    db.execute(
        sa.update(t.provider_accounts)
        .where(t.provider_accounts.c.id == account_id)
        .values(base_url=base_url)
    )


def add_pool(db: Connection, tenant_id: UUID, pool_id: UUID, name: str) -> None:
    """Create an empty sender pool."""
    db.execute(sa.insert(t.sender_pools).values(id=pool_id, tenant_id=tenant_id, name=name))


def add_senders(db: Connection, senders: Sequence[Sender]) -> None:
    """Store senders and their pool memberships."""
    db.execute(
        sa.insert(t.senders),
        [
            {
                "id": s.id,
                "tenant_id": s.tenant_id,
                "account_id": s.account_id,
                "channel": s.channel,
                "address": s.address,
                "mps": s.mps,
                "healthy": s.healthy,
                "is_default": s.is_default,
            }
            for s in senders
        ],
    )
    members = [{"pool_id": pool, "sender_id": s.id} for s in senders for pool in s.pool_ids]
    if members:
        db.execute(sa.insert(t.sender_pool_members), members)

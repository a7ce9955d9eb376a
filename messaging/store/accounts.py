"""Provider accounts: what of them is secret is sealed at rest."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.engine import Connection

from messaging.domain.message import ProviderAccount
from messaging.store import tables as t


def account_of(row: sa.Row[Any], sealer: Fernet) -> ProviderAccount:
    """A provider account with its secrets unsealed."""
    more = orjson.loads(sealer.decrypt(row.more_sealed)) if row.more_sealed else {}
    proof = row.absence_proof_seconds
    return ProviderAccount(
        id=row.id,
        tenant_id=row.tenant_id,
        provider=row.provider,
        name=row.name,
        base_url=row.base_url,
        username=row.username,
        secret=sealer.decrypt(row.secret_sealed).decode(),
        max_in_flight=row.max_in_flight,
        absence_proof=None if proof is None else timedelta(seconds=proof),
        segments_per_second=row.segments_per_second,
        options=row.options | more.get("options", {}),
        webhook_secrets=tuple(more.get("webhook_secrets", ())),
    )


def find_account(db: Connection, account_id: UUID, sealer: Fernet) -> ProviderAccount | None:
    """One account by id, of whichever tenant: for webhooks, which carry no API key."""
    row = db.execute(
        sa.select(t.provider_accounts).where(t.provider_accounts.c.id == account_id)
    ).one_or_none()
    return account_of(row, sealer) if row else None


def find_accounts(
    db: Connection, account_ids: Sequence[UUID], sealer: Fernet
) -> dict[UUID, ProviderAccount]:
    """Those of these accounts that there are."""
    rows = db.execute(
        sa.select(t.provider_accounts).where(t.provider_accounts.c.id.in_(account_ids))
    )
    return {row.id: account_of(row, sealer) for row in rows}


def add_account(
    db: Connection, account: ProviderAccount, secret_options: Collection[str], sealer: Fernet
) -> None:
    """Store an account; its secret is sealed first, and so are the options named in `secret_options`."""
    proof = account.absence_proof
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
            absence_proof_seconds=None if proof is None else int(proof.total_seconds()),
            segments_per_second=account.segments_per_second,
            options={n: v for n, v in account.options.items() if n not in secret_options},
            more_sealed=_seal(account, secret_options, sealer),
        )
    )


def _seal(
    account: ProviderAccount, secret_options: Collection[str], sealer: Fernet
) -> bytes | None:
    """Everything secret of an account beside `secret`; None if there is nothing."""
    hidden = {n: v for n, v in account.options.items() if n in secret_options}
    if not hidden and not account.webhook_secrets:
        return None
    more = {"options": hidden, "webhook_secrets": account.webhook_secrets}
    return sealer.encrypt(orjson.dumps(more))


def move_account(db: Connection, account_id: UUID, base_url: str) -> None:
    """Reach an account's provider at another address from now on."""
    db.execute(
        sa.update(t.provider_accounts)
        .where(t.provider_accounts.c.id == account_id)
        .values(base_url=base_url)
    )

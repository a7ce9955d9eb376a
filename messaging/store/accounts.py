"""Provider accounts: what of them is secret is sealed at rest."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy.engine import Connection

from messaging.domain.message import ProviderAccount
from messaging.store import tables as t

_A = t.provider_accounts.c


def rows() -> sa.Select[Any]:
    """Accounts as `account_of` reads them; whether an old signature still counts is this moment's."""
    holds = sa.func.coalesce(_A.previous_until > sa.func.now(), sa.false())
    return sa.select(t.provider_accounts, holds.label("previous_holds"))


def account_of(row: sa.Row[Any], sealer: Fernet) -> ProviderAccount:
    """An account of `rows` with its secrets unsealed; webhooks signed as before count while they may."""
    account = _present(row, sealer)
    before = _previous(row, sealer) if row.previous_holds else ()
    if not before:
        return account
    return replace(account, webhook_secrets=(*account.signing_secrets, *before))


def _present(row: sa.Row[Any], sealer: Fernet) -> ProviderAccount:
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


def _previous(row: sa.Row[Any], sealer: Fernet) -> tuple[str, ...]:
    sealed = row.previous_sealed
    return tuple(orjson.loads(sealer.decrypt(sealed))) if sealed is not None else ()


def find_account(db: Connection, account_id: UUID, sealer: Fernet) -> ProviderAccount | None:
    """One account by id, of whichever tenant: for webhooks, which carry no API key."""
    row = db.execute(rows().where(_A.id == account_id)).one_or_none()
    return account_of(row, sealer) if row else None


def find_accounts(
    db: Connection, account_ids: Sequence[UUID], sealer: Fernet
) -> dict[UUID, ProviderAccount]:
    """Those of these accounts that there are."""
    found = db.execute(rows().where(_A.id.in_(account_ids)))
    return {row.id: account_of(row, sealer) for row in found}


def named(db: Connection, provider: str, username: str, sealer: Fernet) -> list[ProviderAccount]:
    """Every tenant's accounts at a provider under one user name there."""
    query = rows().where(_A.provider == provider, _A.username == username).order_by(_A.id)
    return [account_of(row, sealer) for row in db.execute(query)]


def add_account(
    db: Connection, account: ProviderAccount, secret_options: Collection[str], sealer: Fernet
) -> None:
    """Store an account; its secret is sealed first, and so are the options named in `secret_options`."""
    values = _values(account, secret_options, sealer)
    values |= {"id": account.id, "tenant_id": account.tenant_id, "provider": account.provider}
    db.execute(sa.insert(t.provider_accounts).values(**values, name=account.name))


def _values(
    account: ProviderAccount, secret_options: Collection[str], sealer: Fernet
) -> dict[str, Any]:
    """The columns that may change, sealed where they must be."""
    proof = account.absence_proof
    return {
        "base_url": account.base_url,
        "username": account.username,
        "secret_sealed": sealer.encrypt(account.secret.encode()),
        "max_in_flight": account.max_in_flight,
        "absence_proof_seconds": None if proof is None else int(proof.total_seconds()),
        "segments_per_second": account.segments_per_second,
        "options": {n: v for n, v in account.options.items() if n not in secret_options},
        "more_sealed": _seal(account, secret_options, sealer),
    }


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


@dataclass(frozen=True, slots=True)
class Stored:
    """An account as it stands, apart from what it was before."""

    account: ProviderAccount
    previous: tuple[str, ...]
    """What webhooks may still be signed with beside `account.signing_secrets`."""
    previous_until: datetime | None
    """Until when; None if there is nothing."""
    rotated_at: datetime | None
    created_at: datetime


def _stored(row: sa.Row[Any], sealer: Fernet) -> Stored:
    before = _previous(row, sealer) if row.previous_holds else ()
    until = row.previous_until if before else None
    return Stored(_present(row, sealer), before, until, row.rotated_at, row.created_at)


def of_tenant(db: Connection, tenant_id: UUID, sealer: Fernet) -> list[Stored]:
    """A tenant's accounts, by name."""
    found = db.execute(rows().where(_A.tenant_id == tenant_id).order_by(_A.name))
    return [_stored(row, sealer) for row in found]


def locked(db: Connection, tenant_id: UUID, name: str, sealer: Fernet) -> Stored | None:
    """A tenant's account by name, which nobody else changes until the transaction ends."""
    query = rows().where(_A.tenant_id == tenant_id, _A.name == name).with_for_update()
    row = db.execute(query).one_or_none()
    return _stored(row, sealer) if row else None


def change_account(
    db: Connection,
    account: ProviderAccount,
    secret_options: Collection[str],
    sealer: Fernet,
    *,
    rotated: bool,
) -> None:
    """Store an account as it is from now on; `rotated` if something secret of it is new."""
    values = _values(account, secret_options, sealer)
    if rotated:
        values["rotated_at"] = sa.func.now()
    db.execute(sa.update(t.provider_accounts).where(_A.id == account.id).values(**values))


def keep_previous(
    db: Connection, account_id: UUID, secrets: Sequence[str], sealer: Fernet, lasts: timedelta
) -> None:
    """Believe webhooks signed with these as well, from now on for so long; nothing else from before."""
    kept: dict[str, Any] = {"previous_sealed": None, "previous_until": None}
    if secrets:
        sealed = sealer.encrypt(orjson.dumps(list(secrets)))
        kept = {"previous_sealed": sealed, "previous_until": sa.func.now() + lasts}
    db.execute(sa.update(t.provider_accounts).where(_A.id == account_id).values(**kept))


def drop_expired(db: Connection) -> int:
    """Delete what no webhook may be signed with any more; returns of how many accounts."""
    over = sa.update(t.provider_accounts).where(_A.previous_until <= sa.func.now())
    return db.execute(over.values(previous_sealed=None, previous_until=None)).rowcount

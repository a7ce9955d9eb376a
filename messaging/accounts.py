"""Accounts at providers: added, limited, and given new credentials while everything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.exc import IntegrityError

from messaging import providers
from messaging.domain.errors import (
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
)
from messaging.domain.message import ProviderAccount
from messaging.providers.base import Provider
from messaging.runtime import Runtime
from messaging.store import accounts, fleet
from messaging.store.tenants import Tenant


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Credentials at a provider, before they have an id."""

    provider: str
    name: str
    username: str
    secret: str
    base_url: str = ""
    """Empty: the provider's own address."""
    max_in_flight: int = 100
    absence_proof: timedelta | None = None
    """How long its listing needs until it surely has a message; None is as its provider's does."""
    segments_per_second: float | None = None
    """What the provider lets the whole account send; None is no limit of its own."""

    options: Mapping[str, str] = field(default_factory=dict)
    """What else its provider needs, by the names of `Provider.options`."""
    webhook_secrets: tuple[str, ...] = ()
    """What its webhooks are signed with, where that is not `secret`."""

    def __repr__(self) -> str:
        return f"NewAccount({self.provider}/{self.name})"


def add(rt: Runtime, tenant: Tenant, new: NewAccount) -> ProviderAccount:
    """Store credentials; the secret is sealed first.

    Raises:
        InvalidRequestError: no such provider, or its options are not as it needs them.
        ConflictError: the tenant has an account of this name.
    """
    provider = providers.find(new.provider)
    if provider is None:
        known = ", ".join(sorted(providers.PROVIDERS))
        problem = FieldProblem("#/provider", "unknown_provider", f"must be one of {known}")
        raise InvalidRequestError([problem])
    wrong = _problems(provider, new)
    if wrong:
        raise InvalidRequestError(wrong)
    account = ProviderAccount(
        id=rt.new_id(),
        tenant_id=tenant.id,
        provider=new.provider,
        name=new.name,
        base_url=new.base_url or provider.base_url,
        username=new.username,
        secret=new.secret,
        max_in_flight=new.max_in_flight,
        absence_proof=new.absence_proof,
        segments_per_second=new.segments_per_second,
        options=dict(new.options),
        webhook_secrets=new.webhook_secrets,
    )
    secret = {option.name for option in provider.options if option.secret}
    try:
        with rt.engine.begin() as db:
            accounts.add_account(db, account, secret, rt.sealer)
    except IntegrityError:
        raise ConflictError(f"this tenant has an account called {new.name!r} already") from None
    return account


def limit(rt: Runtime, tenant: Tenant, name: str, most: float | None) -> None:
    """Say how many segments a second a whole account may send; None: no limit of its own.

    Raises:
        NotFoundError: the tenant has no such account.
    """
    with rt.engine.begin() as db:
        if not fleet.limit_account(db, tenant.id, name, most):
            raise NotFoundError("no account of this tenant has this name")
    rt.forget(tenant.id)


def _problems(provider: Provider, new: NewAccount) -> list[FieldProblem]:
    """What is wrong with the options of a new account."""
    known = {option.name for option in provider.options}
    wrong = [
        FieldProblem("#/options", "unknown_option", f"{provider.name} has no option of this name")
        for name in new.options
        if name not in known
    ]
    wrong += [
        FieldProblem("#/options", "required", f"{provider.name} needs {option.name}: {option.help}")
        for option in provider.options
        if option.required and not new.options.get(option.name)
    ]
    return wrong

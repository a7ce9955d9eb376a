"""Accounts at providers: added, limited, and given new credentials while everything runs.

Every process reads accounts anew within two seconds. What webhooks were signed with before a change
counts for a while longer, since a provider goes on to post what it signed with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from messaging import audit, providers
from messaging.domain import sandboxes
from messaging.domain.errors import (
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
)
from messaging.domain.message import ProviderAccount
from messaging.providers.base import Provider
from messaging.runtime import Runtime
from messaging.store import accounts as store
from messaging.store.accounts import Stored
from messaging.store.tenants import Tenant

KEPT_FOR = timedelta(hours=24)
"""How long webhooks signed as before are believed, unless somebody says otherwise."""
_LONGEST_KEPT = timedelta(days=30)


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


@dataclass(frozen=True, slots=True)
class AccountPatch:
    """What changes of an account; what is None or empty stays as it is."""

    username: str | None = None
    secret: str | None = None
    base_url: str | None = None
    """Empty: the provider's own address."""
    max_in_flight: int | None = None
    absence_proof: timedelta | None = None
    """Zero: as its provider's listing."""
    segments_per_second: float | None = None
    """Zero: no limit of its own."""
    options: Mapping[str, str] = field(default_factory=dict)
    """By name; an empty one is taken away."""
    webhook_secrets: tuple[str, ...] = ()
    """In place of all there are."""
    more_webhook_secrets: tuple[str, ...] = ()
    """Beside those there are."""
    keep_old_for: timedelta = KEPT_FOR
    """How long webhooks signed as before are still believed."""

    def __repr__(self) -> str:
        return "AccountPatch(...)"


def add(rt: Runtime, tenant: Tenant, new: NewAccount) -> ProviderAccount:
    """Store credentials; what is secret is sealed first.

    Raises:
        InvalidRequestError: no such provider, or something is not as it needs it.
        ConflictError: the tenant has an account of this name.
    """
    provider = _provider(new.provider)
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
    _check(provider, account)
    try:
        with rt.engine.begin() as db:
            store.add_account(db, account, provider.secret_options, rt.sealer)
            audit.note(db, tenant.id, "account.added", account.name)
    except IntegrityError:
        raise ConflictError(f"this tenant has an account called {new.name!r} already") from None
    rt.forget(tenant.id)
    return account


def change(rt: Runtime, tenant: Tenant, name: str, patch: AccountPatch) -> datetime | None:
    """Change an account; every process goes by it within two seconds.

    Returns until when webhooks signed as before are believed, too; None if there are none.

    Where its webhooks were signed with something that is replaced, that is still believed for
    `keep_old_for`, and so is what was replaced before and is still believed.

    Raises:
        NotFoundError: the tenant has no such account.
        InvalidRequestError: something is not as its provider needs it.
    """
    if not timedelta() <= patch.keep_old_for <= _LONGEST_KEPT:
        raise InvalidRequestError(
            [FieldProblem("#/keep_old_for", "out_of_range", "must be between 0 and 30 days")]
        )
    with rt.engine.begin() as db:
        stored = _locked(rt, db, tenant, name)
        provider = _provider(stored.account.provider)
        account = _patched(provider, stored.account, patch)
        _check(provider, account)
        account = replace(account, options={n: v for n, v in account.options.items() if v})
        secret = provider.secret_options
        rotated = _secrets(stored.account, secret) != _secrets(account, secret)
        store.change_account(db, account, secret, rt.sealer, rotated=rotated)
        gone = set(stored.account.signing_secrets) - set(account.signing_secrets)
        if gone and provider.has_receipts:
            kept = (*stored.account.signing_secrets, *stored.previous)
            left = [each for each in kept if each not in account.signing_secrets]
            lasts = patch.keep_old_for
            store.keep_previous(db, account.id, left if lasts else [], rt.sealer, lasts)
        audit.note(db, tenant.id, "account.changed", name, _said(patch))
        changed = _locked(rt, db, tenant, name)
    rt.forget(tenant.id)
    return changed.previous_until


def _said(patch: AccountPatch) -> list[str]:
    """The names of what a patch sets."""
    nothing = AccountPatch()
    names = (field.name for field in fields(patch) if field.name != "keep_old_for")
    return [name for name in names if getattr(patch, name) != getattr(nothing, name)]


def forget_old(rt: Runtime, tenant: Tenant, name: str) -> bool:
    """Believe no webhook any more that is signed as before; False if none was.

    Raises:
        NotFoundError: the tenant has no such account.
    """
    with rt.engine.begin() as db:
        stored = _locked(rt, db, tenant, name)
        store.keep_previous(db, stored.account.id, [], rt.sealer, timedelta())
        audit.note(db, tenant.id, "account.old_secrets_forgotten", name)
    rt.forget(tenant.id)
    return bool(stored.previous)


def drop_expired(rt: Runtime) -> int:
    """Delete what no webhook may be signed with any more; returns of how many accounts."""
    with rt.engine.begin() as db:
        return store.drop_expired(db)


def _provider(name: str) -> Provider:
    found = providers.find(name)
    if found is None:
        known = ", ".join(sorted(providers.PROVIDERS))
        problem = FieldProblem("#/provider", "unknown_provider", f"must be one of {known}")
        raise InvalidRequestError([problem])
    return found


def _locked(rt: Runtime, db: Connection, tenant: Tenant, name: str) -> Stored:
    found = store.locked(db, tenant.id, name, rt.sealer)
    if found is None:
        raise NotFoundError("no account of this tenant has this name")
    return found


def _patched(provider: Provider, before: ProviderAccount, patch: AccountPatch) -> ProviderAccount:
    """An account after a change."""
    said: dict[str, Any] = {
        "username": patch.username,
        "secret": patch.secret,
        "max_in_flight": patch.max_in_flight,
    }
    said = {name: value for name, value in said.items() if value is not None}
    if patch.base_url is not None:
        said["base_url"] = patch.base_url or provider.base_url
    if patch.absence_proof is not None:
        said["absence_proof"] = patch.absence_proof or None
    if patch.segments_per_second is not None:
        said["segments_per_second"] = patch.segments_per_second or None
    secrets = patch.webhook_secrets or before.webhook_secrets
    secrets = tuple(dict.fromkeys((*secrets, *patch.more_webhook_secrets)))
    options = {**before.options, **patch.options}
    return replace(before, **said, options=options, webhook_secrets=secrets)


def _secrets(account: ProviderAccount, secret_options: frozenset[str]) -> tuple[object, ...]:
    """Everything secret of an account."""
    options = {n: v for n, v in account.options.items() if n in secret_options}
    return account.secret, account.webhook_secrets, options


def _check(provider: Provider, account: ProviderAccount) -> None:
    """Whether an account has what its provider needs.

    Raises:
        InvalidRequestError: it has not.
    """
    known = {option.name for option in provider.options}
    there_are = f"there are: {', '.join(sorted(known))}" if known else "it has none"
    wrong = [
        FieldProblem("#/options", "unknown_option", f"no option of {provider.name}; {there_are}")
        for name in account.options
        if name not in {*known, sandboxes.OPTION}
    ]
    wrong += [
        FieldProblem("#/options", "required", f"{provider.name} needs {option.name}: {option.help}")
        for option in provider.options
        if option.required and not account.options.get(option.name)
    ]
    if account.options.get(sandboxes.OPTION, "") not in sandboxes.OPTION_VALUES:
        wrong.append(FieldProblem("#/options", "not_valid", "sandbox must be true or false"))
    if provider.username is not None and not account.username:
        needs = f"{provider.name} needs one: the {provider.username}"
        wrong.append(FieldProblem("#/username", "required", needs))
    if not _is_url(account.base_url):
        must = "must be as https://host, without a user name in it"
        wrong.append(FieldProblem("#/base_url", "not_a_url", must))
    if wrong:
        raise InvalidRequestError(wrong)


def _is_url(text: str) -> bool:
    """Whether it is an address without credentials: it is shown, and they are not."""
    try:
        parts = urlsplit(text)
        return bool(parts.scheme and parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False

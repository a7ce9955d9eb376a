"""Who is calling, and what may they do? API keys: made, shown once, recognised, limited, revoked.

    ph_live_<id>_<secret>     ph_test_<id>_<secret>     a test key reaches sandboxes only

A secret is 256 random bits, so a keyed hash is all that must be kept of it. Every refused key is refused
in the same words, whatever the reason. A tenant may have as many keys as it likes: to replace one, make a
second, use it everywhere, then revoke the first.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from time import monotonic

from messaging import audit
from messaging.domain.errors import (
    FieldProblem,
    InvalidRequestError,
    MissingScopeError,
    NotFoundError,
    UnauthorizedError,
)
from messaging.domain.scopes import TEST_SCOPES, KeyKind, Scope, granted
from messaging.runtime import DatabaseError, Runtime
from messaging.store import keys
from messaging.store.keys import KeyView, NewKey
from messaging.store.tenants import Tenant

_REFUSAL = (
    "no valid API key was given; send one as 'Authorization: Bearer <key>' or as 'X-API-Key: <key>'"
)
_KEY = re.compile(r"ph_(?:live|test)_([a-z2-7]{12})_[A-Za-z0-9_-]{43}")
_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_REMEMBERED_SECONDS = 4.0
_MOST_REMEMBERED = 10_000
_USED_SECONDS = 60.0
UNLIMITED = 0
"""As many requests a minute as there are."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A key to be made."""

    name: str
    kind: KeyKind = KeyKind.LIVE
    scopes: Collection[Scope] | None = None
    """None is everything, of a test key what such a key may do."""
    expires_at: datetime | None = None
    requests_per_minute: int | None = None
    """None is POSTHORN_REQUESTS_PER_MINUTE; `UNLIMITED` none."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A recognised key: whom it speaks for and what it may do."""

    tenant: Tenant
    key_id: str
    kind: KeyKind
    scopes: frozenset[Scope] | None
    """None is every scope."""
    per_minute: int
    """Requests; `UNLIMITED` is no limit."""
    note_use: bool
    """Whether nobody has written down for a minute that it is in use."""
    expires_at: datetime | None

    def may(self, scope: Scope | None) -> None:
        """Pass if the key has a scope; None is a scope that only an unrestricted key has.

        Raises:
            MissingScopeError: it has not; the text names the scope.
        """
        if self.scopes is None or scope in self.scopes:
            return
        if self.kind is KeyKind.TEST and scope not in TEST_SCOPES:
            raise MissingScopeError(
                "a test key may only send and read messages; use a live key for this"
            )
        need = f"the scope {scope.value!r}" if scope else "every scope"
        raise MissingScopeError(f"this API key does not have {need}; make one that has")


def mint(rt: Runtime, tenant: Tenant, name: str, per_minute: int | None = None) -> str:
    """A new live API key of `tenant` that may do everything; it cannot be shown again."""
    return create(rt, tenant, Asked(name, requests_per_minute=per_minute))[0]


def create(
    rt: Runtime, tenant: Tenant, asked: Asked, within: frozenset[Scope] | None = None
) -> tuple[str, KeyView]:
    """A new API key, which cannot be shown again, and what may be shown of it.

    `within` are the scopes of whoever asks, None for all: a key makes no key that may do more.

    Raises:
        InvalidRequestError: a scope that a test key cannot have, none at all, or a time that is past.
        MissingScopeError: it would be allowed more than `within`.
    """
    scopes = granted(asked.scopes, asked.kind)
    _check(rt, asked, scopes)
    if within is not None and (scopes is None or not scopes <= within):
        raise MissingScopeError("a key cannot make one that may do more than itself")
    key_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(12))
    key = f"ph_{asked.kind.value}_{key_id}_{secrets.token_urlsafe(32)}"
    new = NewKey(
        key_id,
        tenant.id,
        asked.name,
        _hash(rt, key),
        asked.kind.value,
        scopes,
        asked.requests_per_minute,
        asked.expires_at,
    )
    with rt.engine.begin() as db:
        keys.add(db, new)
        audit.note(db, tenant.id, "key.created", key_id)
        return key, keys.view(db, key_id)


def _check(rt: Runtime, asked: Asked, scopes: frozenset[Scope] | None) -> None:
    wrong = []
    if scopes is not None and not scopes:
        detail = "name at least one scope, or leave them out for all"
        wrong.append(FieldProblem("#/scopes", "too_short", detail))
    if asked.kind is KeyKind.TEST and not (scopes or frozenset()) <= TEST_SCOPES:
        detail = f"a test key may have {' and '.join(sorted(TEST_SCOPES))} only"
        wrong.append(FieldProblem("#/scopes", "not_allowed", detail))
    if asked.expires_at is not None and asked.expires_at <= rt.now():
        wrong.append(FieldProblem("#/expires_at", "in_the_past", "must be in the future"))
    if wrong:
        raise InvalidRequestError(wrong)


def revoke(rt: Runtime, key_id: str, tenant: Tenant | None = None) -> bool:
    """End a key by its public id; every process refuses it within five seconds.

    False if there is no such active key, or it is not `tenant`'s, if one is given.
    """
    with rt.engine.begin() as db:
        owner = keys.revoke(db, key_id, None if tenant is None else tenant.id)
        if owner is not None:
            audit.note(db, owner, "key.revoked", key_id)
    return owner is not None


def listed(rt: Runtime, tenant: Tenant) -> list[KeyView]:
    """A tenant's keys, oldest first; of a secret there is nothing to show."""
    with rt.engine.connect() as db:
        return keys.listed(db, tenant.id)


def found(rt: Runtime, tenant: Tenant, key_id: str) -> KeyView:
    """One of a tenant's keys.

    Raises:
        NotFoundError: the tenant has no such key.
    """
    for key in listed(rt, tenant):
        if key.id == key_id:
            return key
    raise NotFoundError("no API key of yours has this id")


def key_id_of(key: str) -> str | None:
    """The public part of a key, by which it is listed and revoked; None if this is not a key."""
    match = _KEY.fullmatch(key)
    return match.group(1) if match else None


def identify(rt: Runtime, presented: str | None) -> Caller:
    """Whose a key is, and what it may do.

    Raises:
        UnauthorizedError: it is missing, unknown, revoked, expired or wrong.
    """
    key_id = key_id_of(presented) if presented else None
    if presented is None or key_id is None:
        raise UnauthorizedError(_REFUSAL)
    with rt.reading() as db:
        row = keys.find(db, key_id)
    # An unknown id is compared as well, so that it takes as long as a wrong secret.
    kept = row.secret_hash if row else bytes(32)
    matches = hmac.compare_digest(_hash(rt, presented), kept)
    if row is None or not matches:
        raise UnauthorizedError(_REFUSAL)
    now = rt.now()
    if row.expires_at is not None and row.expires_at <= now:
        raise UnauthorizedError(_REFUSAL)
    kind = KeyKind(row.kind)
    limit = row.requests_per_minute
    used = row.last_used_at
    return Caller(
        replace(row.tenant, sandboxed=True) if kind is KeyKind.TEST else row.tenant,
        key_id,
        kind,
        None if row.scopes is None else frozenset(s for s in Scope if s.value in row.scopes),
        rt.settings.requests_per_minute if limit is None else limit,
        used is None or (now - used).total_seconds() >= _USED_SECONDS,
        row.expires_at,
    )


def authenticate(rt: Runtime, presented: str | None, scope: Scope | None = None) -> Tenant:
    """The tenant a key speaks for; with a scope, only if it has that.

    Raises:
        UnauthorizedError: it is missing, unknown, revoked, expired or wrong.
        MissingScopeError: it has not that scope.
    """
    caller = identify(rt, presented)
    if scope is not None:
        caller.may(scope)
    if caller.note_use:
        note_use(rt, caller.key_id)
    return caller.tenant


def note_use(rt: Runtime, key_id: str) -> None:
    """Write down that a key is in use; if it cannot be now, it is the next time."""
    try:
        with rt.engine.begin() as db:
            keys.used(db, key_id)
    except DatabaseError:
        return


def _hash(rt: Runtime, key: str) -> bytes:
    return hmac.digest(rt.settings.key_pepper, key.encode(), "sha256")


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    until: float


class KnownKeys:
    """Keys recognised a moment ago, so that a busy caller costs one query in four seconds.

    Only good keys are remembered, by hash; a revoked one is forgotten by the end of its four seconds,
    and one that has an end then.
    """

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._known: dict[bytes, _Known] = {}

    def recall(self, presented: bytes) -> Caller | None:
        """Whose a key is that was recognised a moment ago; asks nobody."""
        known = self._known.get(sha256(presented).digest())
        return known.caller if known is not None and known.until > monotonic() else None

    def identify(self, presented: bytes | None) -> Caller:
        """Whose a key is, from memory or from the database.

        Raises:
            UnauthorizedError: as the function `identify`.
        """
        known = self.recall(presented) if presented else None
        if known is not None:
            return known
        caller = identify(self._rt, presented.decode("latin-1") if presented else None)
        if presented:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            seconds = _REMEMBERED_SECONDS
            if caller.expires_at is not None:
                seconds = min(seconds, (caller.expires_at - self._rt.now()).total_seconds())
            until = monotonic() + seconds
            self._known[sha256(presented).digest()] = _Known(replace(caller, note_use=False), until)
        return caller

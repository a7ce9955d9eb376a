"""Who is calling? API keys: made, shown once, recognised, revoked.

    ph_live_<id>_<secret>     `live` in production, `test` in development

A secret is 256 random bits, so a keyed hash is all that must be kept of it. Every refusal has the same
text, whichever of the reasons it has.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic

from messaging.domain.errors import UnauthorizedError
from messaging.runtime import Runtime
from messaging.store import tenants
from messaging.store.tenants import Tenant

_REFUSAL = (
    "no valid API key was given; send one as 'Authorization: Bearer <key>' or as 'X-API-Key: <key>'"
)
_KEY = re.compile(r"ph_(?:live|test)_([a-z2-7]{12})_[A-Za-z0-9_-]{43}")
_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_REMEMBERED_SECONDS = 4.0
_MOST_REMEMBERED = 10_000


def mint(rt: Runtime, tenant: Tenant, name: str) -> str:
    """A new API key of `tenant`; it cannot be shown again."""
    kind = "live" if rt.settings.environment == "production" else "test"
    key_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(12))
    key = f"ph_{kind}_{key_id}_{secrets.token_urlsafe(32)}"
    with rt.engine.begin() as db:
        tenants.add_key(db, key_id, tenant.id, name, _hash(rt, key))
    return key


def revoke(rt: Runtime, key_id: str) -> bool:
    """End a key by its public id; every process refuses it within five seconds.

    False if there is no such active key.
    """
    with rt.engine.begin() as db:
        return tenants.revoke_key(db, key_id)


def key_id_of(key: str) -> str | None:
    """The public part of a key, by which it is listed and revoked; None if this is not a key."""
    match = _KEY.fullmatch(key)
    return match.group(1) if match else None


def authenticate(rt: Runtime, presented: str | None) -> Tenant:
    """The tenant a key speaks for.

    Raises:
        UnauthorizedError: it is missing, unknown, revoked, expired or wrong.
    """
    key_id = key_id_of(presented) if presented else None
    if presented is None or key_id is None:
        raise UnauthorizedError(_REFUSAL)
    with rt.engine.connect() as db:
        found = tenants.find_key(db, key_id)
    # An unknown id is compared as well, so that it takes as long as a wrong secret.
    kept = found.secret_hash if found else bytes(32)
    matches = hmac.compare_digest(_hash(rt, presented), kept)
    if found is None or not matches:
        raise UnauthorizedError(_REFUSAL)
    if found.expires_at is not None and found.expires_at <= rt.now():
        raise UnauthorizedError(_REFUSAL)
    return found.tenant


def _hash(rt: Runtime, key: str) -> bytes:
    return hmac.digest(rt.settings.key_pepper, key.encode(), "sha256")


@dataclass(frozen=True, slots=True)
class _Known:
    tenant: Tenant
    until: float


class KnownKeys:
    """Keys recognised a moment ago, so that a busy caller costs one query in four seconds.

    Only good keys are remembered, by hash; a revoked one is forgotten by the end of its four seconds.
    """

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._known: dict[bytes, _Known] = {}

    def recall(self, presented: bytes) -> Tenant | None:
        """The tenant of a key recognised a moment ago; asks nobody."""
        known = self._known.get(sha256(presented).digest())
        return known.tenant if known is not None and known.until > monotonic() else None

    def authenticate(self, presented: bytes | None) -> Tenant:
        """The tenant of a key, from memory or from the database.

        Raises:
            UnauthorizedError: as `authenticate`.
        """
        known = self.recall(presented) if presented else None
        if known is not None:
            return known
        tenant = authenticate(self._rt, presented.decode("latin-1") if presented else None)
        if presented:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            until = monotonic() + _REMEMBERED_SECONDS
            self._known[sha256(presented).digest()] = _Known(tenant, until)
        return tenant

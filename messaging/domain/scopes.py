"""What may be done with an API key? Scopes, and the two kinds of keys."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum


class Scope(StrEnum):
    """A part of the API; a key without scopes may do everything."""

    MESSAGES_SEND = "messages:send"
    """Send, submit and cancel messages."""
    MESSAGES_READ = "messages:read"
    """Messages, conversations, what people wrote, statistics, lanes, rules and previews."""
    CONTACTS = "contacts"
    CAMPAIGNS = "campaigns"
    SUPPRESSIONS = "suppressions"
    """Who must not be written to, and why: opt-outs, consent, registries, what a number is, erasure."""
    SENDERS = "senders"
    """Senders, pools, bindings, use cases, registrations and templates."""
    POLICY = "policy"
    BILLING = "billing"
    """Prices, budgets and what was spent."""
    ENDPOINTS = "endpoints"
    ACCOUNTS = "accounts"
    KEYS = "keys"
    AUDIT = "audit"


class KeyKind(StrEnum):
    """How far what is sent with a key can get."""

    LIVE = "live"
    TEST = "test"
    """Never beyond a provider account that is a sandbox."""


TEST_SCOPES = frozenset({Scope.MESSAGES_SEND, Scope.MESSAGES_READ})
"""All a test key may have: whatever else it could change is what live messages depend on."""


def granted(asked: Collection[Scope] | None, kind: KeyKind) -> frozenset[Scope] | None:
    """The scopes of a new key that is asked for with these; None is every scope."""
    if kind is KeyKind.TEST:
        return TEST_SCOPES if asked is None else frozenset(asked)
    return None if asked is None else frozenset(asked)

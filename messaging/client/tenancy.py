"""`Posthorn.keys`, `audit`, `policy`, `rules`, `templates` and `billing`: what a tenant decides and pays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from messaging.client.calls import Call, Pages, delete, get, pages, patch, post, put
from messaging.client.flavours import F, Resource, many, once
from messaging.client.reading import Result


@dataclass(frozen=True, slots=True)
class Key(Result):
    """An API key, without its secret; `scopes` None is everything."""

    id: str
    name: str
    kind: str
    scopes: tuple[str, ...] | None
    requests_per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey(Key):
    """An API key, which is never shown again."""

    key: str


@dataclass(frozen=True, slots=True)
class AuditEntry(Result):
    """A change of a tenant's settings, and whose hand it was."""

    at: datetime
    key_id: str | None
    request_id: str | None
    action: str
    target: str | None
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy(Result):
    """What a tenant decided about compliance; each part is written as it is read."""

    brand: str
    postal_address: str
    marketing_consent: str
    quiet_hours: Mapping[str, Any]
    caps: tuple[Mapping[str, Any], ...]
    over_cap: str
    dnc_registries: Mapping[str, Any]
    content: Mapping[str, Any]
    replies: Mapping[str, Any]
    destinations: Mapping[str, Any]
    lookup: Mapping[str, Any]
    rates: Mapping[str, Any]
    sender_health: Mapping[str, Any]
    in_doubt: Mapping[str, Any]
    retention: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PastPolicy(Result):
    """A policy, and since when it held; what is not in `decisions` were defaults."""

    at: datetime
    decisions: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule(Result):
    """A question that is asked of every message, and where it comes from."""

    id: str
    question: str
    source: str


@dataclass(frozen=True, slots=True)
class Law(Result):
    """One row of the law's data."""

    id: str
    jurisdiction: str
    also: tuple[str, ...]
    what: str
    source: str
    confidence: str
    effective_from: date | None
    effective_to: date | None
    reviewed_at: date
    note: str


@dataclass(frozen=True, slots=True)
class RuleBook(Result):
    """The rules and the law's data, and their versions."""

    version: str
    ruleset: str
    questions: tuple[Rule, ...]
    law: tuple[Law, ...]


@dataclass(frozen=True, slots=True)
class PausedTemplate(Result):
    """A text that failed on many numbers: its messages wait."""

    template: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class CampaignBudget(Result):
    """A campaign with a cap, and what it has cost."""

    campaign: str
    cap: Decimal
    spent: Decimal


@dataclass(frozen=True, slots=True)
class Billing(Result):
    """What a tenant has and spends; amounts are in `currency`."""

    billed: bool
    currency: str | None
    balance: Decimal | None
    reserved: Decimal | None
    spent_today: Decimal | None
    day_cap: Decimal | None
    enabled_at: datetime | None
    campaigns: tuple[CampaignBudget, ...]


@dataclass(frozen=True, slots=True)
class Price(Result):
    """What a segment costs, by provider, channel and country."""

    own: bool
    provider: str
    channel: str
    country: str
    per_segment: Decimal
    currency: str
    since: datetime


class Keys(Resource[F]):
    """`Posthorn.keys`."""

    @many
    def list(self) -> Pages[Key]:
        """All keys, oldest first."""
        return pages(Key, "keys")

    @once
    def create(
        self,
        name: str,
        *,
        kind: str | None = None,
        scopes: Sequence[str] | None = None,
        expires_at: datetime | str | None = None,
        requests_per_minute: int | None = None,
    ) -> Call[NewKey]:
        """Make a key; the answer has it, and nothing else ever will."""
        body = {
            "name": name,
            "kind": kind,
            "scopes": scopes,
            "expires_at": expires_at,
            "requests_per_minute": requests_per_minute,
        }
        return post(NewKey, "keys", body=body)

    @once
    def get(self, key_id: str) -> Call[Key]:
        """A key, without its secret."""
        return get(Key, "keys", key_id)

    @once
    def revoke(self, key_id: str) -> Call[None]:
        """End a key."""
        return delete("keys", key_id)


class Audit(Resource[F]):
    """`Posthorn.audit`."""

    @many
    def list(
        self, *, action: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Pages[AuditEntry]:
        """Who changed what, newest first."""
        return pages(AuditEntry, "audit", action=action, limit=limit, cursor=cursor)


class Policies(Resource[F]):
    """`Posthorn.policy`."""

    @once
    def get(self) -> Call[Policy]:
        """The whole policy, defaults included."""
        return get(Policy, "policy")

    @once
    def change(self, changes: Mapping[str, Any]) -> Call[Policy]:
        """Change the named parts (RFC 7396); None restores a default. It holds within two seconds."""
        return patch(Policy, "policy", body=changes)

    @many
    def history(self) -> Pages[PastPolicy]:
        """The latest hundred policies, newest first."""
        return pages(PastPolicy, "policy", "history")


class Rules(Resource[F]):
    """`Posthorn.rules`."""

    @once
    def get(self) -> Call[RuleBook]:
        """The rules every message is judged by, and the law behind them."""
        return get(RuleBook, "rules")


class Templates(Resource[F]):
    """`Posthorn.templates`."""

    @many
    def paused(self) -> Pages[PausedTemplate]:
        """The texts that are paused, by name."""
        return pages(PausedTemplate, "templates", "paused")

    @once
    def resume(self, template: str) -> Call[None]:
        """Let a text's messages go on; what it did until now is forgotten."""
        return delete("templates", "paused", template)


class Billings(Resource[F]):
    """`Posthorn.billing`."""

    @once
    def get(self) -> Call[Billing]:
        """What there is to spend, and what was spent."""
        return get(Billing, "billing")

    @once
    def put_cap(self, cap: Decimal | str | None, *, campaign: str | None = None) -> Call[Billing]:
        """Cap what a day, or one campaign, may cost; None is no cap."""
        return put(Billing, "billing", "caps", body={"campaign": campaign, "cap": cap})

    @many
    def prices(self) -> Pages[Price]:
        """What a segment costs."""
        return pages(Price, "prices")

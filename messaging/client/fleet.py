"""`Posthorn.senders`, `pools`, `bindings`, `use_cases`, `accounts`, `brands` and `tendlc_campaigns`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, TypedDict, Unpack

from messaging.client.calls import (
    Call,
    Pages,
    at,
    delete,
    get,
    given,
    pages,
    patch,
    post,
    put,
    upload,
)
from messaging.client.flavours import F, Resource, many, once
from messaging.client.fleet_results import (
    Account,
    Binding,
    Brand,
    Pool,
    Sender,
    SenderHistory,
    SendersAdded,
    TendlcCampaign,
    Unbound,
    UseCase,
)
from messaging.client.reading import each, into, nothing


class SenderFields(TypedDict, total=False):
    """What may be decided about a sender; `mps` is in segments per second."""

    mps: float | None
    capabilities: Sequence[str] | None
    country: str | None
    owner: str | None
    daily_recipients: int | None
    ramp: str | Sequence[int] | None
    pools: Sequence[str]
    is_default: bool
    campaign: str | None
    verification: str
    provider_verification_id: str | None
    reply_owner: str | None


class SenderChanges(SenderFields, total=False):
    """What may be changed of a sender."""

    state: str
    ramp_level: int


class PoolFields(TypedDict, total=False):
    """How the senders of a pool are used."""

    regions: Sequence[str] | None
    sticky: bool
    local: bool
    local_km: int
    segments_per_second: float | None


class BrandFields(TypedDict, total=False):
    """What may be known of a brand beside its status."""

    provider_brand_id: str | None
    account: str | None
    segments_per_day: int | None


class TendlcFields(TypedDict, total=False):
    """What may be known of a 10DLC campaign beside its brand and its status."""

    use_case: str | None
    provider_campaign_id: str | None
    provider_service_id: str | None
    has_links: bool
    has_phone_numbers: bool
    age_gated: bool
    segments_per_minute: int | None


class Senders(Resource[F]):
    """`Posthorn.senders`."""

    @many
    def list(self) -> Pages[Sender]:
        """All senders, and how each is doing."""
        return pages(Sender, "senders")

    @once
    def add(
        self,
        *,
        address: str,
        channel: str | None = None,
        account: str | None = None,
        **fields: Unpack[SenderFields],
    ) -> Call[Sender]:
        """Add a sender.

        Raises:
            ConflictError: it is there.
        """
        body = {"address": address, "channel": channel, "account": account, **fields}
        return post(Sender, "senders", body=body)

    @once
    def import_file(self, file: IO[bytes] | IO[str]) -> Call[SendersAdded]:
        """Add every sender of a CSV file: all, or none if a line is wrong."""
        return upload(SendersAdded, "senders", "import", file=file)

    @once
    def get(self, sender_id: str) -> Call[SenderHistory]:
        """A sender, and the states it was in."""
        return get(SenderHistory, "senders", sender_id)

    @once
    def change(self, sender_id: str, **fields: Unpack[SenderChanges]) -> Call[Sender]:
        """Change what is named."""
        return patch(Sender, "senders", sender_id, body=fields)

    @once
    def retire(self, sender_id: str) -> Call[None]:
        """Take a sender out of use for good; its history stays."""
        return delete("senders", sender_id)


class Pools(Resource[F]):
    """`Posthorn.pools`."""

    @many
    def list(self) -> Pages[Pool]:
        """All pools."""
        return pages(Pool, "pools")

    @once
    def create(self, name: str, **fields: Unpack[PoolFields]) -> Call[Pool]:
        """Make a pool.

        Raises:
            ConflictError: there is one of that name.
        """
        return post(Pool, "pools", body={"name": name, **fields})

    @once
    def change(self, name: str, **fields: Unpack[PoolFields]) -> Call[Pool]:
        """Change how its senders are used."""
        return patch(Pool, "pools", name, body=fields)

    @once
    def delete(self, name: str) -> Call[None]:
        """Delete a pool; its senders stay.

        Raises:
            ConflictError: something is bound to it.
        """
        return delete("pools", name)

    @once
    def join(self, name: str, sender_id: str) -> Call[None]:
        """Put a sender into a pool."""
        return Call("PUT", at("pools", name, "senders", sender_id), nothing)

    @once
    def leave(self, name: str, sender_id: str) -> Call[None]:
        """Take a sender out of a pool."""
        return delete("pools", name, "senders", sender_id)


class Bindings(Resource[F]):
    """`Posthorn.bindings`; `kind` is campaign, source, use_case, lead or tenant."""

    @many
    def list(
        self,
        *,
        kind: str | None = None,
        ref: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Pages[Binding]:
        """Bindings in the order they were made."""
        return pages(Binding, "bindings", kind=kind, ref=ref, limit=limit, cursor=cursor)

    @once
    def bind(
        self,
        kind: str,
        ref: str | None = None,
        *,
        sender: str | None = None,
        pool: str | None = None,
        account: str | None = None,
    ) -> Call[tuple[Binding, ...]]:
        """Bind something to a sender, a pool or an account; all that it is bound to then."""
        body = _binding(kind, ref, sender, pool, account)
        return Call("PUT", at("bindings"), each(Binding), json=body)

    @once
    def unbind(
        self,
        kind: str,
        ref: str | None = None,
        *,
        sender: str | None = None,
        pool: str | None = None,
        account: str | None = None,
    ) -> Call[Unbound]:
        """Undo one binding; without sender, pool and account all of what is named."""
        body = _binding(kind, ref, sender, pool, account)
        return Call("DELETE", at("bindings"), into(Unbound), json=body)


class UseCases(Resource[F]):
    """`Posthorn.use_cases`."""

    @many
    def list(self) -> Pages[UseCase]:
        """All use cases."""
        return pages(UseCase, "use-cases")

    @once
    def create(self, *, name: str, pool: str) -> Call[UseCase]:
        """Give a pool a name and an id that callers keep.

        Raises:
            ConflictError: the name or the pool is taken.
        """
        return post(UseCase, "use-cases", body={"name": name, "pool": pool})

    @once
    def change(
        self, use_case_id: str, *, active: bool | None = None, pool: str | None = None
    ) -> Call[UseCase]:
        """Change its pool, or whether it may be used."""
        return patch(
            UseCase, "use-cases", use_case_id, body=given({"active": active, "pool": pool})
        )

    @once
    def remove(self, use_case_id: str) -> Call[None]:
        """Remove a use case; its messages stay, and its pool is free."""
        return delete("use-cases", use_case_id)


class Accounts(Resource[F]):
    """`Posthorn.accounts`."""

    @many
    def list(self) -> Pages[Account]:
        """All accounts with providers, and what each carries."""
        return pages(Account, "accounts")


class Brands(Resource[F]):
    """`Posthorn.brands`."""

    @many
    def list(self) -> Pages[Brand]:
        """All brands that are registered, or are to be."""
        return pages(Brand, "brands")

    @once
    def put(self, name: str, *, status: str, **fields: Unpack[BrandFields]) -> Call[Brand]:
        """Say where a brand's registration stands; what is left out is not known then."""
        return put(Brand, "brands", name, body={"status": status, **fields})


class TendlcCampaigns(Resource[F]):
    """`Posthorn.tendlc_campaigns`."""

    @many
    def list(self) -> Pages[TendlcCampaign]:
        """All 10DLC campaigns that are registered, or are to be."""
        return pages(TendlcCampaign, "tendlc-campaigns")

    @once
    def put(
        self, name: str, *, brand: str, status: str, **fields: Unpack[TendlcFields]
    ) -> Call[TendlcCampaign]:
        """Say where a 10DLC campaign's registration stands; what is left out is not known then."""
        body = {"brand": brand, "status": status, **fields}
        return put(TendlcCampaign, "tendlc-campaigns", name, body=body)


def _binding(
    kind: str, ref: str | None, sender: str | None, pool: str | None, account: str | None
) -> dict[str, str]:
    return given({"kind": kind, "ref": ref, "sender": sender, "pool": pool, "account": account})

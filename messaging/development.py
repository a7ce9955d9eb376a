"""What does the tenant of `posthorn up` have? An account at the local carrier for every channel.

Its text messages leave through the first account; a second one takes over what that does not take, and
carries what is to be shown at once. Addresses and money are fictional.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from messaging import billing, bindings, onboarding
from messaging.accounts import NewAccount
from messaging.bindings import Target
from messaging.domain.bindings import BindingKind
from messaging.domain.errors import ConflictError
from messaging.domain.message import DEVELOPMENT, Capability, Channel, Sender
from messaging.domain.pricing import Price
from messaging.domain.sender_request import SenderRequest
from messaging.runtime import Runtime
from messaging.sandbox import (
    DEFAULT_ACCOUNT,
    INSTAGRAM_ACCOUNT,
    SENDGRID_ACCOUNT,
    SENDGRID_PUBLIC_KEY,
    VONAGE_SMS_ACCOUNT,
    Account,
)
from messaging.store.tenants import Tenant

POOL = "main"


@dataclass(frozen=True, slots=True)
class Played:
    """An account that the local carrier has, and what is sent from it."""

    account: Account
    name: str
    senders: Sequence[SenderRequest]
    webhook_secrets: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    def at(self, carrier: str) -> NewAccount:
        """The account at the URL `carrier`."""
        return NewAccount(
            provider=self.account.provider,
            name=self.name,
            username=self.account.sid,
            secret=self.account.token,
            base_url=carrier,
            max_in_flight=200,
            absence_proof=timedelta(seconds=5),
            options=self.options,
            webhook_secrets=self.webhook_secrets,
        )


@dataclass(frozen=True, slots=True)
class Outfit:
    """All that a tenant is given to send with."""

    played: tuple[Played, ...]
    """The first one is asked first."""
    billed: bool = False


def texts(senders: Sequence[SenderRequest]) -> Played:
    """The first account for text messages, with these numbers."""
    return Played(DEFAULT_ACCOUNT, "sandbox", senders)


_AREAS = ("202", "212", "415", "305", "512")
_RESERVE = SenderRequest(
    address="+18085550100", mps=50.0, capabilities=frozenset({Capability.SMS, Capability.FLASH})
)
"""In Honolulu: near nobody, so that no area code prefers it."""
EVERYTHING = Outfit(
    (
        texts(
            [
                SenderRequest(address=f"+1{area}5550100", mps=50.0, is_default=area == _AREAS[0])
                for area in _AREAS
            ]
        ),
        Played(
            VONAGE_SMS_ACCOUNT,
            "reserve",
            [_RESERVE],
            webhook_secrets=(VONAGE_SMS_ACCOUNT.signing,),
        ),
        Played(
            SENDGRID_ACCOUNT,
            "mail",
            [SenderRequest(address="hello@example.com", mps=50.0, is_default=True)],
            webhook_secrets=(SENDGRID_PUBLIC_KEY,),
        ),
        Played(
            INSTAGRAM_ACCOUNT,
            "instagram",
            [
                SenderRequest(
                    address=INSTAGRAM_ACCOUNT.sid, channel=Channel.INSTAGRAM_DM, is_default=True
                )
            ],
            webhook_secrets=(INSTAGRAM_ACCOUNT.signing,),
            options={"ig_id": INSTAGRAM_ACCOUNT.sid, "verify_token": "posthorn-sandbox"},
        ),
    ),
    billed=True,
)
"""What `posthorn up` gives."""
_CURRENCY = "USD"
_MONEY = Decimal(1_000_000)
_PRICES = [
    Price(Decimal(per_segment), _CURRENCY, channel=channel, own=True)
    for channel, per_segment in {
        Channel.SMS.value: "0.0079",
        Channel.MMS.value: "0.02",
        Channel.EMAIL.value: "0.001",
        Channel.INSTAGRAM_DM.value: "0.005",
    }.items()
]
"""Of every channel: what has no price is not sent for a tenant that is billed."""


def equip(rt: Runtime, outfit: Outfit, carrier: str) -> Tenant:
    """The tenant of development with what it sends from; safe to repeat.

    Changes only what is missing, or has moved to another URL of the local carrier.
    """
    first, *others = outfit.played
    tenant = _give(rt, first, carrier)
    for played in others:
        _give(rt, played, carrier)
    if others and not bindings.page(rt, tenant, BindingKind.TENANT):
        bindings.bind(rt, tenant, BindingKind.TENANT, "", Target(account=first.name))
    if outfit.billed:
        _bill(rt, tenant)
    return tenant


def _give(rt: Runtime, played: Played, carrier: str) -> Tenant:
    return onboarding.development(
        rt, played.at(carrier), played.senders, pool=POOL, name=DEVELOPMENT
    )


def _bill(rt: Runtime, tenant: Tenant) -> None:
    with contextlib.suppress(ConflictError):  # it is billed already
        billing.enable(rt, tenant, _CURRENCY)
        billing.set_prices(rt, tenant, _PRICES)
        billing.top_up(rt, tenant, _MONEY)


def carrier_options(rt: Runtime, tenant: Tenant, outfit: Outfit) -> list[str]:
    """What tells the local carrier where receipts go, and what people write."""
    known = {a.name: a for a in onboarding.list_senders(rt, tenant).accounts.values()}
    options = []
    for played in outfit.played:
        sid, account = played.account.sid, known[played.name]
        at = f"{rt.settings.public_url.rstrip('/')}/webhooks/{account.provider}/{account.id}"
        options += [f"--webhook={sid}={at}/status", f"--inbound={sid}={at}/inbound"]
    return options


def shown(rt: Runtime, tenant: Tenant) -> dict[str, str]:
    """What there is to send from, for people: by channel, who of which provider."""
    known = onboarding.list_senders(rt, tenant)
    found: dict[str, dict[str, list[Sender]]] = {}
    for sender in known.senders:
        provider = known.accounts[sender.account_id].provider
        found.setdefault(sender.channel.value, {}).setdefault(provider, []).append(sender)
    return {
        channel: ", ".join(_some(provider, mine) for provider, mine in by_provider.items())
        for channel, by_provider in found.items()
    }


def _some(provider: str, senders: Sequence[Sender]) -> str:
    more = f" and {len(senders) - 1} more" if len(senders) > 1 else ""
    return f"{senders[0].address}{more} ({provider})"

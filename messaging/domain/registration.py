"""May this sender write to that country, as far as registrations go?

In the US an application's long code needs an active brand with a verified 10DLC campaign, and a
toll-free number a verification of its own, also for Canada. Short codes are provisioned by the
carriers. (CTIA Messaging Principles; the carriers' 10DLC programme, blocking since 2023-09-01.)
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum


class SenderKind(StrEnum):
    """What sort of identity a sender is."""

    LONG_CODE = "long_code"
    """An ordinary number of the North American plan."""
    INTERNATIONAL = "international"
    """An ordinary number of any other country."""
    TOLL_FREE = "toll_free"
    SHORT_CODE = "short_code"
    ALPHANUMERIC = "alphanumeric"
    EMAIL = "email"
    INSTAGRAM = "instagram"


class BrandStatus(StrEnum):
    """Where a brand registration stands."""

    PENDING = "pending"
    ACTIVE = "active"
    FAILED = "failed"
    SUSPENDED = "suspended"


class CampaignStatus(StrEnum):
    """Where a 10DLC campaign stands."""

    PENDING = "pending"
    VERIFIED = "verified"
    FAILED = "failed"
    SUSPENDED = "suspended"


class Verification(StrEnum):
    """A number's own state: a toll-free verification, or a long code taken off its campaign."""

    UNREGISTERED = "unregistered"
    PENDING = "pending"
    VERIFIED = "verified"
    REJECTED = "rejected"
    SUSPENDED = "suspended"


class RegistrationKind(StrEnum):
    """What is registered at a provider."""

    BRAND = "brand"
    CAMPAIGN = "campaign"
    TOLL_FREE = "toll_free"


RegistrationState = BrandStatus | CampaignStatus | Verification
"""Where a registration of any kind stands."""


class ReplyOwner(StrEnum):
    """Who answers STOP, START and HELP on a number; only one party may."""

    PROVIDER = "provider"
    SELF = "self"
    NETWORK = "network"


class Lapse(StrEnum):
    """Whose registration a refusal says is not what we believed."""

    SENDER = "sender"
    CAMPAIGN = "campaign"


class Standing(StrEnum):
    """What a sender's registrations come to; best first."""

    CLEAR = "clear"
    CAMPAIGN_NOT_VERIFIED = "campaign_not_verified"
    TOLL_FREE_NOT_VERIFIED = "toll_free_not_verified"
    BRAND_SUSPENDED = "brand_suspended"
    NO_SENDER = "no_sender_in_pool"


TENDLC_COUNTRIES = frozenset({"US", "PR", "VI", "GU", "AS"})
TOLL_FREE_COUNTRIES = TENDLC_COUNTRIES | {"CA"}
REGIMES = (TENDLC_COUNTRIES, TOLL_FREE_COUNTRIES - TENDLC_COUNTRIES)
"""Countries that ask for the same registrations; every other country asks for none."""

_TOLL_FREE = re.compile(r"\+18(?:00|33|44|55|66|77|88)[0-9]{7}")


_KINDS = {"email": SenderKind.EMAIL, "instagram_dm": SenderKind.INSTAGRAM}


def kind_of(address: str, channel: str = "sms") -> SenderKind:
    """What sort of sender an address is: on SMS E.164, a bare short code, or a name."""
    if channel in _KINDS:
        return _KINDS[channel]
    if _TOLL_FREE.fullmatch(address):
        return SenderKind.TOLL_FREE
    if address.startswith("+"):
        return SenderKind.LONG_CODE if address.startswith("+1") else SenderKind.INTERNATIONAL
    return SenderKind.SHORT_CODE if address.isdigit() else SenderKind.ALPHANUMERIC


def standing(
    kind: SenderKind,
    verification: Verification,
    brand: BrandStatus | None,
    campaign: CampaignStatus | None,
) -> Standing:
    """What a sender's registrations come to, where its kind needs any."""
    if kind is SenderKind.TOLL_FREE:
        verified = verification is Verification.VERIFIED
        return Standing.CLEAR if verified else Standing.TOLL_FREE_NOT_VERIFIED
    if kind is not SenderKind.LONG_CODE:
        return Standing.CLEAR
    if brand is BrandStatus.SUSPENDED:
        return Standing.BRAND_SUSPENDED
    taken_off = verification in {Verification.SUSPENDED, Verification.REJECTED}
    if campaign is CampaignStatus.VERIFIED and brand is BrandStatus.ACTIVE and not taken_off:
        return Standing.CLEAR
    return Standing.CAMPAIGN_NOT_VERIFIED


def standing_in(country: str, kind: SenderKind, own: Standing) -> Standing:
    """What a sender's `own` standing means for messages to a country: clear where it asks nothing."""
    asking = {
        SenderKind.LONG_CODE: TENDLC_COUNTRIES,
        SenderKind.TOLL_FREE: TOLL_FREE_COUNTRIES,
    }.get(kind, frozenset())
    return own if country in asking else Standing.CLEAR


def overtakes(
    said: RegistrationState, as_of: datetime, known: RegistrationState, known_since: datetime
) -> bool:
    """Whether what a provider said of a registration replaces what is known of it.

    `as_of` is when it last changed at the provider, or when the provider was asked. A suspension is
    only lifted by a word from after it: a carrier refuses before the registry knows why.
    """
    suspended = known in {BrandStatus.SUSPENDED, Verification.SUSPENDED}
    return said != known and (not suspended or as_of > known_since)


def answers_unless_said(kind: SenderKind) -> ReplyOwner:
    """Who answers STOP on a sender nobody said anything about: toll-free numbers' network does."""
    return ReplyOwner.NETWORK if kind is SenderKind.TOLL_FREE else ReplyOwner.PROVIDER

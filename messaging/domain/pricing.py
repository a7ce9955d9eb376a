"""What does a message cost? A rate card: prices of a segment, of which the most specific holds.

Money is `Decimal`, in the card's one currency.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product

from messaging.domain.message import Channel, Message, Traffic

ANY = "*"
"""What stands where a price does not depend on provider, channel or country."""
EXCLUDED = frozenset({Traffic.WARMUP, Traffic.TEST, Traffic.SYSTEM_INTERNAL})
"""What nobody is billed for."""

_Key = tuple[bool, str, str, str]


@dataclass(frozen=True, slots=True)
class Price:
    """What one segment costs where it applies; `ANY` is wherever no other price is closer."""

    per_segment: Decimal
    currency: str
    provider: str = ANY
    channel: str = ANY
    country: str = ANY
    own: bool = False
    """Whether it is this tenant's own price; otherwise it is everybody's."""


@dataclass(frozen=True, slots=True)
class Card:
    """The prices that hold for a tenant now, and the currency of all of them."""

    currency: str
    prices: dict[_Key, Decimal] = field(default_factory=dict)

    @classmethod
    def of(cls, currency: str, prices: Iterable[Price]) -> Card:
        """The card of these prices; what is in another currency says nothing."""
        return cls(
            currency,
            {
                (price.own, price.country, price.provider, price.channel): price.per_segment
                for price in prices
                if price.currency == currency
            },
        )


def price_of(
    segments: int, provider: str, channel: Channel, country: str | None, card: Card
) -> Decimal | None:
    """What so many segments cost; None if the card has no price for them.

    A tenant's own prices come before everybody's. Among these one for the country comes before one for
    any, then one for the provider, then one for the channel.
    """
    found = _per_segment(provider, channel, country, card)
    return None if found is None else found * segments


def _per_segment(
    provider: str, channel: Channel, country: str | None, card: Card
) -> Decimal | None:
    for key in product((True, False), (country or ANY, ANY), (provider, ANY), (channel.value, ANY)):
        found = card.prices.get(key)
        if found is not None:
            return found
    return None


def range_of(
    segments: int, providers: Collection[str], channel: Channel, country: str | None, card: Card
) -> tuple[Decimal, Decimal] | None:
    """The least and the most that so many segments may cost, whichever of the providers carries them.

    None if the card has no price for one of them, or there is none.
    """
    costs = [price_of(segments, provider, channel, country, card) for provider in providers]
    known = [cost for cost in costs if cost is not None]
    return (min(known), max(known)) if known and len(known) == len(costs) else None


def cost_of(message: Message, provider: str, country: str | None, card: Card) -> Decimal | None:
    """What a message costs; None if the card has no price for it."""
    return price_of(message.segments, provider, message.channel, country, card)

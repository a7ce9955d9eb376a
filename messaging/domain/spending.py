"""Which of a batch can be paid for? In order, within the balance, the day's cap and the campaign's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

NOTHING = Decimal(0)


class Billing(StrEnum):
    """What became of a message's price; a message that nobody pays for by the piece has none of them."""

    RESERVED = "reserved"
    SETTLED = "settled"
    REFUNDED = "refunded"
    EXCLUDED = "excluded"
    """Nobody is billed for traffic of this kind."""


class Short(StrEnum):
    """Why a message cannot be paid for."""

    NO_PRICE = "no_price"
    """The rate card says nothing of it."""
    BALANCE = "insufficient_balance"
    CAMPAIGN = "campaign_cap"
    DAY = "day_cap"
    BEYOND_DAY = "beyond_day_cap"
    """It alone costs more than a whole day may."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What one message needs."""

    message_id: UUID
    amount: Decimal | None
    """Its price; None if there is none."""
    campaign: str | None = None
    held: Decimal = NOTHING
    """What is reserved for it already, from an attempt before."""


@dataclass(slots=True)
class Purse:
    """What a tenant may still spend."""

    balance: Decimal
    day_cap: Decimal | None = None
    """None is no cap."""
    spent_today: Decimal = NOTHING
    campaigns: dict[str, Decimal] = field(default_factory=dict)
    """What is left of each campaign that has a cap."""

    def take(self, ask: Ask) -> Short | None:
        """Take what one message needs out of the purse; or why that cannot be done."""
        if ask.amount is None:
            return Short.NO_PRICE
        need = ask.amount - ask.held
        lack = self._lack(need, ask.campaign) if need > 0 else None
        if lack is None:
            self.balance -= need
            self.spent_today += need
            if ask.campaign in self.campaigns:
                self.campaigns[ask.campaign] -= need
        return lack

    def _lack(self, need: Decimal, campaign: str | None) -> Short | None:
        if self.balance < need:
            return Short.BALANCE
        if campaign in self.campaigns and self.campaigns[campaign] < need:
            return Short.CAMPAIGN
        if self.day_cap is None or self.spent_today + need <= self.day_cap:
            return None
        return Short.BEYOND_DAY if need > self.day_cap else Short.DAY


def take_all(purse: Purse, asks: Sequence[Ask]) -> list[Short | None]:
    """Per message, in the order given: None if it is paid for, or what is lacking.

    A dearer one that does not fit keeps nobody behind it back. The purse is left with what remains.
    """
    return [purse.take(ask) for ask in asks]


def next_day(now: datetime) -> datetime:
    """When a day's cap begins anew: at midnight UTC."""
    return datetime.combine(now.date(), time(), now.tzinfo) + timedelta(days=1)

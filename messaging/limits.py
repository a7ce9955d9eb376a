"""Which rates does this message count against, all at once?

Segments against the sender, its provider account, the tenant, its pools, its 10DLC campaign's minute
and its brand's day; the recipient against the spacing between two messages to them, and against how
many different people a sender may write to a day. `Rates` takes all of a message or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from messaging.domain.choice import Choice
from messaging.domain.message import Campaign, Message, Priority, ProviderAccount, SelectionReason
from messaging.domain.rates import Ask, Distinct, Limit, Need, Quota, Usage, Window
from messaging.domain.registration import TENDLC_COUNTRIES
from messaging.domain.warm_up import carrier_day, next_carrier_midnight
from messaging.runtime import TenantSenders

_STOP_AT = 0.9
"""Of a carrier's daily limit: who sends the rest counts differently by a few."""


@dataclass(slots=True)
class Ledger:
    """The limits of one batch, each named once, and what each of its messages needs of them."""

    now: datetime
    limits: list[Limit] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    days: dict[str, tuple[UUID, date]] = field(default_factory=dict)
    """Which sender and day a `Distinct` is of, by its key."""
    _index: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        message: Message,
        choice: Choice,
        account: ProviderAccount,
        known: TenantSenders,
        country: str | None,
        *,
        placed: bool,
    ) -> None:
        """Note what one message needs; `placed` if it was given this time by a refusal."""
        sender = choice.sender
        segments = float(message.segments)
        needs = [Need(self._window(f"s:{sender.id}", sender.mps), segments)]
        if account.segments_per_second is not None:
            rate = account.segments_per_second
            needs.append(Need(self._window(f"a:{account.id}", rate), segments))
        rates = known.policy.rates
        if rates.segments_per_second is not None:
            window = self._window(f"t:{message.tenant_id}", rates.segments_per_second)
            needs.append(Need(window, segments))
        for pool_id in sender.pool_ids:
            pool = known.pool_settings.get(pool_id)
            if pool is not None and pool.segments_per_second is not None:
                window = self._window(f"p:{pool_id}", pool.segments_per_second)
                needs.append(Need(window, segments))
        if sender.campaign is not None and country in TENDLC_COUNTRIES:
            share = rates.unknown_carrier_share
            needs += self._of_campaign(sender.campaign, segments, share)
        if rates.recipient_spacing_seconds and message.purpose is None:
            needs.append(self._spacing(message, rates.recipient_spacing_seconds))
        if sender.allowance is not None:
            needs.append(self._acquaintance(message, choice, sender.allowance))
        self.asks.append(Ask(needs, urgent=message.priority is Priority.HIGH, place=placed))

    def _window(self, key: str, most: float, seconds: float = 1.0, *, guards: bool = False) -> int:
        found = self._index.get(key)
        if found is None:
            found = self._add(key, Window(key, most, seconds, guards))
        return found

    def _add(self, key: str, limit: Limit) -> int:
        self._index[key] = index = len(self.limits)
        self.limits.append(limit)
        return index

    def _of_campaign(self, campaign: Campaign, segments: float, share: float) -> list[Need]:
        """A campaign's minute, and its brand's day at the one carrier that counts days.

        Which carrier a US number is with is not known: every text counts against that carrier's
        limit by the share of the market it has.
        """
        needs = []
        if campaign.segments_per_minute is not None:
            window = self._window(f"c:{campaign.id}", campaign.segments_per_minute, 60, guards=True)
            needs.append(Need(window, segments))
        if campaign.brand_segments_per_day is not None:
            key = f"b:{campaign.brand_id}:{carrier_day(self.now)}"
            quota = self._index.get(key)
            if quota is None:
                most = campaign.brand_segments_per_day * _STOP_AT
                quota = self._add(key, Quota(key, most, next_carrier_midnight(self.now)))
            needs.append(Need(quota, segments * share))
        return needs

    def _spacing(self, message: Message, seconds: int) -> Need:
        key = f"r:{seconds}:{message.tenant_id}:{message.recipient_key.hex()}"
        return Need(self._window(key, 1, seconds), 1.0)

    def _acquaintance(self, message: Message, choice: Choice, allowance: int) -> Need:
        """Somebody new for this sender today. Who is in a conversation with it is never put off."""
        sender_id, day = choice.sender.id, carrier_day(self.now)
        key = f"d:{sender_id}:{day}"
        found = self._index.get(key)
        if found is None:
            limit = Distinct(key, allowance, next_carrier_midnight(self.now))
            found = self._add(key, limit)
            self.days[key] = (sender_id, day)
        return Need(
            found,
            member=message.recipient_key,
            counted_only=choice.reason in _NEVER_PUT_OFF,
        )


def met(ledger: Ledger, usage: Usage) -> list[tuple[UUID, date, bytes]]:
    """Whom senders with a daily limit write to: sender, day, recipient key."""
    return [
        (*ledger.days[key], member) for key, members in usage.members.items() for member in members
    ]


_NEVER_PUT_OFF = {SelectionReason.STICKY_CONVERSATION, SelectionReason.MANUAL_OVERRIDE}

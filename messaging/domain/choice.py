"""What a choice of a sender is made from, and what comes of it: the values around `selection.choose`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from messaging.domain.balance import Balance
from messaging.domain.candidates import Pass
from messaging.domain.headroom import Headroom
from messaging.domain.message import SelectionReason, Sender


class Lack(StrEnum):
    """Why there is no sender."""

    SENDER_NOT_USABLE = "sender_not_usable"
    """The sender the caller named is inactive, unknown, of another channel, or was refused."""
    NO_SENDER = "no_sender"
    """No active sender serves this channel; somebody must set one up."""
    ALL_SENDERS_TRIED = "all_senders_tried"
    """Each sender that could serve has been refused for this message."""
    NO_HEALTHY_SENDER = "no_healthy_sender"
    """There are senders left, but none in health, or none in the pool and no default; may pass."""
    DAILY_LIMITS = "daily_limits"
    """Each that could serve has written to as many people as it may today; passes by tomorrow."""
    PROVIDER_DOWN = "provider_down"
    """Each that could serve is of a provider account that is down; passes when one recovers."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A sender that was considered and not chosen."""

    sender_id: UUID
    under: SelectionReason
    why: Pass
    free_at: float | None = None
    """When it would have been free (seconds of the epoch), where it lost by that."""


@dataclass(slots=True)
class Trace:
    """Whom a choice passed over, in the order they were considered."""

    passed: list[Passed] = field(default_factory=list)
    candidates: int = 0
    """How many there were to choose from under the reason that decided."""
    absent: Sequence[tuple[UUID, Pass]] = ()
    """Members of the pool that could not be chosen at all."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The sender, and which reason chose it."""

    sender: Sender
    reason: SelectionReason
    trace: Trace = field(default_factory=Trace, compare=False)
    among: tuple[UUID, ...] = ()
    """The provider accounts it was weighed against, its own included; none if there was one only."""


@dataclass(frozen=True, slots=True)
class NoSender:
    """Nobody may carry it now."""

    reason: Lack
    trace: Trace = field(default_factory=Trace, compare=False)


@dataclass(slots=True)
class History:
    """What is already known that speaks for some senders, and how much room each has."""

    sticky_sender_id: UUID | None = None
    """Who wrote last in this conversation."""
    lead_sender_id: UUID | None = None
    """Who the contact is assigned to."""
    campaign_sender_ids: Sequence[UUID] = ()
    """Senders of the campaign, then of the source the contact came from."""
    campaign_pool_ids: Sequence[UUID] = ()
    """Their pools, asked when none of those may be used."""
    preferred_sender_ids: Sequence[UUID] = ()
    """Whom the tenant prefers; those of the message's agent are asked before."""
    area: str | None = None
    """The recipient's area code, as +1212; None where local numbers mean nothing."""
    within_km: int = 400
    """How far a local number may be from the recipient, where no other is of the same state."""
    sticky: bool = True
    local: bool = True
    """Whether the pool keeps conversations, and looks for a number near the recipient."""
    tiers: Sequence[frozenset[UUID]] = ()
    """Provider accounts to be asked first, in order; all others come last."""
    grace: timedelta = timedelta(hours=72)
    """How long a cordoned sender keeps its conversations."""
    headroom: Headroom = field(default_factory=Headroom)
    balance: Balance = field(default_factory=Balance)
    avoid: Mapping[UUID, Pass] = field(default_factory=dict)
    """Provider accounts that are down, or did not take this message before."""
    probing: Collection[UUID] = ()
    """Provider accounts that somebody must try, to see whether they are back: their turn comes first."""


NO_HISTORY = History()

"""Which sender does this message leave from, and why that one?

`PRECEDENCE` asks the documented reasons in order; the first one that names a usable sender wins.
A sender is usable when it is active, of the message's channel, healthy, and has not been refused
for this message before. Only a caller who names a sender may use an unhealthy one. Where a country
asks for registrations, `Candidates.serving` leaves only the senders that have theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from messaging.domain.message import Campaign, Channel, Message, SelectionReason, Sender
from messaging.domain.registration import (
    REGIMES,
    TENDLC_COUNTRIES,
    Standing,
    standing_in,
)


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


@dataclass(frozen=True, slots=True)
class Choice:
    """The sender, and which reason chose it."""

    sender: Sender
    reason: SelectionReason


@dataclass(frozen=True, slots=True)
class NoSender:
    """Nobody may carry it now."""

    reason: Lack


@dataclass(frozen=True, slots=True)
class History:
    """Senders that something already known about this message speaks for."""

    sticky_sender_id: UUID | None = None
    """Who wrote last in this conversation."""
    lead_sender_id: UUID | None = None
    """Who the contact is assigned to."""
    campaign_sender_ids: Sequence[UUID] = ()
    """Senders of the campaign, or of the source the contact came from."""
    preferred_sender_id: UUID | None = None
    """Whom the tenant prefers for this kind of message."""
    local_sender_ids: Sequence[UUID] = ()
    """Senders in the recipient's area."""


NO_HISTORY = History()


Registration = tuple[Standing, Campaign | None]
"""What a sender's registrations come to in some country, and the campaign that makes it clear."""

_NOTHING_ASKED: Registration = (Standing.CLEAR, None)
_NOBODY: Registration = (Standing.NO_SENDER, None)


@dataclass(frozen=True, slots=True)
class Candidates:
    """A tenant's active senders, grouped once so that choosing among them is a look-up."""

    by_id: dict[UUID, Sender]
    pools: dict[tuple[Channel, UUID | None], tuple[Sender, ...]]
    """Healthy pool members per channel and pool, ordered by id; under None those of every pool."""
    defaults: dict[Channel, tuple[Sender, ...]]
    """Healthy default senders per channel, ordered by id."""
    standings: dict[tuple[Channel, UUID | None], Registration] = field(default_factory=dict)
    """The best of each channel's active senders per pool; under None of all, in a pool or not."""
    named: dict[UUID, Registration] = field(default_factory=dict)
    """Each active sender's own, also of those left out above for want of it."""
    regulated: dict[str, Candidates] = field(default_factory=dict, repr=False)
    """Per country that asks for registrations: the same senders, less those it would refuse."""

    @classmethod
    def of(cls, senders: Iterable[Sender]) -> Candidates:
        """Groups active senders of one tenant."""
        everybody = sorted(senders, key=lambda sender: sender.id)
        regulated: dict[str, Candidates] = {}
        for countries in REGIMES:
            asked = [_registration(sender, min(countries)) for sender in everybody]
            regulated |= dict.fromkeys(countries, _group(everybody, asked))
        return replace(_group(everybody, [_NOTHING_ASKED] * len(everybody)), regulated=regulated)

    def serving(self, country: str | None) -> Candidates:
        """Those that may write to a country (ISO 3166, two letters); None where nobody knows it."""
        return self.regulated.get(country, self) if country is not None else self


def _registration(sender: Sender, country: str) -> Registration:
    standing = standing_in(country, sender.kind, sender.standing)
    needs_campaign = country in TENDLC_COUNTRIES and standing is Standing.CLEAR
    return standing, sender.campaign if needs_campaign else None


def _group(senders: Sequence[Sender], registrations: Sequence[Registration]) -> Candidates:
    """Those of the senders that are clear, grouped, beside what each one's registrations come to."""
    named = {s.id: found for s, found in zip(senders, registrations, strict=True)}
    best: dict[tuple[Channel, UUID | None], Registration] = {}
    for sender in _best_first(senders, named):
        for pool_id in (None, *sender.pool_ids):
            best.setdefault((sender.channel, pool_id), named[sender.id])
    clear = [s for s in senders if named[s.id][0] is Standing.CLEAR]
    pools: dict[tuple[Channel, UUID | None], list[Sender]] = {}
    defaults: dict[Channel, list[Sender]] = {}
    for sender in clear:
        if not sender.healthy:
            continue
        for pool_id in (None, *sender.pool_ids) if sender.pool_ids else ():
            pools.setdefault((sender.channel, pool_id), []).append(sender)
        if sender.is_default:
            defaults.setdefault(sender.channel, []).append(sender)
    return Candidates(
        {sender.id: sender for sender in clear},
        {key: tuple(members) for key, members in pools.items()},
        {channel: tuple(members) for channel, members in defaults.items()},
        best,
        named,
    )


_RANK = {standing: rank for rank, standing in enumerate(Standing)}


def _best_first(senders: Sequence[Sender], named: dict[UUID, Registration]) -> list[Sender]:
    """By registration, then health: the campaign of a sender that cannot send now says little."""
    return sorted(senders, key=lambda s: (_RANK[named[s.id][0]], not s.healthy))


def standing_of(message: Message, candidates: Candidates, country: str | None) -> Registration:
    """What the registrations of whoever could carry this message come to in its country.

    Of the sender the caller named, else the best in the message's pool, else of all senders of the
    channel. A named sender that is none of the tenant's is `choose`'s to refuse. The campaign is
    given where the country asks for one.
    """
    serving = candidates.serving(country)
    if message.sender_id is not None:
        return serving.named.get(message.sender_id, _NOTHING_ASKED)
    return serving.standings.get((message.channel, message.pool_id), _NOBODY)


def choose(message: Message, candidates: Candidates, history: History) -> Choice | NoSender:
    """The sender for a message, by the first reason that names a usable one.

    Where a reason names several, they share the load: the message's id picks one, so the same
    message picks the same one as long as the group stays the same.
    """
    if message.sender_id is not None:
        return _named_by_caller(message, message.sender_id, candidates)
    for reason, who in PRECEDENCE:
        senders = who(message, candidates, history)
        if senders and message.tried_sender_ids:
            senders = [s for s in senders if s.id not in message.tried_sender_ids]
        if senders:
            return Choice(senders[message.id.int % len(senders)], reason)
    return NoSender(_lack(message, candidates))


def _named_by_caller(
    message: Message, sender_id: UUID, candidates: Candidates
) -> Choice | NoSender:
    sender = candidates.by_id.get(sender_id)
    if sender is None or sender.channel != message.channel or sender_id in message.tried_sender_ids:
        return NoSender(Lack.SENDER_NOT_USABLE)
    return Choice(sender, SelectionReason.MANUAL_OVERRIDE)


def _lack(message: Message, candidates: Candidates) -> Lack:
    serving = {s.id for s in candidates.by_id.values() if s.channel == message.channel}
    if not serving:
        return Lack.NO_SENDER
    if serving <= set(message.tried_sender_ids):
        return Lack.ALL_SENDERS_TRIED
    return Lack.NO_HEALTHY_SENDER


Who = Callable[[Message, Candidates, History], Sequence[Sender]]


def _sender(named: Callable[[History], UUID | None]) -> Who:
    """The one sender the history names, if it is healthy and of the right channel."""

    def who(message: Message, candidates: Candidates, history: History) -> Sequence[Sender]:
        sender_id = named(history)
        return () if sender_id is None else _healthy((sender_id,), message, candidates)

    return who


def _senders(named: Callable[[History], Sequence[UUID]]) -> Who:
    """Those of the senders the history names that are healthy and of the right channel."""

    def who(message: Message, candidates: Candidates, history: History) -> Sequence[Sender]:
        sender_ids = named(history)
        return _healthy(sender_ids, message, candidates) if sender_ids else ()

    return who


def _healthy(ids: Sequence[UUID], message: Message, candidates: Candidates) -> Sequence[Sender]:
    named = (candidates.by_id.get(sender_id) for sender_id in sorted(ids))
    return [s for s in named if s is not None and s.healthy and s.channel == message.channel]


def _pool(message: Message, candidates: Candidates, _history: History) -> Sequence[Sender]:
    return candidates.pools.get((message.channel, message.pool_id), ())


def _default(message: Message, candidates: Candidates, _history: History) -> Sequence[Sender]:
    return candidates.defaults.get(message.channel, ())


PRECEDENCE: tuple[tuple[SelectionReason, Who], ...] = (
    (SelectionReason.STICKY_CONVERSATION, _sender(lambda history: history.sticky_sender_id)),
    (SelectionReason.LEAD_ASSIGNED, _sender(lambda history: history.lead_sender_id)),
    (SelectionReason.CAMPAIGN_OR_SOURCE, _senders(lambda history: history.campaign_sender_ids)),
    (SelectionReason.PREFERRED, _sender(lambda history: history.preferred_sender_id)),
    (SelectionReason.LOCAL_AREA, _senders(lambda history: history.local_sender_ids)),
    (SelectionReason.HEALTHY_POOL, _pool),
    (SelectionReason.FALLBACK_DEFAULT, _default),
)
"""The reasons after ManualOverride, which is not a search: who names a sender gets that one."""

"""A tenant's senders, grouped so that choosing among them is a look-up.

Made once for every reading of the senders, two seconds apart at most, and shared by every message in
between. Where a country asks for registrations, `serving` leaves only the senders that have theirs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from messaging.domain import areas
from messaging.domain.message import Campaign, Capability, Channel, Message, Sender
from messaging.domain.registration import (
    REGIMES,
    TENDLC_COUNTRIES,
    Standing,
    standing_in,
)
from messaging.domain.sender_health import SenderState

Registration = tuple[Standing, Campaign | None]
"""What a sender's registrations come to in some country, and the campaign that makes it clear."""

_NOTHING_ASKED: Registration = (Standing.CLEAR, None)
_NOBODY: Registration = (Standing.NO_SENDER, None)


class Pass(StrEnum):
    """Why a sender was passed over."""

    GONE = "gone"
    """Retired, or no sender of this tenant."""
    INCAPABLE = "incapable"
    """Not of this channel, or cannot carry what the message needs."""
    NOT_REGISTERED = "not_registered"
    """Not registered for the recipient's country."""
    CORDONED = "cordoned"
    """Its health is bad, or somebody took it out of use."""
    TRIED = "tried"
    """It was refused for this very message."""
    DAILY_LIMIT = "daily_limit"
    """It has written to as many different people as it may today."""
    OUTSIDE_CAMPAIGN = "outside_campaign"
    """Going on from another campaign's number would dodge what the carrier said to the first."""
    LESS_HEADROOM = "less_headroom"
    PROVIDER_DOWN = "provider_down"
    """Its provider account takes nothing for this channel and country now."""
    PROVIDER_FAILED = "provider_failed"
    """Its provider account did not take this very message; asked again when no other is left."""


Group = tuple[Channel, UUID | None]
"""Senders of a channel in a pool; under None those of any pool."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """A tenant's active senders."""

    by_id: dict[UUID, Sender]
    """Those that are clear, healthy or not."""
    pools: dict[Group, tuple[Sender, ...]]
    """Healthy pool members, ordered by id."""
    defaults: dict[Channel, tuple[Sender, ...]]
    """Healthy default senders per channel, ordered by id."""
    standings: dict[Group, Registration] = field(default_factory=dict)
    """The best of each channel's active senders per pool; under None of all, in a pool or not."""
    named: dict[UUID, Registration] = field(default_factory=dict)
    """Each active sender's own, also of those left out above for want of it."""
    regulated: dict[str, Candidates] = field(default_factory=dict, repr=False)
    """Per country that asks for registrations: the same senders, less those it would refuse."""
    owned: dict[tuple[Channel, str], tuple[Sender, ...]] = field(default_factory=dict)
    """Healthy senders by the agent they belong to."""
    absent: dict[Group, tuple[tuple[UUID, Pass], ...]] = field(default_factory=dict)
    """Pool members that cannot be chosen now, and why."""
    _near: dict[tuple[Group, str, int], tuple[tuple[Sender, ...], ...]] = field(
        default_factory=dict, repr=False
    )

    @classmethod
    def of(cls, senders: Iterable[Sender]) -> Candidates:
        """Groups active senders of one tenant."""
        in_use = (s for s in senders if s.state is not SenderState.RETIRED)
        everybody = sorted(in_use, key=lambda sender: sender.id)
        regulated: dict[str, Candidates] = {}
        for countries in REGIMES:
            asked = [_registration(sender, min(countries)) for sender in everybody]
            regulated |= dict.fromkeys(countries, _group(everybody, asked))
        return replace(_group(everybody, [_NOTHING_ASKED] * len(everybody)), regulated=regulated)

    def serving(self, country: str | None) -> Candidates:
        """Those that may write to a country (ISO 3166, two letters); None where nobody knows it."""
        return self.regulated.get(country, self) if country is not None else self

    def near(self, group: Group, area: str, within_km: int) -> tuple[tuple[Sender, ...], ...]:
        """The healthy members of a pool by how near their area code is, nearest first."""
        key = (group, area, within_km)
        found = self._near.get(key)
        if found is None:
            found = self._near[key] = tuple(
                _by_nearness(self.pools.get(group, ()), area, within_km)
            )
        return found


def _by_nearness(
    members: Sequence[Sender], area: str, within_km: int
) -> Iterator[tuple[Sender, ...]]:
    by_area: defaultdict[str, list[Sender]] = defaultdict(list)
    for sender in members:
        if sender.area is not None:
            by_area[sender.area].append(sender)
    for near in areas.by_nearness(by_area, area, within_km):
        yield tuple(by_area[near])


def _registration(sender: Sender, country: str) -> Registration:
    standing = standing_in(country, sender.kind, sender.standing)
    needs_campaign = country in TENDLC_COUNTRIES and standing is Standing.CLEAR
    return standing, sender.campaign if needs_campaign else None


_NEEDS = {channel: Capability(channel.value) for channel in Channel}


def carries(sender: Sender, channel: Channel) -> bool:
    """Whether a sender can carry a message on a channel: its own, and MMS for a number that can."""
    mine = channel is sender.channel or (channel is Channel.MMS and sender.channel is Channel.SMS)
    return mine and _NEEDS[channel] in sender.capabilities


def channels(sender: Sender) -> list[Channel]:
    """The channels a sender can carry a message on."""
    return [channel for channel in Channel if carries(sender, channel)]


@dataclass(slots=True)
class _Groups:
    pools: defaultdict[Group, list[Sender]] = field(default_factory=lambda: defaultdict(list))
    defaults: defaultdict[Channel, list[Sender]] = field(default_factory=lambda: defaultdict(list))
    owned: defaultdict[tuple[Channel, str], list[Sender]] = field(
        default_factory=lambda: defaultdict(list)
    )
    absent: defaultdict[Group, list[tuple[UUID, Pass]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, sender: Sender, standing: Standing) -> None:
        why = _absence(sender, standing)
        for channel in channels(sender):
            pools = (None, *sender.pool_ids) if sender.pool_ids else ()
            if why is not None:
                for pool_id in pools:
                    self.absent[channel, pool_id].append((sender.id, why))
                continue
            for pool_id in pools:
                self.pools[channel, pool_id].append(sender)
            if sender.is_default:
                self.defaults[channel].append(sender)
            if sender.owner is not None:
                self.owned[channel, sender.owner].append(sender)


def _absence(sender: Sender, standing: Standing) -> Pass | None:
    if standing is not Standing.CLEAR:
        return Pass.NOT_REGISTERED
    return None if sender.healthy else Pass.CORDONED


def _group(senders: Sequence[Sender], registrations: Sequence[Registration]) -> Candidates:
    """Those of the senders that are clear, grouped, beside what each one's registrations come to."""
    named = {s.id: found for s, found in zip(senders, registrations, strict=True)}
    best: dict[Group, Registration] = {}
    for sender in _best_first(senders, named):
        for pool_id in (None, *sender.pool_ids):
            for channel in channels(sender):
                best.setdefault((channel, pool_id), named[sender.id])
    groups = _Groups()
    for sender in senders:
        groups.add(sender, named[sender.id][0])
    return Candidates(
        {s.id: s for s in senders if named[s.id][0] is Standing.CLEAR},
        {key: tuple(members) for key, members in groups.pools.items()},
        {channel: tuple(members) for channel, members in groups.defaults.items()},
        best,
        named,
        owned={key: tuple(members) for key, members in groups.owned.items()},
        absent={key: tuple(members) for key, members in groups.absent.items()},
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

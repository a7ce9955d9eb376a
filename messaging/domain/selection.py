"""Which sender does this message leave from, why that one, and who was passed over?

`PRECEDENCE` asks the documented reasons in order; the first one that names a usable sender wins. A
sender is usable when it is active, can carry the message, is healthy, has room for another person
today, and has not been refused for this message before. A conversation keeps its sender a while
longer than that; only a caller who names a sender may use an unhealthy one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from messaging.domain import sender_health
from messaging.domain.candidates import Candidates, Pass, carries
from messaging.domain.choice import Choice, History, Lack, NoSender, Passed, Trace
from messaging.domain.message import Capability, Message, SelectionReason, Sender


@dataclass(slots=True)
class _Search:
    """One message's way through the reasons."""

    message: Message
    candidates: Candidates
    history: History
    now: datetime
    trace: Trace = field(default_factory=Trace)
    under: SelectionReason = SelectionReason.MANUAL_OVERRIDE
    campaigns: frozenset[UUID] = frozenset()
    """The campaigns of numbers that were refused for it and still stand."""
    among: tuple[UUID, ...] = ()
    """The provider accounts that were weighed against each other."""

    def why_not(self, sender_id: UUID, *, in_conversation: bool = False) -> Pass | None:
        """Why a sender cannot carry this message; None if it can."""
        sender = self.candidates.by_id.get(sender_id)
        if sender is None:
            known = sender_id in self.candidates.named
            return Pass.NOT_REGISTERED if known else Pass.GONE
        if not carries(sender, self.message.channel):
            return Pass.INCAPABLE
        if not sender.healthy and not (in_conversation and self._in_grace(sender)):
            return Pass.CORDONED
        return self.unfit(sender, in_conversation=in_conversation)

    def unfit(self, sender: Sender, *, in_conversation: bool = False) -> Pass | None:
        """The same for one that is known to be clear, of this channel and healthy."""
        message = self.message
        if message.flash and Capability.FLASH not in sender.capabilities:
            return Pass.INCAPABLE
        if sender.id in message.tried_sender_ids:
            return Pass.TRIED
        if self.history.avoid and sender.account_id in self.history.avoid:
            return self.history.avoid[sender.account_id]
        if (
            self.campaigns
            and sender.campaign is not None
            and sender.campaign.id not in self.campaigns
        ):
            return Pass.OUTSIDE_CAMPAIGN
        full = sender.allowance is not None and not in_conversation
        if full and self.history.headroom.is_full(sender.id, self.now.timestamp()):
            return Pass.DAILY_LIMIT
        return None

    def _in_grace(self, sender: Sender) -> bool:
        return sender_health.may_keep_conversations(
            sender.state, sender.state_since, self.now, self.history.grace
        )

    def named(self, ids: Iterable[UUID], *, in_conversation: bool = False) -> Sender | None:
        """The first of some senders that can carry it; whoever is passed over is noted."""
        usable: list[Sender] = []
        for sender_id in ids:
            why = self.why_not(sender_id, in_conversation=in_conversation)
            if why is None:
                usable.append(self.candidates.by_id[sender_id])
            else:
                self.trace.passed.append(Passed(sender_id, self.under, why))
        self.trace.candidates = len(usable)
        for tier in (*self.history.tiers, None) if len(usable) > 1 else (None,):
            for sender in usable:
                if tier is None or sender.account_id in tier:
                    return sender
        return None

    def group(self, members: Sequence[Sender]) -> Sender | None:
        """The one of a group with the most headroom, of the account that comes first."""
        if not members:
            return None
        tiers = self.history.tiers
        for tier in (*tiers, None) if tiers else (None,):
            found = self._first(members, tier)
            if found is not None:
                self.trace.candidates = len(members)
                self._note_losers(members, found)
                return found
        self._note_unfit(members)
        return None

    def _first(self, members: Sequence[Sender], tier: frozenset[UUID] | None) -> Sender | None:
        """The one with the most headroom; among accounts that have one free, of that whose turn it is."""
        headroom, balance = self.history.headroom, self.history.balance
        accounts = balance.by_account(members)
        if len(accounts) == 1:
            return headroom.first(members, lambda s: self._fits(s, tier))
        found: list[tuple[bool, float, bool, float, int, Sender]] = []
        for place, mine in enumerate(accounts):
            sender = headroom.first(mine, lambda s: self._fits(s, tier))
            if sender is not None:
                amber, free_at, *_ = headroom.score(sender)
                waits = max(free_at - self.now.timestamp(), 0.0)
                mine_to_probe = sender.account_id in self.history.probing
                turn = balance.at(sender.account_id)
                found.append((amber, waits, not mine_to_probe, turn, place, sender))
        self.among = tuple(entry[-1].account_id for entry in found)
        return min(found)[-1] if found else None

    def _fits(self, sender: Sender, tier: frozenset[UUID] | None) -> bool:
        return (tier is None or sender.account_id in tier) and self.unfit(sender) is None

    def _note_losers(self, members: Sequence[Sender], chosen: Sender) -> None:
        if len(members) > _TOLD:
            return
        for entry in self.history.headroom.best(members, _TOLD):
            sender = entry[-1]
            if sender is not chosen:
                why = self.unfit(sender) or Pass.LESS_HEADROOM
                self.trace.passed.append(Passed(sender.id, self.under, why, entry[1]))

    def _note_unfit(self, members: Sequence[Sender]) -> None:
        for sender in members[:_TOLD]:
            why = self.unfit(sender)
            if why is not None:
                self.trace.passed.append(Passed(sender.id, self.under, why))


_TOLD = 8
"""Of a larger group the losers are counted, not named: they lost by headroom alone."""


def choose(
    message: Message, candidates: Candidates, history: History, now: datetime
) -> Choice | NoSender:
    """The sender for a message, by the first reason that names a usable one.

    Where a reason names several, the one with the most headroom is taken; ties go by id. Nothing
    handed in is changed: who acts on the choice books it (`Headroom.book`, `Balance.book`). Accounts
    that did not take the message before are left out, unless nobody else is left.
    """
    found = _choose(message, candidates, history, now)
    if isinstance(found, NoSender) and Pass.PROVIDER_FAILED in history.avoid.values():
        down = {id_: why for id_, why in history.avoid.items() if why is Pass.PROVIDER_DOWN}
        return _choose(message, candidates, replace(history, avoid=down), now)
    return found


def _choose(
    message: Message, candidates: Candidates, history: History, now: datetime
) -> Choice | NoSender:
    search = _Search(message, candidates, history, now)
    if message.tried_sender_ids:
        search.campaigns = _campaigns_tried(message, candidates)
    if message.sender_id is not None:
        return _named_by_caller(search, message.sender_id)
    for reason, who in PRECEDENCE:
        search.under = reason
        sender = who(search)
        if sender is not None:
            return Choice(sender, reason, search.trace, search.among)
        search.among = ()
    return NoSender(_lack(search), search.trace)


def _campaigns_tried(message: Message, candidates: Candidates) -> frozenset[UUID]:
    """Who was refused on one campaign is not sent from another: carriers call that snowshoeing."""
    tried = (candidates.named.get(sender_id) for sender_id in message.tried_sender_ids)
    return frozenset(found[1].id for found in tried if found is not None and found[1] is not None)


def _named_by_caller(search: _Search, sender_id: UUID) -> Choice | NoSender:
    why = search.why_not(sender_id)
    if (
        why in {None, Pass.CORDONED, Pass.DAILY_LIMIT, Pass.PROVIDER_FAILED}
        and sender_id not in search.message.tried_sender_ids
    ):
        sender = search.candidates.by_id[sender_id]
        return Choice(sender, SelectionReason.MANUAL_OVERRIDE, search.trace)
    search.trace.passed.append(Passed(sender_id, search.under, why or Pass.TRIED))
    down = why is Pass.PROVIDER_DOWN
    return NoSender(Lack.PROVIDER_DOWN if down else Lack.SENDER_NOT_USABLE, search.trace)


def _lack(search: _Search) -> Lack:
    message, candidates = search.message, search.candidates
    serving = [s for s in candidates.by_id.values() if carries(s, message.channel)]
    if not serving:
        return Lack.NO_SENDER
    unfit_now = {search.unfit(s) for s in serving}
    if unfit_now <= _NEVER:
        return Lack.ALL_SENDERS_TRIED
    if Pass.PROVIDER_DOWN in unfit_now and unfit_now <= {Pass.PROVIDER_DOWN, *_NEVER}:
        return Lack.PROVIDER_DOWN
    unfit = {p.why for p in search.trace.passed if p.under in _GROUPS}
    return Lack.DAILY_LIMITS if Pass.DAILY_LIMIT in unfit else Lack.NO_HEALTHY_SENDER


_NEVER = {Pass.TRIED, Pass.OUTSIDE_CAMPAIGN}
"""Why a sender will not carry this message, however long it waits."""
_GROUPS = {SelectionReason.HEALTHY_POOL, SelectionReason.FALLBACK_DEFAULT}


def _sticky(search: _Search) -> Sender | None:
    history = search.history
    if history.sticky_sender_id is None or not history.sticky:
        return None
    return search.named((history.sticky_sender_id,), in_conversation=True)


def _lead(search: _Search) -> Sender | None:
    lead = search.history.lead_sender_id
    return None if lead is None else search.named((lead,))


def _campaign(search: _Search) -> Sender | None:
    history = search.history
    if history.campaign_sender_ids:
        found = search.named(history.campaign_sender_ids)
        if found is not None:
            return found
    for pool_id in history.campaign_pool_ids:
        found = search.group(search.candidates.pools.get((search.message.channel, pool_id), ()))
        if found is not None:
            return found
    return None


def _preferred(search: _Search) -> Sender | None:
    message = search.message
    if message.agent is not None:
        owned = search.candidates.owned.get((message.channel, message.agent), ())
        found = search.group(owned)
        if found is not None:
            return found
    ids = search.history.preferred_sender_ids
    return search.named(ids) if ids else None


def _local(search: _Search) -> Sender | None:
    history, message = search.history, search.message
    if history.area is None or not history.local:
        return None
    group = (message.channel, message.pool_id)
    for members in search.candidates.near(group, history.area, history.within_km):
        found = search.group(members)
        if found is not None:
            return found
    return None


def _pool(search: _Search) -> Sender | None:
    group = (search.message.channel, search.message.pool_id)
    search.trace.absent = search.candidates.absent.get(group, ())
    return search.group(search.candidates.pools.get(group, ()))


def _default(search: _Search) -> Sender | None:
    return search.group(search.candidates.defaults.get(search.message.channel, ()))


PRECEDENCE: tuple[tuple[SelectionReason, Callable[[_Search], Sender | None]], ...] = (
    (SelectionReason.STICKY_CONVERSATION, _sticky),
    (SelectionReason.LEAD_ASSIGNED, _lead),
    (SelectionReason.CAMPAIGN_OR_SOURCE, _campaign),
    (SelectionReason.PREFERRED, _preferred),
    (SelectionReason.LOCAL_AREA, _local),
    (SelectionReason.HEALTHY_POOL, _pool),
    (SelectionReason.FALLBACK_DEFAULT, _default),
)
"""The reasons after ManualOverride, which is not a search: who names a sender gets that one."""

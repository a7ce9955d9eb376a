"""Who of some people would be sent to, by whom and when, if it began at some moment?

    judge -> choose, each at its own time | every limit apart | judge again whoever would be too late

The rules, the choice of a sender and the limits are those of a dispatch. Nothing is read or written, and
nothing of it is booked where dispatches look.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from messaging import routing
from messaging.domain import areas, compliance, foretelling
from messaging.domain.balance import Balance
from messaging.domain.choice import Choice, Lack
from messaging.domain.compliance import Allow, Block
from messaging.domain.compliance.places import place_of
from messaging.domain.compliance.verdicts import Reason
from messaging.domain.headroom import Headroom
from messaging.domain.message import Message, Sender
from messaging.domain.rates import Ask, Limit, Window
from messaging.domain.warm_up import carrier_day, next_carrier_midnight
from messaging.judgement import candidates_for, complete
from messaging.limits import Ledger
from messaging.routing import Ways
from messaging.runtime import TenantSenders
from messaging.store.facts import Case
from messaging.velocity import prefix_of

HORIZON = timedelta(days=14)
"""How far people are followed whose senders may write to so many a day; the rest go at the last days' pace."""
_AGAIN = 8
"""How often those are looked at again whose turn comes when the hours of their rules are over."""
_HOUR = 3_660.0
"""What counts against a destination's hour counts until the end of its minute (`velocity.lua`)."""
_ABROAD = "abroad:"
_NOBODY_DOWN = Ways({}, [])


@dataclass(slots=True)
class Sending:
    """A message that would be sent."""

    n: int
    """Which of the cases."""
    message: Message
    country: str | None
    sender: Sender
    ask: Ask
    asked_at: float
    """When it would be ready (seconds of the epoch)."""
    until: datetime | None
    """When the rules let it go no more."""
    at: float = 0.0
    """When its slowest limit lets it through."""
    limit: str | None = None
    """The key of that limit; None if none makes it wait."""


@dataclass(slots=True)
class Foreseen:
    """What would come of everybody."""

    sendings: list[Sending] = field(default_factory=list)
    blocked: Counter[str] = field(default_factory=Counter)
    deferred: Counter[str] = field(default_factory=Counter)
    """Each person once under each reason; they are also in one of the others."""
    later: list[Message] = field(default_factory=list)
    """Those that senders with a daily limit get to only after the days that were looked at."""
    stuck: list[Message] = field(default_factory=list)
    """Those nobody can say the time of, since no sender is in health, say."""


class Foresight:
    """One look ahead; `scale` is how many people each of the cases stands for."""

    def __init__(
        self,
        known: TenantSenders,
        at: datetime,
        scale: float,
        met: Mapping[UUID, int],
        spent: Mapping[str, float],
    ) -> None:
        """`met`: whom senders with a daily limit wrote to today; `spent`: of daily quotas, by key."""
        today, balance = carrier_day(at), Balance(known.balance.weights)
        self._known = replace(known, headroom=Headroom(used=known.headroom.used), balance=balance)
        self._at, self._scale, self._spent = at, scale, spent
        self._met = defaultdict[tuple[UUID, date], float](float)
        self._met |= {(sender_id, today): float(n) for sender_id, n in met.items()}
        self._ledger = Ledger(at)
        self._found = Foreseen()
        self._said: set[tuple[int, str]] = set()
        self._full: set[tuple[object, ...]] = set()
        for sender in known.candidates.by_id.values():
            self._note_full(sender, at)

    def of(self, ready: Sequence[tuple[datetime, Case]]) -> Foreseen:
        """What would come of cases that are ready to be sent at their times."""
        cases = [case for _, case in ready]
        self._cases, self._countries = cases, [place_of(case.message).country for case in cases]
        for case, country in zip(cases, self._countries, strict=True):
            complete(case.facts, case.message, self._known, country)
        self._queue = [(at, n) for n, (at, _) in enumerate(ready)]
        for _ in range(_AGAIN):
            self._walk()
            self._time()
            if not self._put_off_late():
                break
        else:
            self._walk()
            self._time()
        for sending in self._found.sendings:
            if sending.limit is not None and sending.limit.startswith(_ABROAD):
                self._defer(sending.n, Reason.DESTINATION_VELOCITY.value)
        return self._found

    def _walk(self) -> None:
        """Judge each when it is ready and choose its sender, until nobody waits."""
        queue = self._queue
        heapq.heapify(queue)
        while queue:
            now, n = heapq.heappop(queue)
            case = self._cases[n]
            verdict = compliance.judge(case.message, case.facts, now)
            if isinstance(verdict, Block):
                self._found.blocked[verdict.reason.value] += 1
            elif isinstance(verdict, Allow):
                self._choose(n, case, now, verdict.until)
            elif self._defer(n, verdict.reason.value):
                heapq.heappush(queue, (verdict.until, n))
            else:  # what does not pass with time is taken to be over by then
                self._choose(n, case, verdict.until, None)

    def _defer(self, n: int, reason: str) -> bool:
        """Count somebody who waits for a reason; whether it is the first time."""
        if (n, reason) in self._said:
            return False
        self._said.add((n, reason))
        self._found.deferred[reason] += 1
        return True

    def _choose(self, n: int, case: Case, now: datetime, until: datetime | None) -> None:
        message, country, known = case.message, self._countries[n], self._known
        if not all(share for _, share in self._shares(message, country)):
            self._defer(n, Reason.DESTINATION_VELOCITY.value)
            self._found.stuck.append(message)
            return
        like = self._like(case, country, now)
        found = None
        if like not in self._full:
            serving = candidates_for(message, known, country).serving(country)
            found = routing.choose(case, serving, known, _NOBODY_DOWN, now)
        if isinstance(found, Choice):
            self._take(n, found, now, until)
        elif found is None or found.reason is Lack.DAILY_LIMITS:
            self._full.add(like)
            self._defer(n, Lack.DAILY_LIMITS.value)
            tomorrow = next_carrier_midnight(now)
            if tomorrow - self._at < HORIZON:
                heapq.heappush(self._queue, (tomorrow, n))
            else:
                self._found.later.append(message)
        elif found.reason is Lack.NO_HEALTHY_SENDER:
            self._defer(n, found.reason.value)
            self._found.stuck.append(message)
        else:
            self._found.blocked[found.reason.value] += 1

    def _like(self, case: Case, country: str | None, now: datetime) -> tuple[object, ...]:
        """What decides whether a message finds every sender at its daily limit, as another did before."""
        message = case.message
        area = areas.area_of(message.recipient)
        own = (case.sticky_sender_id, case.lead_sender_id, message.source, message.agent)
        return (carrier_day(now), country, area, *own)

    def _take(self, n: int, choice: Choice, now: datetime, until: datetime | None) -> None:
        message, country, sender = self._cases[n].message, self._countries[n], choice.sender
        account = self._known.accounts[sender.account_id]
        self._ledger.add(message, choice, account, self._known, country, placed=False)
        ask = self._ledger.asks[-1]
        at = now.timestamp()
        self._found.sendings.append(Sending(n, message, country, sender, ask, at, until))
        if sender.allowance is not None:
            self._met[sender.id, carrier_day(now)] += self._scale
            self._note_full(sender, now)

    def _note_full(self, sender: Sender, now: datetime) -> None:
        met = self._met.get((sender.id, carrier_day(now)), 0.0)
        if sender.allowance is not None and met >= sender.allowance:
            midnight = next_carrier_midnight(now)
            self._known.headroom.full(sender.id, midnight.timestamp())

    def _time(self) -> None:
        """Say of each when it goes: when the slowest of its limits lets it through."""
        loads: defaultdict[int, list[tuple[Sending, float]]] = defaultdict(list)
        abroad: dict[str, tuple[Limit, list[tuple[Sending, float]]]] = {}
        for sending in sorted(self._found.sendings, key=lambda s: s.asked_at):
            sending.at, sending.limit = sending.asked_at, None
            for need in sending.ask.needs:
                loads[need.limit_index].append((sending, need.cost))
            for limit in self._abroad(sending):
                abroad.setdefault(limit.key, (limit, []))[1].append((sending, 1.0))
        for index, load in loads.items():
            self._pass(self._ledger.limits[index], load)
        for limit, load in abroad.values():
            self._pass(limit, load)

    def _pass(self, limit: Limit, load: Sequence[tuple[Sending, float]]) -> None:
        asked = ((sending.asked_at, cost) for sending, cost in load)
        scale = 1.0 if limit.key.startswith("r:") else self._scale  # a person's own
        times = foretelling.passed(limit, asked, scale, self._spent.get(limit.key, 0.0))
        for (sending, _), at in zip(load, times, strict=True):
            if at > sending.at:
                sending.at, sending.limit = at, limit.key

    def _abroad(self, sending: Sending) -> list[Limit]:
        shares = self._shares(sending.message, sending.country)
        return [Window(f"{_ABROAD}{name}", share, _HOUR) for name, share in shares]

    def _shares(self, message: Message, country: str | None) -> tuple[tuple[str, int], ...]:
        """What an hour may hold of a message's destination, as `granting.within_velocity` asks."""
        if not message.channel.by_phone or country == self._known.home:
            return ()
        most, prefix = self._known.policy.destinations, prefix_of(message.recipient)
        return (("", most.international_per_hour), (prefix, most.prefix_per_hour))

    def _put_off_late(self) -> bool:
        """Judge again whoever's turn comes too late for their rules; whether there was anybody."""
        kept = []
        for sending in self._found.sendings:
            if self._in_time(sending):
                kept.append(sending)
            else:
                self._queue.append((datetime.fromtimestamp(sending.at, UTC), sending.n))
        self._found.sendings = kept
        return bool(self._queue)

    def _in_time(self, sending: Sending) -> bool:
        ends = sending.until or sending.message.expires_at
        if ends is None or sending.limit is None:
            return True
        at, case = datetime.fromtimestamp(sending.at, UTC), self._cases[sending.n]
        return isinstance(compliance.judge(case.message, case.facts, at), Allow)

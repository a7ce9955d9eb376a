"""Which of these senders has the most headroom: who is free first, and has used least of its day?

One `Headroom` serves a process. It counts what was chosen here and hears from the rates what other
processes took, so it orders senders and never limits them: that is the rates' business.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from messaging.domain.message import Sender
from messaging.domain.sender_health import SenderState

_DAY_SECONDS = 86_400.0

Entry = tuple[bool, float, float, int, Sender]
"""Sorts by: is it amber, when is it free, what of its day is used; the place among the members, which
come by id, decides a tie."""


def pace(sender: Sender) -> float:
    """Seconds of a sender's time that one segment takes: by its rate, or by its daily limit."""
    by_rate = 1.0 / sender.mps
    if sender.allowance is None:
        return by_rate
    return max(by_rate, _DAY_SECONDS / max(sender.allowance, 1))


@dataclass(slots=True)
class Headroom:
    """When each sender is free again, in seconds of the epoch, and what of its day it has used."""

    free_at: dict[UUID, float] = field(default_factory=dict)
    full_until: dict[UUID, float] = field(default_factory=dict)
    """Senders that have written to as many people as they may today."""
    used: Mapping[UUID, float] = field(default_factory=dict)
    """Of a day's segments at a sender's rate, the share it has sent; 0 where it is not given."""
    _heaps: dict[int, tuple[Sequence[Sender], list[Entry]]] = field(default_factory=dict)

    def book(self, sender: Sender, segments: int, now: float) -> None:
        """Count a message that will leave from this sender."""
        begins = max(self.free_at.get(sender.id, 0.0), now)
        self.free_at[sender.id] = begins + segments * pace(sender)

    def busy(self, sender_id: UUID, until: float) -> None:
        """Take note that other processes keep a sender busy until then."""
        self.free_at[sender_id] = max(self.free_at.get(sender_id, 0.0), until)

    def full(self, sender_id: UUID, until: float) -> None:
        """Take note that a sender has reached its daily limit."""
        self.full_until[sender_id] = until

    def is_full(self, sender_id: UUID, now: float) -> bool:
        """Whether a sender may write to nobody new today."""
        return self.full_until.get(sender_id, 0.0) > now

    def score(self, sender: Sender, place: int = 0) -> Entry:
        """What senders are ordered by; the least has the most headroom."""
        return (
            sender.state is SenderState.AMBER,
            self.free_at.get(sender.id, 0.0),
            self.used.get(sender.id, 0.0),
            place,
            sender,
        )

    def first(self, members: Sequence[Sender], fits: Callable[[Sender], bool]) -> Sender | None:
        """The one of `members` that fits and has the most headroom.

        `members` come by id, and are remembered by identity: hand in the same object for the same
        group.
        """
        for entry in self._ordered(members):
            if fits(entry[-1]):
                return entry[-1]
        return None

    def best(self, members: Sequence[Sender], most: int) -> list[Entry]:
        """The first few by headroom, for people who ask why."""
        scores = (self.score(sender, place) for place, sender in enumerate(members))
        return heapq.nsmallest(most, scores)

    def _ordered(self, members: Sequence[Sender]) -> Iterator[Entry]:
        """The members by headroom. What is looked at goes back afterwards, so nothing changes."""
        if len(members) == 1:
            yield self.score(members[0])
            return
        _, heap = self._heap(members)
        seen: list[Entry] = []
        try:
            while heap:
                entry = heap[0]
                free_at = self.free_at.get(entry[-1].id, 0.0)
                if free_at != entry[1]:
                    heapq.heapreplace(heap, (entry[0], free_at, *entry[2:]))
                    continue
                yield entry
                seen.append(heapq.heappop(heap))
        finally:
            for entry in seen:
                heapq.heappush(heap, entry)

    def _heap(self, members: Sequence[Sender]) -> tuple[Sequence[Sender], list[Entry]]:
        found = self._heaps.get(id(members))
        if found is None:
            heap = [self.score(sender, place) for place, sender in enumerate(members)]
            heapq.heapify(heap)
            # The members are kept beside, or their identity might be given away again.
            found = self._heaps[id(members)] = (members, heap)
        return found

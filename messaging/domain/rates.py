"""What limits how fast and how much may be sent, and what a message asks of those limits?

Three kinds of limit: a `Window` slides, a `Quota` ends at an instant, a `Distinct` counts whom and not how
much. A message asks several at once and gets all or nothing. Decided in `rates.lua`, where the counters are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Window:
    """At most `most` segments in any trailing `seconds`, wherever one begins to count.

    A message of more than `most` goes when nothing else is in the window. The spacing of messages to one
    person is a window, too: one message (cost 1) in so many seconds.
    """

    key: str
    """Which counter; holds no personal data (a person is a keyed hash)."""
    most: float
    """Segments; above 0."""
    seconds: float
    guards: bool = False
    """Money or reputation depends on it: while nobody can count, nobody sends."""

    def __post_init__(self) -> None:
        if not (self.most > 0 and self.seconds > 0):
            raise ValueError("a window lets something through within some time")


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `most` segments until `until`: a brand's daily cap at a carrier ends at Pacific midnight."""

    key: str
    """Which counter; names the day, since the next one begins at nothing."""
    most: float
    until: datetime
    guards: bool = True


@dataclass(frozen=True, slots=True)
class Distinct:
    """At most `most` different members until `until`. One that is known already costs nothing."""

    key: str
    """Which set; names the day."""
    most: int
    until: datetime
    guards: bool = True


Limit = Window | Quota | Distinct


# A named tuple, as are the two below: six are made for every message, and a frozen dataclass costs thrice as much.
class Need(NamedTuple):
    """What a message takes of one limit; of each limit once."""

    limit_index: int
    """Which of the limits handed in with it."""
    cost: float = 1.0
    """Segments; a Distinct does not look at it."""
    member: bytes | None = None
    """Who, for a Distinct: a keyed hash."""
    counted_only: bool = False
    """It is counted and never refused by this limit: an answer to STOP to somebody new, for instance."""


class Ask(NamedTuple):
    """What one message needs in order to go."""

    needs: Sequence[Need]
    urgent: bool = False
    """It passes the line: only what is in a window counts."""
    place: bool = False
    """Its last refusal gave it a place in the line (`Grant.place`), and that time has come."""


class Grant(NamedTuple):
    """Whether a message may go now; if not, when to ask again."""

    granted: bool
    wait: timedelta = timedelta()
    refused_by: int | None = None
    """Which limit needs longest; None also if nobody could be asked, or what is known was being restored."""
    place: bool = False
    """It has a place in the line of that limit at that time. To be handed back as `Ask.place`: without it
    the message stands behind whoever waits."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What was granted in one call: to be written down with the attempts, in the same transaction."""

    at: datetime
    """By the clock of the limits (Redis), not ours."""
    spent: Mapping[str, float] = field(default_factory=dict)
    """Segments by key, of windows and quotas."""
    members: Mapping[str, frozenset[bytes]] = field(default_factory=dict)
    """Who was written to, by key of a Distinct; some may have been known already."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """The answer to a batch: a grant for each ask, in order, and what they come to."""

    grants: Sequence[Grant]
    usage: Usage


def usage_of(
    limits: Sequence[Limit], asks: Sequence[Ask], grants: Sequence[Grant], at: datetime
) -> Usage:
    """What the granted among the asks come to."""
    spent: defaultdict[int, float] = defaultdict(float)
    members: defaultdict[int, set[bytes]] = defaultdict(set)
    for ask, grant in zip(asks, grants, strict=True):
        if grant.granted:
            for index, cost, member, _ in ask.needs:
                if member is None:
                    spent[index] += cost
                else:
                    members[index].add(member)
    return Usage(
        at,
        {limits[index].key: cost for index, cost in spent.items()},
        {limits[index].key: frozenset(who) for index, who in members.items()},
    )


class Spent(NamedTuple):
    """What a batch spent of a window, as it was written down."""

    key: str
    seconds: float
    """The length of that window."""
    at: datetime
    cost: float


@dataclass(frozen=True, slots=True)
class Past:
    """All that still counts, from where it was written down. Too much is harmless, too little is not."""

    windows: Sequence[Spent] = ()
    quotas: Mapping[str, tuple[datetime, float]] = field(default_factory=dict)
    """By key: until when, and how much was spent."""
    distinct: Mapping[str, tuple[datetime, Collection[bytes]]] = field(default_factory=dict)
    """By key: until when, and who."""

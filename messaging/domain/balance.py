"""Of several provider accounts that would do equally well, which one takes the next message?

By weight: an account whose calls fail, whose answers are slow or whose messages arrive late gets a
smaller share, never none, since what gets nothing can prove nothing. Shares are kept by virtual
time: each message moves its account on by its segments over its weight, and the account that is
furthest behind is next. Nothing rolls dice, so a run can be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from messaging.domain.message import Sender

LEAST = 0.05
_ENOUGH = 20
_APART = 2 / LEAST
"""How far accounts may be apart: two messages of the lightest."""
SLOW_REPLY = 5.0
"""Seconds after which an answer of a provider is slow."""
SLOW_DELIVERY = 60.0
"""Seconds from accepted to delivered after which a delivery is slow."""


@dataclass(frozen=True, slots=True)
class Showing:
    """How an account did lately, counted."""

    calls: int = 0
    failed: int = 0
    slow: int = 0
    """Calls whose answer was slow."""
    delivered: int = 0
    late: int = 0
    """Deliveries that were slow."""

    def __add__(self, other: Showing) -> Showing:
        return Showing(
            self.calls + other.calls,
            self.failed + other.failed,
            self.slow + other.slow,
            self.delivered + other.delivered,
            self.late + other.late,
        )


def weight(showing: Showing) -> float:
    """From `LEAST` to 1: the share an account gets beside one that does everything well.

    Failures weigh double: a message that failed costs another call. Too few calls say nothing.
    """
    good = 1.0
    if showing.calls >= _ENOUGH:
        good *= (1 - showing.failed / showing.calls) ** 2
        good *= 1 - 0.5 * showing.slow / showing.calls
    if showing.delivered >= _ENOUGH:
        good *= 1 - 0.5 * showing.late / showing.delivered
    return max(good, LEAST)


@dataclass(slots=True)
class Balance:
    """How far each account has been moved on; one per process, changed only by `book`."""

    weights: Mapping[UUID, float] = field(default_factory=dict)
    """1 where none is given."""
    _at: dict[UUID, float] = field(default_factory=dict)
    _accounts: dict[int, tuple[Sequence[Sender], tuple[tuple[Sender, ...], ...]]] = field(
        default_factory=dict, repr=False
    )

    def by_account(self, members: Sequence[Sender]) -> tuple[tuple[Sender, ...], ...]:
        """A group's members by account, those of one account together.

        `members` are remembered by identity: hand in the same object for the same group.
        """
        found = self._accounts.get(id(members))
        if found is None:
            groups: dict[UUID, list[Sender]] = {}
            for sender in members:
                groups.setdefault(sender.account_id, []).append(sender)
            parts = tuple(tuple(group) for _, group in sorted(groups.items()))
            # The members are kept beside, or their identity might be given away again.
            found = self._accounts[id(members)] = (members, parts)
        return found[1]

    def at(self, account_id: UUID) -> float:
        """How far an account has been moved on; the least comes next."""
        return self._at.get(account_id, 0.0)

    def book(self, account_id: UUID, segments: int, among: Iterable[UUID]) -> None:
        """Count a message that will leave through an account, chosen among some."""
        others = [self.at(other) for other in among if other != account_id]
        begins = self.at(account_id)
        if others:
            # Who rested does not catch up on all it missed, and who did badly is not left for good.
            begins = min(max(begins, max(others) - _APART), min(others) + _APART)
        self._at[account_id] = begins + segments / self.weights.get(account_id, 1.0)

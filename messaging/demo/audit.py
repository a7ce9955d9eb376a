"""Do our ledger and the carrier's say the same?

Two questions, asked of every message. Lost: we say it was handed over and the carrier never took it, or
the carrier took it and we say it was not handed over. Duplicated: the carrier took it more than once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from messaging.domain.lifecycle import FINAL, Status
from messaging.store.fates import Fate

_HANDED_OVER = frozenset({Status.SENT, Status.DELIVERED})
_EXPLAINED = FINAL | {
    Status.SENT,
    Status.DRAFT,
    Status.BLOCKED_BILLING,
    Status.BLOCKED_MISSING_CAMPAIGN,
}
"""Where a message may rest: final, with the carrier, or waiting for somebody's decision."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What the comparison found. Only zeros are good."""

    ours: int
    """Messages we say the carrier has taken."""
    carrier: int
    """Messages the carrier says it has taken, each counted once."""
    lost: int
    duplicated: int
    strangers: int
    """Messages at the carrier that we do not know."""
    unexplained: int
    """Messages of ours that are neither final nor explained by their state."""

    @property
    def holds(self) -> bool:
        """Whether both ledgers say the same and every message has an explanation."""
        return not (self.lost or self.duplicated or self.strangers or self.unexplained)


def compare(promised: Collection[UUID], fates: Sequence[Fate], carrier: Sequence[UUID]) -> Audit:
    """Compare what we promised to send and what we say of it with what the carrier took.

    `promised` are the ids our callers were given; `carrier` names the message of each request the
    carrier accepted, repeats included.
    """
    accepted = Counter(carrier)
    known = {fate.id: fate for fate in fates}
    claimed = {fate.id for fate in fates if handed_over(fate)}
    lost = sum(1 for message in promised if message not in known)
    lost += len(claimed - accepted.keys())
    lost += sum(1 for message in accepted if message in known and message not in claimed)
    return Audit(
        ours=len(claimed),
        carrier=len(accepted),
        lost=lost,
        duplicated=accepted.total() - len(accepted),
        strangers=sum(1 for message in accepted if message not in known),
        unexplained=sum(1 for fate in fates if fate.status not in _EXPLAINED and not fate.deferred),
    )


def handed_over(fate: Fate) -> bool:
    """Whether we say that the carrier has taken it.

    A message can end undeliverable without that, when the carrier refused it outright; then it has
    no id there.
    """
    if fate.status is Status.UNDELIVERABLE:
        return fate.provider_message_id is not None
    return fate.status in _HANDED_OVER

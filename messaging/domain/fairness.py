"""Of several tenants whose messages wait in one lane, whose come next, and how many of each?

By weight, as deficit round robin has it: each claim is shared out among those that have something
due, what one has no use for goes to the others, and what rounding took from a tenant it gets next
time. Whoever had all it asked for is owed nothing: nobody saves up turns while its queue is empty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

NOBODY = UUID(int=2**128 - 1)
"""Comes after every tenant."""
LIGHTEST, HEAVIEST = 0.01, 100.0
"""Between these a weight is."""
REMEMBERED = 10_000
"""Tenants whose deficits are kept; they are fractions of a message, and forgetting one is cheap."""


_FEW = 8


@dataclass(frozen=True, slots=True)
class Due:
    """A tenant with messages that are due."""

    tenant_id: UUID
    weight: float
    """From `LIGHTEST` to `HEAVIEST`."""
    depth: int
    """How many are due, as far as was counted; at least 1."""


def fair(due: Sequence[Due], batch: int) -> dict[UUID, float]:
    """How much of a batch is each one's by weight; nobody gets more than it has.

    The parts add up to the batch, or to everything there is.
    """
    found: dict[UUID, float] = {}
    left = float(batch)
    weights = math.fsum(one.weight for one in due)
    # Those that need least of their share first: what they leave is for the rest.
    for one in sorted(due, key=lambda one: one.depth / one.weight):
        part = min(float(one.depth), left * one.weight / weights) if weights > 0 else 0.0
        found[one.tenant_id] = part
        left -= part
        weights -= one.weight
    return found


def shares(
    due: Sequence[Due], deficits: Mapping[UUID, float], batch: int
) -> tuple[dict[UUID, int], dict[UUID, float]]:
    """How many messages of each are taken, and what each is owed afterwards.

    `deficits` are messages that tenants are owed from before; below 0 for those that got more. The
    quotas add up to the batch, or to everything that was counted, and leave out those that get none.
    """
    total = min(batch, sum(one.depth for one in due))
    parts = fair(due, total)
    credit = {t: part + deficits.get(t, 0.0) for t, part in parts.items()}
    depth = {one.tenant_id: one.depth for one in due}
    quotas = {t: min(depth[t], max(0, math.floor(owed))) for t, owed in credit.items()}
    _even_out(quotas, credit, depth, total)
    owed = {t: credit[t] - quota for t, quota in quotas.items() if quota < depth[t]}
    return {t: quota for t, quota in quotas.items() if quota}, owed


def reach(weights: Sequence[float], batch: int) -> list[int]:
    """How deep to count what is due of each tenant, the one that waits longest first.

    Twice its part and a few, should others need less of theirs; what is left over is for the first.
    """
    total = math.fsum(weights)
    twice = (_FEW + math.ceil(2 * batch * weight / total) for weight in weights[1:])
    return [batch, *(min(batch, depth) for depth in twice)]


def _even_out(
    quotas: dict[UUID, int], credit: Mapping[UUID, float], depth: Mapping[UUID, int], total: int
) -> None:
    """Give and take single messages, by who is owed most, until the quotas add up to the total."""
    missing = total - sum(quotas.values())
    step = 1 if missing > 0 else -1
    while missing:
        by_claim = sorted(quotas, key=lambda t: step * (quotas[t] - credit[t]))
        for tenant_id in by_claim:
            if missing and 0 <= quotas[tenant_id] + step <= depth[tenant_id]:
                quotas[tenant_id] += step
                missing -= step


@dataclass(slots=True)
class Turns:
    """Whose turn it is in one lane; one per process and lane, changed by its methods only."""

    before: UUID = NOBODY
    """Where the next look at the tenants begins, when they are too many for one look."""
    alone: bool = True
    """Whether the last look found nobody beside one tenant."""
    _deficits: dict[UUID, float] = field(default_factory=dict)

    def looked(self, found: int, last: UUID | None) -> None:
        """Note how many tenants have messages in the lane, due or not.

        `last` is the tenant at which the look ended before it had seen everybody; None if it had.
        """
        self.alone = found <= 1
        self.before = last or NOBODY

    def share(self, due: Sequence[Due], batch: int) -> dict[UUID, int]:
        """How many messages of each tenant are taken now."""
        quotas, owed = shares(due, self._deficits, batch)
        seen = {one.tenant_id for one in due}
        # If there are more than one look can see, somebody else's turn may be another time.
        others = self._deficits.items() if self.before != NOBODY else ()
        kept = [(t, deficit) for t, deficit in others if t not in seen]
        self._deficits = dict(kept[max(0, len(kept) + len(owed) - REMEMBERED) :]) | owed
        return quotas

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

NOBODY = UUID(int=0)
"""Comes before every tenant."""
REMEMBERED = 10_000
"""Tenants whose deficits are kept; they are fractions of a message, and forgetting one is cheap."""


@dataclass(frozen=True, slots=True)
class Due:
    """A tenant with messages that are due."""

    tenant_id: UUID
    weight: float
    """Above 0."""
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
    """Whose turn it is in one lane; one per process and lane, changed by `share` only."""

    after: UUID = NOBODY
    """Where the next look at the tenants begins, when they are too many for one look."""
    _deficits: dict[UUID, float] = field(default_factory=dict)

    def share(self, due: Sequence[Due], batch: int, last: UUID | None) -> dict[UUID, int]:
        """How many messages of each tenant are taken now.

        `last` is the tenant at which the look stopped before it had seen everybody; None if it had.
        """
        quotas, owed = shares(due, self._deficits, batch)
        seen = {one.tenant_id for one in due}
        kept = {} if last is None else {t: d for t, d in self._deficits.items() if t not in seen}
        for tenant_id in list(kept)[: max(0, len(kept) + len(owed) - REMEMBERED)]:
            del kept[tenant_id]
        self._deficits = kept | owed
        self.after = last or NOBODY
        return quotas

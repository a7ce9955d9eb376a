"""What do messages of a campaign, a source, a use case, a lead or a tenant leave from?

A binding names a sender, a pool or a provider account. Senders and pools are looked for under the
reasons CampaignOrSource and Preferred, accounts decide who is asked first within every reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class BindingKind(StrEnum):
    """What a binding is of."""

    CAMPAIGN = "campaign"
    SOURCE = "source"
    """Where leads come from."""
    USE_CASE = "use_case"
    """Named by a message instead of a pool; bound to one pool."""
    LEAD = "lead"
    """One person; bound to one sender."""
    TENANT = "tenant"
    """The tenant itself, with no `ref`: what it prefers where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One sender, pool or account of a `kind` called `ref`; exactly one of the three ids is set."""

    kind: BindingKind
    ref: str
    sender_id: UUID | None = None
    pool_id: UUID | None = None
    account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """Everything one thing is bound to, each in the order it was bound."""

    sender_ids: tuple[UUID, ...] = ()
    pool_ids: tuple[UUID, ...] = ()
    account_ids: tuple[UUID, ...] = ()

    def __or__(self, other: Bound) -> Bound:
        return Bound(
            self.sender_ids + other.sender_ids,
            self.pool_ids + other.pool_ids,
            self.account_ids + other.account_ids,
        )


UNBOUND = Bound()


@dataclass(frozen=True, slots=True)
class Bindings:
    """A tenant's bindings but those of leads, which are asked for per message."""

    bound: dict[tuple[BindingKind, str], Bound] = field(default_factory=dict)

    @classmethod
    def of(cls, bindings: Iterable[Binding]) -> Bindings:
        """Groups bindings, given in the order they were made."""
        grouped: defaultdict[tuple[BindingKind, str], list[Binding]] = defaultdict(list)
        for binding in bindings:
            grouped[binding.kind, binding.ref].append(binding)
        return cls({key: _bound(found) for key, found in grouped.items()})

    def get(self, kind: BindingKind, ref: str | None) -> Bound:
        """What a campaign, source or use case is bound to; nothing for one nobody has bound."""
        return UNBOUND if ref is None else self.bound.get((kind, ref), UNBOUND)

    @property
    def tenant(self) -> Bound:
        """What the tenant prefers where nothing else is said."""
        return self.bound.get((BindingKind.TENANT, ""), UNBOUND)

    def use_cases(self) -> dict[str, UUID]:
        """The pool of each use case."""
        return {
            ref: found.pool_ids[0]
            for (kind, ref), found in self.bound.items()
            if kind is BindingKind.USE_CASE and found.pool_ids
        }


def _bound(bindings: Iterable[Binding]) -> Bound:
    bindings = list(bindings)
    return Bound(
        tuple(b.sender_id for b in bindings if b.sender_id is not None),
        tuple(b.pool_id for b in bindings if b.pool_id is not None),
        tuple(b.account_id for b in bindings if b.account_id is not None),
    )

"""The plan of a batch: what happens to each message, while it is being made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from messaging.breakers import Route
from messaging.domain.choice import Choice
from messaging.domain.compliance import Block, Defer, Reason
from messaging.domain.lifecycle import Event, Status, advance
from messaging.domain.message import ProviderAccount
from messaging.domain.rates import Past, Usage
from messaging.domain.spending import Purse
from messaging.judgement import judgement
from messaging.store.balances import Charge, Standing
from messaging.store.facts import Case
from messaging.store.messages import Move
from messaging.store.verdicts import Judgement


@dataclass(slots=True)  # not frozen: made for every message, and freezing doubles its price
class Opening:
    """An attempt about to be opened: who sends, why, through which account, and until when."""

    choice: Choice
    account: ProviderAccount
    route: Route
    until: datetime | None = None
    """Nothing may be delivered from then on."""


@dataclass
class Plan:
    """What happens to each message of a batch."""

    moves: list[Move] = field(default_factory=list)
    openings: list[tuple[Case, Opening]] = field(default_factory=list)
    waits: dict[UUID, datetime] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    unknown_lines: list[tuple[UUID, bytes, UUID]] = field(default_factory=list)
    """(tenant, recipient key, message) of numbers to be looked up."""
    placed: set[UUID] = field(default_factory=set)
    """Those of `waits` that have a place in a line at that time."""
    usage: Usage | None = None
    """What was reserved of each limit."""
    under_way: Counter[Route] = field(default_factory=Counter)
    """How many of the batch are meant for each route."""
    repeats: dict[UUID, int] = field(default_factory=dict)
    """How many more of the batch may go to an account that had them before."""
    met: list[tuple[UUID, date, bytes]] = field(default_factory=list)
    """Whom senders with a daily limit write to: sender, day, recipient key."""
    charges: list[Charge] = field(default_factory=list)
    """What is taken out of purses, of tenants that are billed."""

    def refuse(self, case: Case, event: Event, reason: str) -> None:
        """This message ends here."""
        self.moves.append(move(case, event, reason=reason))
        self.refusals.append(reason)


Purses = tuple[dict[UUID, Purse], dict[UUID, Standing]]


@dataclass(frozen=True, slots=True)
class Line:
    """What the store knows of those who wait for a rate."""

    past: Callable[[], Past]
    """What was reserved before, should Redis have forgotten it."""
    purses: Callable[[Collection[UUID], Sequence[UUID]], Purses]
    """What tenants may still spend, who are locked for it, and what messages are billed so far."""
    placed: Collection[UUID] = ()
    """Whose time has come: an earlier refusal gave it to them."""


def hold_back(plan: Plan, case: Case, verdict: Defer | Block, now: datetime) -> None:
    """What a verdict other than Allow comes to."""
    message = case.message
    plan.judgements.append(judgement("dispatch", message, case.facts, verdict, now))
    if isinstance(verdict, Block):
        plan.refuse(case, verdict.event, verdict.reason)
        return
    why = f"{verdict.reason}: {verdict.detail}" if verdict.detail else verdict.reason
    # What expires before then is looked at when it does, and not shown as waiting until then.
    until = min(verdict.until, message.expires_at or verdict.until)
    plan.moves.append(move(case, Event.DEFERRED, reason=why, due_at=until))
    if verdict.reason is Reason.AWAITING_LOOKUP:
        plan.unknown_lines.append((message.tenant_id, message.recipient_key, message.id))


def move(case: Case, event: Event, **details: object) -> Move:
    """A step of a claimed message out of `queued`."""
    after = advance(Status.QUEUED, event)
    if after is None:  # pragma: no cover - every event used here leads out of `queued`
        raise AssertionError(event)
    message = case.message
    return Move(message.id, message.epoch, Status.QUEUED, event, after, **details)  # type: ignore[arg-type]

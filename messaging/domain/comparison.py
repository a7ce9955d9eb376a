"""How near was what was foretold of a campaign to what came?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Number = int | float | Decimal


@dataclass(slots=True)
class Outcome:
    """What a campaign came to, as the ledger says."""

    sent: int = 0
    """Messages a provider took, whatever became of them."""
    segments: int = 0
    """Of these."""
    cost: Decimal | None = None
    """None where nothing is billed."""
    seconds: float | None = None
    """From its start to its end; None before."""
    skipped: dict[str, int] = field(default_factory=dict)
    """By reason, as are the next two."""
    blocked: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    senders: dict[str, int] = field(default_factory=dict)
    """Segments that each of them sent, by address."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure, foretold and as it came."""

    what: str
    plan: Number | None
    actual: Number | None
    error_percent: float | None
    """By how much of the actual the plan was too high, or below 0 too low; None where there is no telling."""


def compared(plan: Mapping[str, Any], outcome: Outcome) -> list[Compared]:
    """The figures of a plan, as it is kept, beside those that came."""
    return [_beside(*pair) for pair in _pairs(plan, outcome)]


def _pairs(
    plan: Mapping[str, Any], outcome: Outcome
) -> Iterator[tuple[str, Number | None, Number | None]]:
    yield "sent", plan["to_send"], outcome.sent
    yield "segments", plan["segments"], outcome.segments
    cost = plan["cost"] or {}
    expected = cost.get("expected")  # a plan of an older version has none
    yield "cost", None if expected is None else Decimal(expected), outcome.cost
    yield "seconds", plan["seconds"], outcome.seconds
    for what, came in (
        ("skipped", outcome.skipped), ("blocked", outcome.blocked), ("senders", outcome.senders)
    ):  # fmt: skip
        for name in sorted({*plan[what], *came}):
            yield f"{what}: {name}", plan[what].get(name, 0), came.get(name, 0)


def _beside(what: str, plan: Number | None, actual: Number | None) -> Compared:
    if plan is None or actual is None:
        return Compared(what, plan, actual, None)
    if not actual:
        return Compared(what, plan, actual, None if plan else 0.0)
    error = 100 * (float(plan) - float(actual)) / float(actual)
    return Compared(what, plan, actual, round(error, 2))

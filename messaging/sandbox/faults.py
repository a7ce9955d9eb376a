"""What goes wrong with this message, and how?

Pure decisions: a recipient's last four digits and the configured rates become a `Plan`. Nothing here
keeps state, reads a clock or rolls dice: every draw is taken from a hash of the seed and of what
identifies the attempt, so that a run can be repeated whatever its timing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple


class Refusal(Enum):
    """A message that is not accepted, and the answer it gets instead."""

    RATE_LIMITED = "429"
    INTERNAL = "500"
    LOST = "lost"
    """It never arrives: nothing is answered, and whoever waits gives up first."""
    UNSUBSCRIBED = "unsubscribed"
    """The recipient has opted out. A provider that does not say so at once accepts the message, and
    it ends in `Fate.OPTED_OUT`."""


class Fate(Enum):
    """Why an accepted message is not delivered; each provider has its own code for it."""

    UNREACHABLE = "unreachable"
    """The handset is away, or the mailbox is full: another try may succeed."""
    OPTED_OUT = "opted out"


class Answer(Enum):
    """What the sender of an accepted message is told."""

    CREATED = "created"
    INTERNAL = "internal"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Rates:
    """How often each fault strikes (0 to 1), and how long answers take (seconds)."""

    latency: float = 0.0
    """Mean time until an answer."""
    latency_spread: float = 0.0
    """Standard deviation of the logarithm of the latency; 0 makes it constant."""
    tail_rate: float = 0.0
    tail_latency: float = 2.0
    rate_429: float = 0.0
    rate_500: float = 0.0
    """Not accepted, answered with 500."""
    rate_500_accepted: float = 0.0
    """Accepted, and still answered with 500."""
    rate_lost: float = 0.0
    """Not accepted, and never answered."""
    rate_drop: float = 0.0
    """Accepted, then the connection is closed without an answer."""
    rate_undelivered: float = 0.0
    rate_duplicate_receipts: float = 0.0
    rate_reorder_receipts: float = 0.0
    rate_early_receipt: float = 0.0
    rate_no_receipt: float = 0.0

    def __post_init__(self) -> None:
        """Raises ValueError for a rate outside 0..1 or a negative or endless time."""
        for field in fields(self):
            value = getattr(self, field.name)
            highest = 1.0 if "rate" in field.name else 86_400.0
            if not 0.0 <= value <= highest:
                raise ValueError(f"{field.name} must be between 0 and {highest:g}")


CALM = Rates()


class Plan(NamedTuple):
    """Everything that will happen to one accepted or refused request."""

    refusal: Refusal | None = None
    answer: Answer = Answer.CREATED
    hold: float = 0.0
    """Seconds before the message is accepted."""
    delay: float = 0.0
    """Seconds between accepting (or refusing) and answering."""
    fate: Fate | None = None
    """Why the message is not delivered; None delivers it."""
    early: bool = False
    """Receipts are posted before the answer."""
    duplicate: bool = False
    reverse: bool = False
    silent: bool = False
    """No receipt is posted."""
    names: tuple[str, ...] = ()
    """The faults that struck, as counted in the summary."""


PLAIN = Plan()


@dataclass(frozen=True, slots=True)
class Rule:
    """What a recipient's last four digits stand for."""

    meaning: str
    plan: Plan
    times: int | None = None
    """How often a refusal strikes one message before it is accepted; None is always."""


# The one table of faults chosen by the recipient's last four digits, the same at every provider. The
# fictional numbers +1 NPA 555 0190 to 0199 (and +44 7700 900190 to 900199) reach every row.
RULES: dict[str, Rule] = {
    "0190": Rule("answers after 2 s", Plan(delay=2.0, names=("slow",))),
    "0191": Rule(
        "429 with Retry-After twice, then accepted",
        Plan(refusal=Refusal.RATE_LIMITED, names=("rate_429",)),
        times=2,
    ),
    "0192": Rule(
        "500 without accepting once, then accepted",
        Plan(refusal=Refusal.INTERNAL, names=("rate_500",)),
        times=1,
    ),
    "0193": Rule(
        "accepted, then the connection is dropped",
        Plan(answer=Answer.NOTHING, names=("rate_drop",)),
    ),
    "0194": Rule(
        "undelivered: nobody can be reached now",
        Plan(fate=Fate.UNREACHABLE, names=("rate_undelivered",)),
    ),
    "0195": Rule(
        "receipts are posted before the answer", Plan(early=True, names=("rate_early_receipt",))
    ),
    "0196": Rule(
        "every receipt twice and in reverse order",
        Plan(
            duplicate=True,
            reverse=True,
            names=("rate_duplicate_receipts", "rate_reorder_receipts"),
        ),
    ),
    "0197": Rule("no receipt", Plan(silent=True, names=("rate_no_receipt",))),
    "0198": Rule("hangs 30 s, then accepts and answers", Plan(hold=30.0, names=("hang",))),
    "0199": Rule(
        "refused, or not delivered, because the recipient has opted out",
        Plan(refusal=Refusal.UNSUBSCRIBED, names=("unsubscribed",)),
    ),
}

_DRAWS = Struct("<12I")
_SCALE = 1.0 / 2**32


def draws(seed: int, *identity: str) -> tuple[float, ...]:
    """Twelve numbers in [0, 1) that depend on nothing but the arguments."""
    digest = blake2b(
        "\x1f".join(identity).encode(), digest_size=_DRAWS.size, key=str(seed).encode()
    ).digest()
    return tuple(number * _SCALE for number in _DRAWS.unpack(digest))


def by_suffix(suffix: str, refused: int) -> Plan:
    """The plan of a recipient's last four digits, after `refused` refusals of this message."""
    rule = RULES.get(suffix)
    if rule is None or (rule.times is not None and refused >= rule.times):
        return PLAIN
    return rule.plan


def latency(rates: Rates, draw: tuple[float, ...]) -> float:
    """Seconds until the answer: constant, or log-normal with `rates.latency` as its mean."""
    if draw[2] < rates.tail_rate:
        return rates.tail_latency
    spread = rates.latency_spread
    if not rates.latency or not spread:
        return rates.latency
    # Box-Muller; 1 - draw is never 0.
    normal = math.sqrt(-2.0 * math.log(1.0 - draw[0])) * math.cos(2.0 * math.pi * draw[1])
    return rates.latency * math.exp(spread * normal - spread * spread / 2.0)


def decide(rates: Rates, base: Plan, draw: tuple[float, ...]) -> Plan:
    """Lays the rates over the plan of the recipient's suffix.

    A refusal or lost answer that the suffix demands is kept; otherwise 429 goes before 500, and an
    accepted message answered with 500 before one whose answer is dropped.
    """
    if base is PLAIN and _is_calm(rates, draw):
        return Plan(delay=latency(rates, draw))
    names = list(base.names)
    delay = max(base.delay, latency(rates, draw))
    if draw[2] < rates.tail_rate:
        names.append("tail_latency")
    refusal = base.refusal
    if refusal is None and base.answer is Answer.CREATED:
        refusal = _refusal(rates, draw, names)
    if refusal is not None:
        return base._replace(refusal=refusal, delay=delay, names=tuple(names))
    answer = base.answer
    if answer is Answer.CREATED:
        answer = _answer(rates, draw, names)
    fate = base.fate
    if fate is None and _strikes("rate_undelivered", rates, draw[7], names):
        fate = Fate.UNREACHABLE
    return base._replace(
        answer=answer,
        delay=delay,
        fate=fate,
        duplicate=_strikes("rate_duplicate_receipts", rates, draw[8], names) or base.duplicate,
        reverse=_strikes("rate_reorder_receipts", rates, draw[9], names) or base.reverse,
        early=_strikes("rate_early_receipt", rates, draw[10], names) or base.early,
        silent=_strikes("rate_no_receipt", rates, draw[11], names) or base.silent,
        names=tuple(names),
    )


def changed(rates: Rates, changes: Mapping[str, object]) -> Rates:
    """`rates` with some fields changed.

    Raises:
        ValueError: for an unknown field, or a value that is not a number or out of range.
    """
    known = {field.name for field in fields(Rates)}
    numbers: dict[str, float] = {}
    for name, value in changes.items():
        if name not in known:
            raise ValueError(f"unknown fault: {name}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} must be a number")  # noqa: TRY004 - a bad value to the caller
        numbers[name] = float(value)
    return replace(rates, **numbers)


def _is_calm(rates: Rates, draw: tuple[float, ...]) -> bool:
    """Whether no rate strikes at this draw: by far the most common case, so it is the cheap one."""
    return (
        draw[2] >= rates.tail_rate
        and draw[3] >= rates.rate_429 + rates.rate_lost
        and draw[4] >= rates.rate_500
        and draw[5] >= rates.rate_500_accepted
        and draw[6] >= rates.rate_drop
        and draw[7] >= rates.rate_undelivered
        and draw[8] >= rates.rate_duplicate_receipts
        and draw[9] >= rates.rate_reorder_receipts
        and draw[10] >= rates.rate_early_receipt
        and draw[11] >= rates.rate_no_receipt
    )


def _refusal(rates: Rates, draw: tuple[float, ...], names: list[str]) -> Refusal | None:
    if _strikes("rate_429", rates, draw[3], names):
        return Refusal.RATE_LIMITED
    if _strikes("rate_lost", rates, draw[3] - rates.rate_429, names):
        return Refusal.LOST
    if _strikes("rate_500", rates, draw[4], names):
        return Refusal.INTERNAL
    return None


def _answer(rates: Rates, draw: tuple[float, ...], names: list[str]) -> Answer:
    if _strikes("rate_500_accepted", rates, draw[5], names):
        return Answer.INTERNAL
    if _strikes("rate_drop", rates, draw[6], names):
        return Answer.NOTHING
    return Answer.CREATED


def _strikes(name: str, rates: Rates, draw: float, names: list[str]) -> bool:
    struck: bool = draw < getattr(rates, name)
    if struck and name not in names:
        names.append(name)
    return struck

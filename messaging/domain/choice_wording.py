"""How is a choice of a sender told to a person: who was chosen, who was passed over, and why?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from messaging.domain.candidates import Pass

PASSES: Mapping[Pass, str] = {
    Pass.GONE: "it is no sender any more",
    Pass.INCAPABLE: "it cannot carry this kind of message",
    Pass.NOT_REGISTERED: "it is not registered for that country",
    Pass.CORDONED: "it is out of use",
    Pass.TRIED: "it was refused for this message before",
    Pass.DAILY_LIMIT: "it has written to as many people as it may today",
    Pass.OUTSIDE_CAMPAIGN: "it is on another 10DLC campaign than the number that was refused",
    Pass.LESS_HEADROOM: "it had less headroom",
    Pass.PROVIDER_DOWN: "its provider is down",
    Pass.PROVIDER_FAILED: "its provider did not take this message before",
}


@dataclass(frozen=True, slots=True)
class Considered:
    """A sender that was passed over."""

    sender: str
    """Masked."""
    under: str
    """The reason under which it was looked at."""
    why: Pass
    busy_seconds: float | None = None
    """How long it was booked already, where it lost by that: its score, and less is better."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One choice, or the lack of one."""

    sender: str | None
    """Masked; None if nobody could be chosen."""
    candidates: int
    """Among how many, under the reason that decided."""
    passed: Sequence[Considered] = ()
    absent: Mapping[str, int] = field(default_factory=dict)
    """Members of the pool that could not be chosen at all: how many, by why."""


def sentence(choice: Chosen) -> str:
    """The choice in one sentence."""
    if choice.sender is None:
        head = "No sender could be chosen"
    elif choice.candidates > 1:
        head = f"{choice.sender} was chosen among {choice.candidates}"
    else:
        head = f"{choice.sender} was chosen"
    told = [_passed(considered) for considered in choice.passed]
    if choice.absent:
        counts = ", ".join(f"{n} {why.replace('_', ' ')}" for why, n in choice.absent.items())
        told.append(f"of its pool, {counts}")
    return f"{head}; passed over: {'; '.join(told)}." if told else f"{head}."


def _passed(considered: Considered) -> str:
    why = PASSES[considered.why]
    if considered.busy_seconds is not None and considered.why is Pass.LESS_HEADROOM:
        why += f", being booked for {considered.busy_seconds:.1f} s"
    return f"{considered.sender} ({considered.under}: {why})"

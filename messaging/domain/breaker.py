"""Is a provider account down for some route, and when may somebody try again?

A route is an account, a channel and a country: a provider's path to Brazil may fail while all else
works. Its circuit opens on the share of failures, not on their number, and never on a handful. An open
circuit lets nothing through for a while; then one probe, then five, then twenty-five. A stage of which
half goes wrong opens it again for twice as long; a provider that always fails a few is no worse for it.
Whoever acts on this keeps the circuits; here is only what follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Limits:
    """When a circuit opens, for how long, and how it closes again. Times are in seconds."""

    windows: tuple[tuple[int, float], ...] = ((10, 0.5), (2, 0.9))
    """How many seconds back, and of the calls in them how many must fail: half of them for a while, or
    nearly all of them just now, so that a provider that was well until a moment ago is let go at once."""
    minimum: int = 20
    """Calls in a window before its share says anything."""
    open_for: float = 5.0
    """The first time; doubles with each opening in a row."""
    longest: float = 30.0
    probes: tuple[int, ...] = (1, 5, 25)
    """How many calls each stage of a half-open circuit lets through."""
    bad_probes: float = 0.5
    """Of a stage's probes, how many may not go wrong."""
    patience: float = 30.0
    """After which probes that were not heard of no longer count: their worker may be dead."""


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Circuit:
    """A circuit that is not closed; a closed one is None. Times are seconds of the epoch."""

    down_since: float
    """When it first opened, if it has not been closed since."""
    opened_at: float
    until: float
    """Nothing goes through before; then it is half-open."""
    openings: int = 1
    """In a row."""
    stage: int = 0
    probes: int = 0
    """Let through in this stage."""
    good: int = 0
    bad: int = 0
    """How many of those were heard of, and how they ended."""
    probed_at: float = 0.0


def trips(seconds: Sequence[tuple[int, int]], limits: Limits = LIMITS) -> bool:
    """Whether a closed circuit opens after (calls, failures) of the last seconds, the present one last."""
    for length, share in limits.windows:
        calls = sum(calls for calls, _ in seconds[-length:])
        failed = sum(failed for _, failed in seconds[-length:])
        if calls >= limits.minimum and failed >= share * calls:
            return True
    return False


def opened(before: Circuit | None, now: float, limits: Limits = LIMITS) -> Circuit:
    """The circuit that opens now; `before` is what it was, None if closed."""
    openings = 1 if before is None else before.openings + 1
    doubled = limits.open_for * 2.0 ** min(openings - 1, 30)
    since = now if before is None else before.down_since
    return Circuit(since, now, now + min(doubled, limits.longest), openings)


def room(circuit: Circuit, now: float, limits: Limits = LIMITS) -> int:
    """How many probes may go through now; 0 while it is open, or waits to hear of those it let through."""
    if now < circuit.until:
        return 0
    return limits.probes[circuit.stage] - _under_way(circuit, now, limits)


def probed(circuit: Circuit, now: float, limits: Limits = LIMITS) -> Circuit | None:
    """The circuit after one more probe was let through; None if none may be."""
    if room(circuit, now, limits) < 1:
        return None
    return replace(circuit, probes=_under_way(circuit, now, limits) + 1, probed_at=now)


def _under_way(circuit: Circuit, now: float, limits: Limits) -> int:
    """The stage's probes, without those that were not heard of for too long."""
    given_up = now >= circuit.probed_at + limits.patience
    return circuit.good + circuit.bad if given_up else circuit.probes


def heard(
    circuit: Circuit, good: int, bad: int, now: float, limits: Limits = LIMITS
) -> Circuit | None:
    """The circuit after calls ended that began when it was half-open; None if that closes it."""
    good, bad, most = good + circuit.good, bad + circuit.bad, limits.probes[circuit.stage]
    if bad >= limits.bad_probes * most:
        return opened(circuit, now, limits)
    if good + bad < most:
        return replace(circuit, good=good, bad=bad)
    if circuit.stage + 1 == len(limits.probes):
        return None
    return replace(circuit, stage=circuit.stage + 1, probes=0, good=0, bad=0)


def look_again(circuit: Circuit, now: float, dice: float, limits: Limits = LIMITS) -> float:
    """In how many seconds somebody who waits for this route looks again; `dice` is in [0, 1).

    The longer it has been down, the wider those who wait are spread, so that a long outage is no
    busy loop and its end no stampede.
    """
    opens_in = max(circuit.until - now, 0.0)
    spread = min(max(now - circuit.down_since, 1.0), limits.longest)
    return opens_in + dice * spread


@dataclass(frozen=True, slots=True)
class Budget:
    """How many repeats an account is asked to bear: an outage must not become a storm."""

    share: float = 0.2
    """Of the calls that were no repeats."""
    least: int = 50
    """What is allowed in a window whatever the share, so that quiet accounts may retry at all."""

    def left(self, calls: int, repeats: int) -> int:
        """How many more repeats fit beside `calls` (repeats included) in the window."""
        return max(int(max(self.least, self.share * (calls - repeats))) - repeats, 0)

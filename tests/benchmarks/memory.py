"""Does a worker grow? Its memory over many messages, and the slope of a line through it.

The first part is not counted: there a worker fills its caches and its window for the first time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from messaging.processes import Group
from tests.benchmarks import drain
from tests.benchmarks.machine import Machine
from tests.benchmarks.report import Report
from tests.benchmarks.vitals import resident_mb

MESSAGES = 200_000
_PART = 20_000
_PER = 100_000


@dataclass
class _Curve:
    """Resident memory (MiB) over messages sent."""

    sent: list[float] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)

    def slope(self) -> float:
        """MiB for each 100,000 messages, by least squares."""
        middle = sum(self.sent) / len(self.sent)
        level = sum(self.resident) / len(self.resident)
        across = sum((x - middle) ** 2 for x in self.sent)
        along = sum(
            (x - middle) * (y - level) for x, y in zip(self.sent, self.resident, strict=True)
        )
        return along / across * _PER if across else 0.0


def flat(m: Machine, report: Report, messages: int, say: Callable[[str], None]) -> None:
    """Drain `messages`, at least 40,000, through one set of workers; report how their memory went.

    Raises:
        VoidRunError: a message was lost or repeated.
    """
    curve = _Curve()
    messages = max(messages, 2 * _PART)
    with drain.warm(m) as group:
        done = 0
        while done < messages:
            say(f"memory, {done:,} of {messages:,} messages")
            part = min(_PART, messages - done)
            drain.timed(m, group, part, drain.INSTANT, partial(_sample, m, group, done, curve))
            done += part
            m.reset()
        report.add("worker_rss_mb", curve.resident[-1])
    report.add("worker_rss_slope_mb_per_100k", curve.slope())


def _sample(m: Machine, group: Group, before: int, curve: _Curve) -> None:
    if not before:
        return
    curve.sent.append(before + m.carrier.counts()["accepted"])
    curve.resident.append(resident_mb(group.pids("low")[1:]))
